//! A tool that adds, and turns that use it.

use std::time::Duration;

use fascine::branch::{Branch, Tool, ToolContext, ToolError, ToolSet};
use fascine::message::{Role, ToolCall};
use fascine::model::{Line, ToolSpec};
use fascine::rt::BoxFuture;
use serde_json::{Value, json};

/// Adds `a` and `b`, after a while.
#[derive(Debug)]
pub(crate) struct Add {
    spec: ToolSpec,
    takes: Duration,
}

impl Add {
    pub(crate) fn new() -> Self {
        Self::taking(Duration::ZERO)
    }

    pub(crate) fn taking(takes: Duration) -> Self {
        let number = json!({ "type": "integer" });
        let parameters = json!({
            "type": "object",
            "properties": { "a": number, "b": number },
            "required": ["a", "b"],
        });
        Self {
            spec: ToolSpec::new("add", "Adds two numbers.", parameters),
            takes,
        }
    }

    pub(crate) fn alone() -> ToolSet {
        ToolSet::new().with(Self::new())
    }
}

impl Tool for Add {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, arguments: Value, context: ToolContext) -> BoxFuture<Result<Value, ToolError>> {
        let takes = self.takes;
        Box::pin(async move {
            if !takes.is_zero() {
                context.rt.sleep(takes).await;
            }
            match (arguments["a"].as_i64(), arguments["b"].as_i64()) {
                (Some(a), Some(b)) => Ok(json!(a + b)),
                _ => Err(ToolError::Failed("a and b have to be numbers".into())),
            }
        })
    }
}

/// The model wants `add` called.
pub(crate) fn add(id: &str, a: i64, b: i64) -> ToolCall {
    ToolCall::new(id, "add", json!({ "a": a, "b": b }).to_string())
}

/// The model wants `add` called, and nothing else.
pub(crate) fn adding(id: &str, a: i64, b: i64) -> Line {
    Line::tool_calls([add(id, a, b)])
}

/// What was said, a line each.
pub(crate) fn said(branch: &Branch) -> Vec<String> {
    let history = branch.history();
    let line = |message: &fascine::message::Message| {
        let calls = message.tool_calls().map(|call| format!("{}?", call.id));
        let results = message
            .tool_results()
            .map(|result| format!("{}={}", result.call_id, result.text));
        let parts: Vec<String> = calls.chain(results).collect();
        format!("{}: {}{}", message.role(), message.text(), parts.join(" "))
    };
    history.iter().map(line).collect()
}

/// Asserts what holds of every history: each call has its result, each result its call, and questions come first.
#[track_caller]
pub(crate) fn assert_whole(branch: &Branch) {
    for turn in branch.history().turns() {
        let mut open: Vec<String> = Vec::new();
        for message in turn.messages() {
            assert!(
                message.role() == Role::Tool || open.is_empty(),
                "{open:?} have no results"
            );
            open.extend(message.tool_calls().map(|call| call.id.clone()));
            for result in message.tool_results() {
                let at = open.iter().position(|id| *id == result.call_id);
                open.remove(at.expect("every result has its call"));
            }
        }
        assert!(open.is_empty(), "{open:?} have no results");
        assert_eq!(turn.messages()[0].role(), Role::User);
    }
}

/// Asserts that the next turn works.
pub(crate) async fn assert_usable(branch: &Branch, question: &str) {
    let before = branch.history().len();
    branch.communicate(question).await.unwrap();
    assert_eq!(branch.history().len(), before + 2);
    assert_whole(branch);
}
