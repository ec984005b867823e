//! Calls of tools: one result for each, whatever becomes of it.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

use fascine::branch::{
    Act, ActOptions, Branch, FnTool, ToolContext, ToolError, ToolLimits, ToolSet, blocking_tool,
    blocking_tool_with_context, tool, tool_with_context,
};
use fascine::http::Net;
use fascine::message::{Role, ToolCall, ToolResult};
use fascine::model::EchoModel;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::runtimes::on_every_runtime;

on_every_runtime! {
    every_call_has_one_result_in_order,
    blocking_tools_run_at_once_off_the_executor,
    dropping_stops_what_can_be_stopped,
    a_thousand_calls_keep_to_the_limit,
}

#[derive(Deserialize, JsonSchema)]
struct Number {
    n: u64,
}

pub(super) fn branch(rt: &Rt, tools: impl IntoIterator<Item = FnTool>) -> Branch {
    let tools = tools.into_iter();
    let tools = tools.fold(ToolSet::new(), |set, tool| set.try_with(tool).unwrap());
    Branch::builder(rt, "b", EchoModel).tools(tools).build()
}

pub(super) fn call(id: usize, name: &str, arguments: &str) -> ToolCall {
    ToolCall::new(id.to_string(), name, arguments)
}

fn at_most(calls: usize) -> NonZeroUsize {
    NonZeroUsize::new(calls).unwrap()
}

