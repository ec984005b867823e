/// Writes text for XML and HTML, between tags or inside quotes of either kind.
///
/// What XML 1.0 has no place for, even escaped, becomes a replacement character; so do the marks that turn the direction
/// of the text around them: a name must not change how its neighbours read.
pub(crate) fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(visible(c)),
        }
    }
    escaped
}

/// Writes text between the quotes of a Mermaid label. What could end the label, or be taken for HTML, Markdown or an icon, is
/// written as the number of the character, which Mermaid calls an entity code.
pub(crate) fn mermaid(text: &str) -> String {
    let mut escaped = String::new();
    for c in short(text).chars() {
        match c {
            '\n' | '\r' | '\t' => escaped.push(' '),
            ' ' => escaped.push(c),
            _ if c.is_ascii_alphanumeric() || "-_.,()/+=?!".contains(c) => escaped.push(c),
            _ if c.is_ascii() && !c.is_ascii_control() => {
                escaped.push_str(&format!("#{};", u32::from(c)));
            }
            _ => escaped.push(visible(c)),
        }
    }
    escaped
}

/// Writes text between the quotes of a DOT string, where a backslash begins an escape. Graphviz reads entities in it.
pub(crate) fn dot(text: &str) -> String {
    let mut escaped = String::new();
    for c in short(text).chars() {
        match c {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '&' => escaped.push_str("&amp;"),
            '\n' | '\r' | '\t' => escaped.push(' '),
            _ => escaped.push(visible(c)),
        }
    }
    escaped
}

/// Cuts a name that would fill a page.
pub(crate) fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// In characters.
const LONGEST: usize = 120;

fn visible(c: char) -> char {
    match c {
        '\n' | '\r' | '\t' => c,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        _ if c.is_control() => '\u{fffd}',
        _ => c,
    }
}
