use serde_json::Value;

/// Reads the JSON document in a text: the whole text, a fenced block of it, or what stands between its outermost
/// brackets.
pub(super) fn read(text: &str) -> Result<Value, String> {
    if text.trim().is_empty() {
        return Err("there is no answer".to_owned());
    }
    let whole = match serde_json::from_str(text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    [
        fenced(text),
        bracketed(text, '{', '}'),
        bracketed(text, '[', ']'),
    ]
    .into_iter()
    .flatten()
    .find_map(|part| serde_json::from_str(part).ok())
    .ok_or_else(|| format!("the answer is not JSON: {whole}"))
}

fn fenced(text: &str) -> Option<&str> {
    let (_, after) = text.split_once("```")?;
    let (inside, _) = after.split_once("```")?;
    Some(inside.strip_prefix("json").unwrap_or(inside))
}

fn bracketed(text: &str, open: char, close: char) -> Option<&str> {
    let (from, to) = (text.find(open)?, text.rfind(close)?);
    text.get(from..=to)
}