async fn every_call_has_one_result_in_order(rt: Rt, _: Arc<dyn Net>) {
    let panics = |(): ()| -> () { panic!("a bug") };
    let branch = branch(
        &rt,
        [
            tool_with_context(|number: Number, context: ToolContext| async move {
                let late = Duration::from_millis(20_u64.saturating_sub(number.n));
                context.rt.sleep(late).await;
                number.n
            })
            .named("number"),
            tool(|(): ()| async {}).named("nothing"),
            tool(|(): ()| async { Err::<(), _>("no luck") }).named("fails"),
            tool(move |(): ()| async move { panics(()) }).named("panics"),
            blocking_tool(panics).named("panics_blocking"),
            tool_with_context(|(): (), context: ToolContext| async move {
                context.rt.sleep(Duration::MAX).await;
            })
            .named("hangs")
            .with_timeout(Duration::from_millis(5)),
            tool(|(): ()| async { "é".repeat(100) })
                .named("long")
                .with_limits(ToolLimits::default().with_result_bytes(11)),
        ],
    );
    let calls = [
        ("number", r#"{"n": 1}"#, "1"),
        ("nothing", "", "null"),
        ("fails", "{}", "the tool failed: no luck"),
        ("number", r#"{"n": 2}"#, "2"),
        ("panics", "{}", "the tool panicked: a bug"),
        ("panics_blocking", "null", "the tool panicked: a bug"),
        ("hangs", " ", "the tool did not end within 5ms"),
        ("long", "{}", "ééééé\n[cut off here: 10 of 200 bytes]"),
        ("number", r#""{\"n\": 3}""#, "3"),
    ];
    let made = calls.iter().enumerate();
    let made: Vec<_> = made
        .map(|(id, (name, arguments, _))| call(id, name, arguments))
        .collect();
    for options in [ActOptions::default(), ActOptions::default().sequential()] {
        let what = Act::new(made.clone()).with_options(options);
        let results = branch.act(what).await.unwrap();
        let expected = calls.iter().enumerate().map(|(id, (name, _, text))| {
            let fails = ["fails", "panics", "panics_blocking", "hangs"].contains(name);
            match fails {
                true => ToolResult::error(id.to_string(), *text),
                false => ToolResult::new(id.to_string(), *text),
            }
        });
        assert_eq!(results, expected.collect::<Vec<_>>());
    }
    assert!(branch.history().is_empty());
}

async fn blocking_tools_run_at_once_off_the_executor(rt: Rt, _: Arc<dyn Net>) {
    // Each waits for the two others: they can only end if they run at once.
    let meeting = Arc::new(Barrier::new(3));
    let here = std::thread::current().id();
    let meets = move |(): ()| {
        let is_elsewhere = std::thread::current().id() != here;
        meeting.wait();
        is_elsewhere
    };
    // The test runtime waits a second of the wall clock for each before it goes on beside it.
    let branch = branch(&rt, [blocking_tool(meets).named("meets")]);
    let calls: Vec<_> = (0..3).map(|id| call(id, "meets", "{}")).collect();
    let results = branch.act(calls).await.unwrap();
    assert!(
        results.iter().all(|result| result.text == "true"),
        "{results:?}"
    );
}

async fn dropping_stops_what_can_be_stopped(rt: Rt, _: Arc<dyn Net>) {
    struct Dropped(mpsc::Sender<&'static str>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            let _ = self.0.send("dropped");
        }
    }
    let (told, hear) = mpsc::channel();
    let waits = move |(): (), context: ToolContext| {
        let guard = Dropped(told.clone());
        async move {
            context.rt.sleep(Duration::MAX).await;
            drop(guard);
        }
    };
    let branch = branch(&rt, [tool_with_context(waits).named("waits")]);
    let act = branch.act(Act::new([call(1, "waits", "{}")]).kept());
    let cut = async {
        rt.sleep(Duration::from_millis(5)).await;
        Ok(Vec::new())
    };
    assert!(future::or(act, cut).await.unwrap().is_empty());
    assert_eq!(hear.try_recv(), Ok("dropped"));
    assert!(branch.history().is_empty());
    branch.communicate("the turn is free").await.unwrap();
}

async fn a_thousand_calls_keep_to_the_limit(rt: Rt, _: Arc<dyn Net>) {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let highest = Arc::clone(&most);
    let counts = move |number: Number, context: ToolContext| {
        let (now, most) = (Arc::clone(&now), Arc::clone(&highest));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            context.rt.sleep(Duration::from_micros(10)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            number.n
        }
    };
    let branch = branch(&rt, [tool_with_context(counts).named("counts")]);
    let calls = (0..1_000).map(|id| call(id, "counts", &format!("{{\"n\": {id}}}")));
    let options = ActOptions::default()
        .with_concurrency(at_most(7))
        .with_max_calls(at_most(1_000));
    let results = branch.act(Act::new(calls).with_options(options)).await;
    for (id, result) in results.unwrap().iter().enumerate() {
        assert_eq!(
            (&result.call_id, &result.text),
            (&id.to_string(), &id.to_string())
        );
    }
    assert_eq!(most.load(Ordering::SeqCst), 7);
}

/// A tool that remembers how many of its calls went on at once.
fn gauge(name: &str, most: &Arc<AtomicUsize>) -> FnTool {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::clone(most));
    let counts = move |(): (), context: ToolContext| {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            context.rt.sleep(Duration::from_secs(1)).await;
            now.fetch_sub(1, Ordering::SeqCst);
        }
    };
    tool_with_context(counts).named(name)
}

#[test]
fn a_tool_s_own_limit_holds_across_branches() {
    TestRuntime::run_seeds(8, |rt| async move {
        let most = Arc::default();
        let branch = branch(&rt, [gauge("t", &most).with_concurrency(at_most(2))]);
        let fork = branch.fork("f");
        let calls: Vec<_> = (0..4).map(|id| call(id, "t", "")).collect();
        let began = rt.now();
        let (one, other) = future::zip(branch.act(calls.clone()), fork.act(calls)).await;
        assert!(
            one.unwrap()
                .iter()
                .chain(&other.unwrap())
                .all(|r| !r.is_error)
        );
        assert_eq!(most.load(Ordering::SeqCst), 2);
        assert_eq!(rt.now() - began, Duration::from_secs(4));
    });
}

