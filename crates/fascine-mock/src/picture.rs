use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::problem::Problem;

/// Checks a picture that is sent as a URL: of the web, or with the data in it.
pub(crate) fn check_url(url: &str, path: &str) -> Result<(), Problem> {
    let Some(inline) = url.strip_prefix("data:") else {
        return if url.starts_with("http://") || url.starts_with("https://") {
            Ok(())
        } else {
            Err(Problem::wrong(path, "an http(s) URL or a data URL"))
        };
    };
    match inline.split_once(";base64,") {
        Some((media_type, data)) => check(media_type, data, path),
        None => Err(Problem::wrong(path, "a data URL in base64")),
    }
}

/// Checks the type and the data of a picture.
pub(crate) fn check(media_type: &str, data: &str, path: &str) -> Result<(), Problem> {
    if !MEDIA_TYPES.contains(&media_type) {
        let expected = format!("one of {}", MEDIA_TYPES.join(", "));
        return Err(Problem::wrong(path, &expected));
    }
    check_base64(data, path)
}

pub(crate) fn check_base64(data: &str, path: &str) -> Result<(), Problem> {
    match STANDARD.decode(data) {
        Ok(bytes) if !bytes.is_empty() => Ok(()),
        _ => Err(Problem::wrong(path, "data in base64")),
    }
}

const MEDIA_TYPES: [&str; 4] = ["image/gif", "image/jpeg", "image/png", "image/webp"];
