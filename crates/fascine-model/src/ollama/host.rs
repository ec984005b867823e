/// The base URL that a value of `OLLAMA_HOST` means: any of `host`, `host:port`, `:port` and a URL.
pub(super) fn base_url(text: &str) -> String {
    let text = text.trim().trim_matches(['"', '\'']);
    let (scheme, rest, port) = match text.split_once("://") {
        Some(("https", rest)) => ("https", rest, "443"),
        Some(("http", rest)) => ("http", rest, "80"),
        Some((scheme, rest)) => return format!("{scheme}://{rest}"),
        None => ("http", text, "11434"),
    };
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    let (host, port) = match authority.rsplit_once(':') {
        // The colons of an address that has no port.
        Some((before, _)) if before.contains(':') && !before.ends_with(']') => (authority, port),
        Some((host, port)) => (host, port),
        None => (authority, port),
    };
    let host = match host {
        // Where a server listens to everybody it is reached as on the same machine.
        "" | "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" | "[::]" => "[::1]".to_owned(),
        host if host.contains(':') && !host.starts_with('[') => format!("[{host}]"),
        host => host.to_owned(),
    };
    format!("{scheme}://{host}:{port}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_the_server_reads_them() {
        for (text, url) in [
            ("", "http://127.0.0.1:11434"),
            ("0.0.0.0", "http://127.0.0.1:11434"),
            ("example.com", "http://example.com:11434"),
            (" \"example.com:80\" ", "http://example.com:80"),
            (":1234", "http://127.0.0.1:1234"),
            ("http://example.com", "http://example.com:80"),
            (
                "https://example.com/models",
                "https://example.com:443/models",
            ),
            ("::1", "http://[::1]:11434"),
            ("[::]:99", "http://[::1]:99"),
            ("ftp://example.com", "ftp://example.com"),
        ] {
            assert_eq!(base_url(text), url, "{text}");
        }
    }
}
