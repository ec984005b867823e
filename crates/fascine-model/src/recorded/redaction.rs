use serde_json::Value;

use crate::recorded::entry::Answer;

/// What must not be written down.
#[derive(Clone, Default)]
pub(crate) struct Redaction {
    secrets: Vec<String>,
}

impl Redaction {
    /// Adds a text; an empty one stands everywhere and is none.
    pub(crate) fn add(&mut self, secret: String) {
        if !secret.is_empty() {
            self.secrets.push(secret);
        }
    }

    pub(crate) fn apply(&self, value: &mut Value) {
        match value {
            Value::Array(values) => values.iter_mut().for_each(|value| self.apply(value)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        Value::String(text) if is_credential(name) => REDACTED.clone_into(text),
                        value => self.apply(value),
                    }
                }
            }
            Value::String(text) => {
                for secret in &self.secrets {
                    if text.contains(secret) {
                        *text = text.replace(secret, REDACTED);
                    }
                }
            }
            Value::Bool(_) | Value::Null | Value::Number(_) => {}
        }
    }

    /// Redacts an answer; it keeps its shape, as only texts are changed.
    pub(crate) fn redact(&self, answer: Answer) -> Answer {
        let redacted = serde_json::to_value(&answer).and_then(|mut value| {
            self.apply(&mut value);
            serde_json::from_value(value)
        });
        redacted.unwrap_or(answer)
    }
}

/// Whether a field of this name holds what lets somebody in.
fn is_credential(name: &str) -> bool {
    let name: String = name
        .chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    let endings = [
        "apikey",
        "authorization",
        "accesstoken",
        "authtoken",
        "bearertoken",
        "refreshtoken",
        "sessiontoken",
        "password",
        "secret",
        "secretkey",
        "accesskey",
        "privatekey",
        "credentials",
    ];
    name == "token" || endings.iter().any(|ending| name.ends_with(ending))
}

const REDACTED: &str = "[redacted]";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_called_like_a_key_and_what_is_named_is_not_written_down() {
        let mut redaction = Redaction::default();
        redaction.add("hunter2".to_owned());
        redaction.add(String::new());
        let mut value = json!({
            "extra": { "api_key": "sk-1", "X-Api-Key": "sk-2", "clientSecret": "s", "token": "t", "max_tokens": 5 },
            "messages": [{ "text": "my password is hunter2!" }],
            "schema": { "properties": { "password": { "type": "string" } } },
        });
        redaction.apply(&mut value);
        let expected = json!({
            "extra": { "api_key": REDACTED, "X-Api-Key": REDACTED, "clientSecret": REDACTED, "token": REDACTED, "max_tokens": 5 },
            "messages": [{ "text": "my password is [redacted]!" }],
            "schema": { "properties": { "password": { "type": "string" } } },
        });
        assert_eq!(value, expected);
    }
}
