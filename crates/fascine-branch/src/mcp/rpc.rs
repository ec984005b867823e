//! JSON-RPC 2.0 as MCP uses it, without I/O.

use serde_json::{Map, Value, json};

use crate::mcp::McpError;

/// What came from a server.
#[derive(Debug, PartialEq)]
pub(crate) enum Incoming {
    /// An answer to what we asked.
    Answer {
        id: u64,
        answer: Result<Value, Refusal>,
    },
    /// A question, and what it is answered with.
    Question { reply: Value },
}

/// An error in the place of a result.
#[derive(Debug, PartialEq)]
pub(crate) struct Refusal {
    code: i64,
    message: String,
}

impl Refusal {
    pub(crate) fn of(self, method: &str) -> McpError {
        McpError::Refused {
            method: method.to_owned(),
            code: self.code,
            message: self.message,
        }
    }
}

pub(crate) fn request(id: u64, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

pub(crate) fn notification(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}

/// Tells a server that nobody waits for an answer any more.
pub(crate) fn cancelled(id: u64) -> Value {
    let params = json!({"requestId": id, "reason": "nobody waits for it any more"});
    notification("notifications/cancelled", params)
}

/// Reads a message, or several in an array. What is neither an answer nor a question is left out: notifications, which
/// we do not need, and whatever a server writes by mistake.
pub(crate) fn read(text: &[u8]) -> Vec<Incoming> {
    match serde_json::from_slice(text) {
        Ok(Value::Array(messages)) => messages.into_iter().filter_map(one).collect(),
        Ok(message) => one(message).into_iter().collect(),
        Err(_) => Vec::new(),
    }
}

fn one(message: Value) -> Option<Incoming> {
    let Value::Object(mut message) = message else {
        return None;
    };
    let id = message.remove("id").filter(|id| !id.is_null())?;
    if let Some(Value::String(method)) = message.get("method") {
        let reply = reply(id, method);
        return Some(Incoming::Question { reply });
    }
    let id = match id {
        Value::Number(id) => id.as_u64()?,
        Value::String(id) => id.parse().ok()?,
        _ => return None,
    };
    let answer = match (message.remove("result"), message.remove("error")) {
        (_, Some(Value::Object(error))) => Err(refusal(&error)),
        (Some(result), _) => Ok(result),
        (None, _) => Err(Refusal {
            code: INTERNAL,
            message: "neither a result nor an error".to_owned(),
        }),
    };
    Some(Incoming::Answer { id, answer })
}

fn refusal(error: &Map<String, Value>) -> Refusal {
    let message = error.get("message").and_then(Value::as_str);
    Refusal {
        code: error
            .get("code")
            .and_then(Value::as_i64)
            .unwrap_or(INTERNAL),
        message: message.unwrap_or("no reason given").to_owned(),
    }
}

/// Answers what a server asks: that we are here, that there are no folders to look into, and nothing else.
fn reply(id: Value, method: &str) -> Value {
    match method {
        "ping" => json!({"jsonrpc": "2.0", "id": id, "result": {}}),
        "roots/list" => json!({"jsonrpc": "2.0", "id": id, "result": {"roots": []}}),
        _ => {
            let error = json!({"code": NO_SUCH_METHOD, "message": "Method not found"});
            json!({"jsonrpc": "2.0", "id": id, "error": error})
        }
    }
}

const NO_SUCH_METHOD: i64 = -32601;
const INTERNAL: i64 = -32603;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_questions_are_told_from_the_rest() {
        let answer = |id, value| Incoming::Answer {
            id,
            answer: Ok(value),
        };
        assert_eq!(read(br#"{"id":1,"result":{}}"#), [answer(1, json!({}))]);
        assert_eq!(
            read(br#"{"id":"2","result":null}"#),
            [answer(2, Value::Null)]
        );
        let batch = br#"[{"id":1,"result":1},{"method":"n"},{"id":2,"result":2}]"#;
        assert_eq!(read(batch), [answer(1, json!(1)), answer(2, json!(2))]);
        for nothing in [
            "",
            "log line",
            "7",
            "{}",
            r#"{"id":null,"result":1}"#,
            r#"{"method":"notifications/progress"}"#,
        ] {
            assert_eq!(read(nothing.as_bytes()), [], "{nothing}");
        }
        let refused = read(br#"{"id":3,"error":{"code":-1,"message":"no"}}"#);
        let refusal = Refusal {
            code: -1,
            message: "no".to_owned(),
        };
        assert_eq!(
            refused,
            [Incoming::Answer {
                id: 3,
                answer: Err(refusal)
            }]
        );
        let [Incoming::Question { reply }] = &read(br#"{"id":"x","method":"ping"}"#)[..] else {
            panic!("a ping is a question");
        };
        assert_eq!(reply["id"], "x");
    }
}
