//! Who is asked before a tool is called.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fascine::branch::{Act, ActOptions, Approval, ApprovalRequest, Branch, Decision, tool};
use fascine::message::ToolResult;
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use serde_json::{Value, json};

use super::act::{branch, call};

fn echo(rt: &Rt) -> Branch {
    let echo = tool(|arguments: Value| async move { arguments }).named("echo");
    branch(rt, [echo])
}

async fn asked(branch: &Branch, approval: Approval) -> ToolResult {
    let options = ActOptions::default().with_approval(approval);
    let what = Act::new([call(1, "echo", r#"{"n": 1}"#)]).with_options(options);
    branch.act(what).await.unwrap().remove(0)
}

#[test]
fn a_call_is_made_changed_or_refused_as_the_hook_says() {
    TestRuntime::run(|rt| async move {
        let branch = echo(&rt);
        let decided = |decision: Decision| {
            Approval::new(move |_| {
                let decision = decision.clone();
                async { Ok::<_, Infallible>(decision) }
            })
        };
        let result = asked(&branch, decided(Decision::Allow)).await;
        assert_eq!(result.text, r#"{"n":1}"#);
        let arguments = json!({"n": 2});
        let result = asked(&branch, decided(Decision::Edit { arguments })).await;
        assert_eq!(result.text, r#"{"n":2}"#);
        let result = asked(&branch, decided(Decision::deny("not today"))).await;
        assert_eq!(
            result,
            ToolResult::error("1", "the call was not allowed: not today")
        );
        let arguments = json!([2]);
        let result = asked(&branch, decided(Decision::Edit { arguments })).await;
        assert!(result.is_error);
    });
}

#[test]
fn a_hook_that_fails_panics_or_hangs_has_not_allowed_the_call() {
    TestRuntime::run(|rt| async move {
        let branch = echo(&rt);
        let fails = Approval::new(|_| async { Err::<Decision, _>("nobody is there") });
        let panics = Approval::new(|request: ApprovalRequest| async move {
            assert!(request.arguments.is_null(), "a bug");
            Ok::<_, Infallible>(Decision::Allow)
        });
        let hangs = Approval::new(|_| std::future::pending::<Result<_, Infallible>>());
        let hangs = hangs.with_timeout(Duration::from_secs(60));
        let denied = [
            (fails, "nobody could be asked: nobody is there"),
            (panics, "nobody could be asked: a bug"),
            (hangs, "nobody answered in time whether it may be called"),
        ];
        for (approval, reason) in denied {
            let result = asked(&branch, approval).await;
            let text = format!("the call was not allowed: {reason}");
            assert_eq!(result, ToolResult::error("1", text));
        }
    });
}

#[test]
fn the_hook_sees_the_call_and_is_not_asked_about_what_cannot_be_called() {
    TestRuntime::run(|rt| async move {
        let branch = echo(&rt);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sees = Arc::clone(&seen);
        let approval = Approval::new(move |request: ApprovalRequest| {
            sees.lock()
                .unwrap()
                .push((request.call.name, request.arguments));
            async { Ok::<_, Infallible>(Decision::Allow) }
        });
        let options = ActOptions::default().with_approval(approval);
        let calls = [
            call(1, "echo", ""),
            call(2, "unknown", ""),
            call(3, "echo", "7"),
        ];
        branch
            .act(Act::new(calls).with_options(options))
            .await
            .unwrap();
        assert_eq!(*seen.lock().unwrap(), [("echo".to_owned(), json!({}))]);
    });
}
