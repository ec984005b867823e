use std::fmt::{self, Write};

use fascine_message::Message;
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};

use crate::{Delivery, Provider, Request};

/// A request in the one form that all requests have which mean the same to the same model.
///
/// It is a JSON document after RFC 8785: no white space, the keys of every object sorted by their UTF-16 units, strings
/// escaped as little as possible. Numbers are written in the shortest form that means the same, whole ones without a
/// fraction; integers beyond 2⁵³ stay exact, unlike there.
///
/// It has the model's [identity](crate::Model::identity), the version of this form, and everything of the request that
/// the provider is told: the conversation, the model, every parameter, the schema, the tools, the fields of the
/// provider's own. It leaves out the ids of messages, cache marks, and what a cache on the way is to do. The ids of tool
/// calls are part of it, as the provider reads them.
///
/// # Examples
///
/// ```
/// use fascine_message::{Message, MessageId};
/// use fascine_model::{CanonicalRequest, Request};
///
/// let question = Message::user("Legs?");
/// let stored = question.clone().with_id(MessageId::from_u128(7));
/// let one = CanonicalRequest::new("openai/small", &Request::new([question]));
/// let two = CanonicalRequest::new("openai/small", &Request::new([stored]));
/// assert_eq!(one.key(), two.key());
/// assert_eq!(
///     one.as_str(),
///     r#"{"model":"openai/small","request":{"messages":[{"content":[{"text":"Legs?","type":"text"}],"role":"user"}]},"version":1}"#,
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CanonicalRequest(String);

/// The SHA-256 of a [`CanonicalRequest`]; shown in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestKey([u8; 32]);

impl CanonicalRequest {
    /// Brings a request to a model of this identity into its form.
    #[must_use]
    pub fn new(identity: &str, request: &Request) -> Self {
        let document = serde_json::json!({
            "model": identity,
            "request": semantic(request),
            "version": VERSION,
        });
        Self::of_document(&document)
    }

    /// Writes a document in the canonical form.
    pub(crate) fn of_document(document: &Value) -> Self {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = write_value(&mut text, document);
        Self(text)
    }

    /// The document.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its SHA-256.
    #[must_use]
    pub fn key(&self) -> RequestKey {
        RequestKey(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl RequestKey {
    /// The bytes of the hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for RequestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RequestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestKey({self})")
    }
}

/// What tells a provider from others: its name, where it sends a request, and the model it asks by itself.
pub(crate) fn identity_of(provider: &dyn Provider) -> String {
    let (name, model) = (provider.name(), provider.model());
    let any = Request::new([Message::user("any")]);
    let address = match provider.request(&any, Delivery::Whole) {
        Ok(written) => {
            // Without the query, in which some carry a key.
            let uri = written.uri();
            let authority = uri.authority().map_or("", |authority| authority.as_str());
            format!("{authority}{}", uri.path())
        }
        Err(_) => String::new(),
    };
    format!("{name} {model} {address}")
}

/// What of a request the provider is told.
pub(crate) fn semantic(request: &Request) -> Value {
    // Nothing in a request has keys that are not strings, which is what could fail here.
    let mut document = serde_json::to_value(request).unwrap_or_default();
    let messages = document.get_mut("messages").and_then(Value::as_array_mut);
    for message in messages.into_iter().flatten() {
        if let Value::Object(fields) = message {
            fields.remove("id");
        }
        let content = message.get_mut("content").and_then(Value::as_array_mut);
        if let Some(parts) = content {
            parts.retain(|part| part["type"] != "cache_mark");
        }
    }
    document
}

fn write_value(text: &mut String, value: &Value) -> fmt::Result {
    match value {
        Value::Array(values) => write_list(text, '[', ']', values, write_value),
        Value::Number(number) => write_number(text, number),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by(|(one, _), (two, _)| one.encode_utf16().cmp(two.encode_utf16()));
            write_list(text, '{', '}', fields, |text, (key, value)| {
                write_string(text, key)?;
                text.push(':');
                write_value(text, value)
            })
        }
        Value::String(string) => write_string(text, string),
        Value::Bool(_) | Value::Null => write!(text, "{value}"),
    }
}

fn write_list<T>(
    text: &mut String,
    open: char,
    close: char,
    items: impl IntoIterator<Item = T>,
    write: impl Fn(&mut String, T) -> fmt::Result,
) -> fmt::Result {
    text.push(open);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write(text, item)?;
    }
    text.push(close);
    Ok(())
}

/// 1.0 means 1, and -0.0 means 0.
fn write_number(text: &mut String, number: &Number) -> fmt::Result {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < EXACT => {
            #[expect(clippy::cast_possible_truncation, reason = "whole, and below 2^53")]
            let whole = float as i64;
            write!(text, "{whole}")
        }
        _ => write!(text, "{number}"),
    }
}

/// serde_json escapes as RFC 8785 does: quotes, backslashes and control characters, the short way where there is one.
fn write_string(text: &mut String, string: &str) -> fmt::Result {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if !string.bytes().all(is_plain) {
        return write!(text, "{}", Value::from(string));
    }
    text.push('"');
    text.push_str(string);
    text.push('"');
    Ok(())
}

/// Up to here a float holds every whole number.
const EXACT: f64 = 9_007_199_254_740_992.0;

const VERSION: u64 = 1;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn canonical(document: &Value) -> String {
        CanonicalRequest::of_document(document).0
    }

    #[test]
    fn documents_are_written_as_rfc_8785_has_them() {
        // Its example of sorting: by UTF-16 units, not by code points.
        let sorted = json!({ "\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7 });
        assert_eq!(
            canonical(&sorted),
            "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}"
        );
        let text = json!("\u{20ac}$\u{f}\nA'B\"\\\\\"/");
        assert_eq!(
            canonical(&text),
            "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\""
        );
        assert_eq!(canonical(&json!([[], {}, null, true])), "[[],{},null,true]");
    }

    #[test]
    fn a_number_has_one_form() {
        let numbers = json!([1.0, 1, -0.0, 0.5, 0.1, 1e300, u64::MAX, -3.0]);
        assert_eq!(
            canonical(&numbers),
            "[1,1,0,0.5,0.1,1e+300,18446744073709551615,-3]"
        );
    }
}