#[test]
fn waiting_for_room_does_not_count_as_time_of_the_tool() {
    TestRuntime::run(|rt| async move {
        let most = Arc::default();
        let tool = gauge("t", &most)
            .with_concurrency(at_most(1))
            .with_timeout(Duration::from_millis(1_500));
        let branch = branch(&rt, [tool]);
        let calls: Vec<_> = (0..4).map(|id| call(id, "t", "")).collect();
        let results = branch.act(calls).await.unwrap();
        assert!(results.iter().all(|result| !result.is_error), "{results:?}");
    });
}

#[test]
fn a_tool_that_runs_alone_has_all_calls_made_one_after_another() {
    TestRuntime::run(|rt| async move {
        let most = Arc::default();
        let branch = branch(&rt, [gauge("a", &most).alone(), gauge("b", &most)]);
        let began = rt.now();
        let calls: Vec<_> = ["b", "a", "b"].into_iter().enumerate().collect();
        let made = |(id, name)| call(id, name, "");
        branch
            .act(calls.iter().copied().map(made).collect::<Vec<_>>())
            .await
            .unwrap();
        assert_eq!(rt.now() - began, Duration::from_secs(3));
        let beside: Vec<_> = (0..3).map(|id| call(id, "b", "")).collect();
        branch.act(beside).await.unwrap();
        assert_eq!(rt.now() - began, Duration::from_secs(4));
    });
}

#[test]
fn a_wrong_call_tells_the_model_what_to_do() {
    TestRuntime::run(|rt| async move {
        let branch = branch(
            &rt,
            [tool(|number: Number| async move { number.n }).named("square")],
        );
        let wrong = [
            (
                "sqare",
                "{}",
                "there is no tool `sqare`; did you mean `square`? there are: square",
            ),
            ("rm", "{}", "there is no tool `rm`; there are: square"),
            (
                "square",
                "[1]",
                "the arguments are not what the tool takes: an array instead of an object",
            ),
            (
                "square",
                "{}",
                "the arguments are not what the tool takes: missing field `n`",
            ),
            (
                "square",
                r#"{"n": -1}"#,
                "the arguments are not what the tool takes: `n`: invalid value: integer `-1`, expected u64",
            ),
        ];
        for (name, arguments, expected) in wrong {
            let result = &branch.act(call(1, name, arguments)).await.unwrap()[0];
            assert_eq!((result.text.as_str(), result.is_error), (expected, true));
        }
        let result = &branch.act(call(1, "square", "{n: 1")).await.unwrap()[0];
        assert!(
            result.is_error && result.text.contains("no JSON"),
            "{}",
            result.text
        );
    });
}

#[test]
fn calls_beyond_the_cap_are_told() {
    TestRuntime::run(|rt| async move {
        let branch = branch(&rt, [tool(|(): ()| async { "ok" }).named("t")]);
        let calls = (0..3).map(|id| call(id, "t", ""));
        let options = ActOptions::default().with_max_calls(at_most(2));
        let results = branch
            .act(Act::new(calls).with_options(options))
            .await
            .unwrap();
        let text = "the tool was not called: at most 2 calls at a time are allowed";
        let expected = [
            ToolResult::new("0", "ok"),
            ToolResult::new("1", "ok"),
            ToolResult::error("2", text),
        ];
        assert_eq!(results, expected);
    });
}

#[test]
fn kept_calls_enter_the_history_with_their_results() {
    TestRuntime::run(|rt| async move {
        let branch = branch(&rt, [tool(|(): ()| async { "ok" }).named("t")]);
        let calls = [call(1, "t", ""), call(2, "unknown", "")];
        let results = branch.act(Act::new(calls.clone()).kept()).await.unwrap();
        let history = branch.history();
        assert_eq!(history.turns().len(), 1);
        let roles: Vec<_> = history.iter().map(|message| message.role()).collect();
        assert_eq!(roles, [Role::Assistant, Role::Tool, Role::Tool]);
        let made: Vec<_> = history
            .iter()
            .flat_map(|m| m.tool_calls().cloned())
            .collect();
        assert_eq!(made, calls);
        let kept: Vec<_> = history
            .iter()
            .flat_map(|m| m.tool_results().cloned())
            .collect();
        assert_eq!(kept, results);
        branch.act(Act::default().kept()).await.unwrap();
        assert_eq!(branch.history().turns().len(), 1);
    });
}

