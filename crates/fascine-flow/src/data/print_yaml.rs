use std::fmt::Write;

use super::node::{Data, Key, Node};

/// Writes a value as YAML: tables and lists in blocks, texts without quotes where nobody can take them for something
/// else, and texts of several lines as they are.
pub(crate) fn print(root: &Node) -> String {
    let mut out = String::new();
    block(&mut out, root, 0);
    out
}

/// Writes a value behind a name or a dash, and ends the line.
fn value(out: &mut String, node: &Node, indent: usize) {
    match &node.data {
        Data::List(items) if !items.is_empty() => {
            out.push('\n');
            block(out, node, indent + STEP);
        }
        Data::Map(entries) if !entries.is_empty() => {
            out.push('\n');
            block(out, node, indent + STEP);
        }
        _ => {
            out.push(' ');
            scalar(out, node, indent + STEP);
        }
    }
}

/// Writes the lines of a list or a table, or a value alone on a line.
fn block(out: &mut String, node: &Node, indent: usize) {
    match &node.data {
        Data::List(items) if !items.is_empty() => {
            for item in items {
                match &item.data {
                    // The first field stands beside the dash.
                    Data::Map(entries) if !entries.is_empty() => {
                        let mut fields = String::new();
                        block(&mut fields, item, indent + STEP);
                        pad(out, indent);
                        out.push_str("- ");
                        out.push_str(fields.trim_start_matches(' '));
                    }
                    _ => {
                        pad(out, indent);
                        out.push('-');
                        value(out, item, indent);
                    }
                }
            }
        }
        Data::Map(entries) if !entries.is_empty() => {
            for (key, node) in entries {
                pad(out, indent);
                name(out, key, indent);
                value(out, node, indent);
            }
        }
        _ => {
            pad(out, indent);
            scalar(out, node, indent + STEP);
        }
    }
}

/// Writes a name and its colon.
fn name(out: &mut String, key: &Key, indent: usize) {
    let text = match is_plain(&key.name) {
        true => key.name.clone(),
        false => quoted(&key.name),
    };
    if text.len() > LONGEST_NAME {
        // The names of most tables have to be short.
        out.push_str("? ");
        out.push_str(&text);
        out.push('\n');
        pad(out, indent);
        out.push(':');
    } else {
        out.push_str(&text);
        out.push(':');
    }
}

/// Writes what takes no block of its own, and ends the line.
fn scalar(out: &mut String, node: &Node, indent: usize) {
    match &node.data {
        Data::Bool(value) => write!(out, "{value}").unwrap_or_default(),
        Data::List(_) => out.push_str("[]"),
        Data::Map(_) => out.push_str("{}"),
        Data::Null => out.push_str("null"),
        Data::Number(number) => write!(out, "{number}").unwrap_or_default(),
        Data::Text(text) if is_plain(text) => out.push_str(text),
        Data::Text(text) if is_lines(text) => {
            out.push_str(if text.ends_with('\n') { "|" } else { "|-" });
            for line in text.lines() {
                out.push('\n');
                if !line.is_empty() {
                    pad(out, indent);
                    out.push_str(line);
                }
            }
        }
        Data::Text(text) => out.push_str(&quoted(text)),
    }
    out.push('\n');
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// Whether a text is itself without quotes, for every version of YAML.
fn is_plain(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ' ');
    let is_other = RESERVED.contains(&&*text.to_ascii_lowercase());
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && text.len() <= LONGEST_NAME
        && text.chars().all(is_word)
        && !is_other
}

/// Whether a text can stand as lines of its own.
fn is_lines(text: &str) -> bool {
    let Some(body) = text.split('\n').next().filter(|_| text.contains('\n')) else {
        return false;
    };
    let is_blank = |line: &str| !line.is_empty() && line.trim().is_empty();
    !body.is_empty()
        && !body.starts_with(char::is_whitespace)
        && !text.ends_with("\n\n")
        && !text.split('\n').any(is_blank)
        && text.chars().all(|c| c == '\n' || is_printable(c))
}

/// In quotes, with the escapes of JSON, which YAML shares, and of what YAML does not print.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    for c in serde_json::Value::from(text).to_string().chars() {
        match is_printable(c) {
            true => quoted.push(c),
            false => write!(quoted, "\\U{:08X}", u32::from(c)).unwrap_or_default(),
        }
    }
    quoted
}

/// Whether a character may stand in YAML as it is, and is not taken for the end of a line by anybody.
fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

const STEP: usize = 2;

/// YAML wants names to be shorter than 1024 characters.
const LONGEST_NAME: usize = 128;

/// What is no text in YAML 1.1 or 1.2.
const RESERVED: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
