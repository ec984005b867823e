use fascine_message::{ToolCall, ToolResult};
use fascine_rt::Rt;
use serde_json::Value;

use crate::{BranchEvent, ToolContext, ToolSet, TurnId, foreign};

/// How tools are called.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ActOptions {}

/// Where tools are called.
pub(crate) struct ActScope<'a> {
    pub(crate) rt: &'a Rt,
    pub(crate) tools: &'a ToolSet,
    pub(crate) turn: Option<TurnId>,
    #[expect(dead_code, reason = "there is nothing in it")]
    pub(crate) options: &'a ActOptions,
    pub(crate) emit: &'a (dyn Fn(BranchEvent) + Send + Sync),
}

/// Calls tools, one after the other. There is one result for each call, in their order.
pub(crate) async fn act(scope: &ActScope<'_>, calls: &[ToolCall]) -> Vec<ToolResult> {
    let mut results = Vec::with_capacity(calls.len());
    for call in calls {
        results.push(act_one(scope, call).await);
    }
    results
}

async fn act_one(scope: &ActScope<'_>, call: &ToolCall) -> ToolResult {
    let began = scope.rt.now();
    if let Some(turn) = scope.turn {
        let call = call.clone();
        (scope.emit)(BranchEvent::ToolCalled { turn, call });
    }
    let result = match run(scope, call).await {
        Ok(Value::String(text)) => ToolResult::new(&call.id, text),
        Ok(value) => ToolResult::new(&call.id, value.to_string()),
        Err(reason) => ToolResult::error(&call.id, reason),
    };
    if let Some(turn) = scope.turn {
        (scope.emit)(BranchEvent::ToolEnded {
            turn,
            tool: call.name.clone(),
            result: result.clone(),
            elapsed: scope.rt.now().saturating_duration_since(began),
        });
    }
    result
}

async fn run(scope: &ActScope<'_>, call: &ToolCall) -> Result<Value, String> {
    let tool = scope.tools.get(&call.name);
    let tool = tool.ok_or_else(|| format!("there is no tool `{}`", call.name))?;
    let arguments = match call.arguments.trim() {
        "" => Ok(Value::Object(serde_json::Map::new())),
        text => serde_json::from_str(text),
    };
    let arguments = arguments.map_err(|error| format!("the arguments are no JSON: {error}"))?;
    let context = ToolContext {
        rt: scope.rt.clone(),
        turn: scope.turn,
        call_id: call.id.clone(),
    };
    let ended = foreign::await_it(async { tool.call(arguments, context).await }).await;
    match ended {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(error.to_string()),
        Err(panic) => Err(format!("the tool panicked: {}", panic.message())),
    }
}
