use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use fascine_concurrency::{bounded_map, fail_after};
use fascine_message::{ToolCall, ToolResult};
use fascine_rt::{Panic, Rt};
use futures_lite::FutureExt;
use serde_json::Value;

use crate::tool_set::Entry;
use crate::{
    ActOptions, ApprovalRequest, Branch, BranchEvent, Company, ToolContext, ToolError, ToolSet,
    TurnId, nesting, tool_arguments, tool_names, tool_result,
};

/// Where tools are called: what an operation of a branch gives to [`act`].
pub(crate) struct ActScope<'a> {
    pub(crate) branch: &'a Branch,
    pub(crate) rt: &'a Rt,
    pub(crate) tools: &'a ToolSet,
    /// The turn that waits for the results; none outside of one.
    pub(crate) turn: Option<TurnId>,
    pub(crate) options: &'a ActOptions,
    pub(crate) emit: &'a (dyn Fn(BranchEvent) + Send + Sync),
}

/// Calls tools: there is one result for each call, in the order of the calls, whatever becomes of them.
///
/// Dropping the future drops the calls that go on. A blocking tool that has begun runs to its end, and nobody waits for it.
pub(crate) async fn act(scope: &ActScope<'_>, calls: &[ToolCall]) -> Vec<ToolResult> {
    let limit = scope.at_once(calls);
    let numbered = calls.iter().enumerate();
    let results = bounded_map(numbered, limit, |(index, call)| async move {
        Ok::<_, Infallible>(scope.answer(index, call).await)
    });
    match results.await {
        Ok(results) => results,
        Err(never) => match never {},
    }
}

impl ActScope<'_> {
    fn at_once(&self, calls: &[ToolCall]) -> NonZeroUsize {
        let mut tools = calls.iter().filter_map(|call| self.tools.entry(&call.name));
        match tools.any(|entry| entry.limits.company == Company::Alone) {
            true => NonZeroUsize::MIN,
            false => self.options.concurrency,
        }
    }

    /// Makes a call and tells of it.
    async fn answer(&self, index: usize, call: &ToolCall) -> ToolResult {
        let turn = self.turn.unwrap_or_default();
        (self.emit)(BranchEvent::ToolCalled {
            turn,
            call: call.clone(),
        });
        let began = self.rt.now();
        let entry = self.tools.entry(&call.name);
        let called = match entry {
            Some(entry) => self.call(index, call, entry).await,
            None => Err(tool_names::unknown(&call.name, self.tools.names())),
        };
        let result = tool_result::of(call, called, entry.map(|entry| &entry.limits));
        (self.emit)(BranchEvent::ToolEnded {
            turn,
            tool: call.name.clone(),
            result: result.clone(),
            elapsed: self.rt.now().saturating_duration_since(began),
        });
        result
    }

    async fn call(&self, index: usize, call: &ToolCall, entry: &Entry) -> Result<Value, ToolError> {
        let limit = self.options.max_calls.get();
        if index >= limit {
            return Err(ToolError::TooMany { limit });
        }
        let limit = self.options.max_depth.get();
        if nesting::depth() >= limit {
            return Err(ToolError::TooDeep { limit });
        }
        let mut arguments = tool_arguments::read(&call.arguments)?;
        if let Some(approval) = &self.options.approval {
            let request = ApprovalRequest {
                call: call.clone(),
                arguments,
                turn: self.turn,
            };
            arguments = approval.decide(self.rt, request).await?;
        }
        let _room = match &entry.room {
            // Nobody closes it.
            Some(room) => Some(room.acquire().await.map_err(|_| ToolError::Stopped)?),
            None => None,
        };
        let context = ToolContext::new(self.rt, &call.id).in_branch(self.branch, self.turn);
        let after = entry.limits.timeout.unwrap_or(self.options.timeout);
        run(self.rt, after, entry, arguments, context).await
    }
}

/// Lets a tool do what it likes: block, fail, panic, or never end.
async fn run(
    rt: &Rt,
    after: Duration,
    entry: &Entry,
    arguments: Value,
    context: ToolContext,
) -> Result<Value, ToolError> {
    let frame = context.frame.clone();
    // Its own code begins with the call, and with the drop of its future it ends.
    let tool = async { entry.tool.call(arguments, context).await };
    let timed = fail_after(rt, after, nesting::nested(frame, tool));
    match AssertUnwindSafe(timed).catch_unwind().await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(ToolError::TimedOut { after }),
        Err(payload) => Err(ToolError::Panicked {
            message: Panic::new(payload).message().to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use fascine_model::EchoModel;
    use fascine_testing::TestRuntime;

    use super::*;
    use crate::tool;

    #[test]
    fn each_call_is_told_of_when_it_begins_and_when_it_ends() {
        TestRuntime::run_seeds(8, |rt| async move {
            let slow = rt.clone();
            let sleeps = tool(move |(): ()| {
                let slow = slow.clone();
                async move { slow.sleep(Duration::from_secs(2)).await }
            });
            let tools = ToolSet::new().with(sleeps.named("sleeps"));
            let events = Mutex::new(Vec::new());
            let calls = ["sleeps", "unknown", "sleeps"];
            let calls = calls.map(|name| ToolCall::new(name, name, ""));
            let turn = TurnId::from_u128(7);
            let scope = ActScope {
                branch: &Branch::new(&rt, "b", EchoModel),
                rt: &rt,
                tools: &tools,
                turn: Some(turn),
                options: &ActOptions::default(),
                emit: &|event| events.lock().unwrap().push(event),
            };
            let results = act(&scope, &calls).await;
            let events = events.into_inner().unwrap();
            let begun = |event: &&BranchEvent| matches!(event, BranchEvent::ToolCalled { .. });
            assert_eq!(events.iter().filter(begun).count(), 3);
            let mut ended = events.iter().filter_map(|event| match event {
                BranchEvent::ToolEnded {
                    turn: of,
                    result,
                    elapsed,
                    ..
                } if *of == turn => Some((result.clone(), *elapsed)),
                _ => None,
            });
            assert_eq!(ended.next(), Some((results[1].clone(), Duration::ZERO)));
            let slept = Some((results[0].clone(), Duration::from_secs(2)));
            assert_eq!((ended.next(), ended.next()), (slept.clone(), slept));
        });
    }
}