#[test]
fn a_blocking_tool_that_has_not_begun_never_begins() {
    TestRuntime::run(|rt| async move {
        let (release, held) = mpsc::channel::<()>();
        let held = std::sync::Mutex::new(held);
        let begun = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&begun);
        let waits = move |(): ()| {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = held.lock().map(|held| held.recv());
        };
        let slow = blocking_tool(waits)
            .named("slow")
            .with_concurrency(at_most(1))
            .with_timeout(Duration::from_secs(1));
        let branch = branch(&rt, [slow]);
        let result = branch.act(call(1, "slow", "")).await.unwrap();
        assert_eq!(result[0].text, "the tool did not end within 1s");
        assert_eq!(
            begun.load(Ordering::SeqCst),
            1,
            "it goes on, and nobody waits"
        );
        drop(release);
        let never = branch.act(call(2, "slow", ""));
        assert!(future::poll_once(never).await.is_none());
        rt.sleep(Duration::from_secs(1)).await;
        assert_eq!(begun.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_panic_as_a_result_is_dropped_is_a_result() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    TestRuntime::run(|rt| async move {
        let bomb = tool_with_context(|(): (), context: ToolContext| async move {
            let _bomb = Bomb;
            context.rt.sleep(Duration::MAX).await;
        });
        let branch = branch(
            &rt,
            [bomb.named("bomb").with_timeout(Duration::from_secs(1))],
        );
        let result = &branch.act(call(1, "bomb", "")).await.unwrap()[0];
        assert_eq!(result.text, "the tool panicked: dropped");
    });
}

#[test]
fn a_dropped_act_leaves_the_branch_whole() {
    drop_after_every_poll(|rt, cut| async move {
        let tools = [
            tool_with_context(|(): (), context: ToolContext| async move {
                context.rt.sleep(Duration::from_secs(1)).await;
            })
            .named("sleeps"),
            blocking_tool_with_context(|(): (), _: ToolContext| "done").named("blocks"),
            tool(|(): ()| async { Err::<(), _>(ToolError::failed("no")) }).named("fails"),
        ];
        let branch = branch(&rt, tools);
        let names = ["sleeps", "blocks", "fails"];
        let calls = names
            .iter()
            .enumerate()
            .map(|(id, name)| call(id, name, ""));
        let ended = cut
            .apply(branch.act(Act::new(calls).kept()))
            .await
            .is_some();
        assert_eq!(branch.history().len(), if ended { 4 } else { 0 });
        let calls = branch.history().iter().flat_map(|m| m.tool_calls()).count();
        let results = branch
            .history()
            .iter()
            .flat_map(|m| m.tool_results())
            .count();
        assert_eq!(calls, results);
        branch.communicate("next").await.unwrap();
    });
}

#[test]
fn an_error_that_cannot_be_shown_is_a_result() {
    #[derive(Debug)]
    struct Unspeakable;
    impl std::error::Error for Unspeakable {}
    impl std::fmt::Display for Unspeakable {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("no words")
        }
    }
    TestRuntime::run(|rt| async move {
        let fails = tool(|(): ()| async { Err::<(), _>(Unspeakable) });
        let branch = branch(&rt, [fails.named("fails")]);
        let result = &branch.act(call(1, "fails", "")).await.unwrap()[0];
        let text = "the tool failed, with an error that cannot be shown";
        assert_eq!(*result, ToolResult::error("1", text));
    });
}
