//! Turns with tools: what is asked, what is stored, and where they end.

use std::sync::Arc;

use fascine::branch::{
    Branch, BranchError, CallOptions, Communicate, LimitReached, OnAbort, OnLimit, TurnKind,
    TurnLimits, TurnOptions, WhenBusy,
};
use fascine::http::Net;
use fascine::message::{Message, Part, Role, Usage};
use fascine::model::{
    ApiError, ChunkStream, EchoModel, FinishReason, Line, Model, ModelError, Price, PriceTable,
    Request, Response, ScriptedModel, ToolChoice,
};
use fascine::rt::{BoxFuture, Rt};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future;

use crate::branch::calculator::{Add, add, adding, assert_usable, assert_whole, said};
use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    tools_are_called_until_there_is_an_answer,
    a_busy_branch_is_forked_when_asked,
}

async fn tools_are_called_until_there_is_an_answer(rt: Rt, _: Arc<dyn Net>) {
    let model = ScriptedModel::new(&rt)
        .with_line(adding("1", 2, 3).with_usage(Usage::new(10, 1)))
        .with_line(adding("2", 5, 4).with_usage(Usage::new(20, 2)))
        .with_line(Line::answer("Nine.").with_usage(Usage::new(30, 3)));
    let branch = Branch::builder(&rt, "sums", model.clone())
        .tools(Add::alone())
        .build();
    let reply = branch.communicate("2 + 3 + 4?").await.unwrap();
    assert_eq!(reply.text(), "Nine.");
    assert_eq!((reply.usage, reply.attempts), (Usage::new(60, 6), 3));
    let each: Vec<_> = reply.requests.iter().map(|one| one.usage.total()).collect();
    assert_eq!(each, [11, 22, 33]);
    assert_eq!(
        said(&branch),
        [
            "user: 2 + 3 + 4?",
            "assistant: 1?",
            "tool: 1=5",
            "assistant: 2?",
            "tool: 2=9",
            "assistant: Nine.",
        ]
    );
    assert_eq!(branch.history().turns().len(), 1);
    let offered = model.requests().iter().all(|asked| asked.tools.len() == 1);
    assert!(offered);
}

async fn a_busy_branch_is_forked_when_asked(rt: Rt, _: Arc<dyn Net>) {
    let model = ScriptedModel::new(&rt).with_delay(ms(5));
    let model = model.with_rule("slow", "a").with_rule("quick", "b");
    let branch = Branch::new(&rt, "b", model);
    let at_once = TurnOptions::default().when_busy(WhenBusy::Fork);
    let quick = Communicate::new("quick").with_turn(at_once.clone());
    let (slow, quick) = future::zip(branch.communicate("slow"), branch.communicate(quick)).await;
    assert_eq!(slow.unwrap().fork, None);
    let fork = quick.unwrap().fork.unwrap();
    assert_eq!(said(&branch), ["user: slow", "assistant: a"]);
    assert_eq!(said(&fork), ["user: quick", "assistant: b"]);
    // Nobody else is there now.
    let alone = Communicate::new("quick").with_turn(at_once);
    assert_eq!(branch.communicate(alone).await.unwrap().fork, None);
}

fn limited(limits: TurnLimits) -> Communicate {
    Communicate::new("?").with_turn(TurnOptions::default().with_limits(limits))
}

fn endless(rt: &Rt) -> Branch {
    let line = adding("1", 1, 1).with_usage(Usage::new(10, 0));
    let model = ScriptedModel::new(rt).with_rule_line("", line);
    let builder = Branch::builder(rt, "b", model);
    builder.tools(Add::alone()).build()
}

#[test]
fn a_turn_that_comes_to_a_limit_fails_and_leaves_nothing() {
    TestRuntime::run(|rt| async move {
        let branch = endless(&rt);
        let prices = PriceTable::new().with("scripted", Price::new(1e5, 0.0));
        let unknown = PriceTable::new();
        let reached = [
            (
                TurnLimits::default().with_tool_rounds(2),
                LimitReached::ToolRounds { max: 2 },
                3,
            ),
            (
                TurnLimits::default().with_tool_calls(1),
                LimitReached::ToolCalls { asked: 2, max: 1 },
                2,
            ),
            (
                TurnLimits::default().with_tokens(20),
                LimitReached::Tokens { spent: 20, max: 20 },
                2,
            ),
            (
                TurnLimits::default().with_cost(2.0, prices),
                LimitReached::Cost {
                    spent: 2.0,
                    max: 2.0,
                },
                2,
            ),
            (
                TurnLimits::default().with_cost(2.0, unknown),
                LimitReached::CostUnknown {
                    model: "scripted".into(),
                },
                1,
            ),
        ];
        for (limits, limit, attempts) in reached {
            let error = branch.communicate(limited(limits)).await.unwrap_err();
            assert_eq!(error.attempts(), attempts, "{limit}");
            assert_eq!(error.usage().total(), 10 * u64::from(attempts));
            let BranchError::Limit { source, .. } = error else {
                panic!("{error}");
            };
            assert_eq!(source, limit);
            assert!(branch.history().is_empty());
        }
    });
}

#[test]
fn a_turn_at_a_limit_can_be_brought_to_an_answer() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_line(adding("1", 1, 1))
            .with_line(adding("2", 1, 1))
            .with_answer("Two, I think.");
        let branch = Branch::builder(&rt, "b", model.clone());
        let branch = branch.tools(Add::alone()).build();
        let limits = TurnLimits::default()
            .with_tool_rounds(1)
            .on_limit(OnLimit::Answer);
        let reply = branch.communicate(limited(limits)).await.unwrap();
        assert_eq!(reply.text(), "Two, I think.");
        assert_whole(&branch);
        let refused = &said(&branch)[4];
        assert!(refused.contains("the tool was not called"), "{refused}");
        assert_eq!(model.requests()[2].tool_choice, Some(ToolChoice::None));
    });
}

#[test]
fn a_model_that_insists_on_tools_fails_in_the_end() {
    TestRuntime::run(|rt| async move {
        let branch = endless(&rt);
        let limits = TurnLimits::default()
            .with_tool_rounds(3)
            .on_limit(OnLimit::Answer);
        let error = branch.communicate(limited(limits)).await.unwrap_err();
        assert!(matches!(error, BranchError::Limit { .. }), "{error}");
        assert_eq!(error.attempts(), 5);
        assert!(branch.history().is_empty());
    });
}

#[test]
fn a_failure_after_tools_counts_all_requests_and_keeps_the_rounds_if_asked() {
    TestRuntime::run(|rt| async move {
        for keep in [OnAbort::Discard, OnAbort::KeepPartial] {
            let model = ScriptedModel::new(&rt)
                .with_line(adding("1", 1, 1).with_usage(Usage::new(5, 5)))
                .with_failure(503, "down")
                .with_answer("fine");
            let branch = Branch::builder(&rt, "b", model);
            let branch = branch.tools(Add::alone()).on_abort(keep).build();
            let error = branch.communicate("1 + 1?").await.unwrap_err();
            assert_eq!((error.attempts(), error.usage().total()), (2, 10));
            match keep {
                OnAbort::Discard => assert!(branch.history().is_empty()),
                OnAbort::KeepPartial => {
                    let kept = ["user: 1 + 1?", "assistant: 1?", "tool: 1=2"];
                    assert_eq!(said(&branch), kept);
                    let history = branch.history();
                    let turn = history.turns().next().unwrap();
                    assert_eq!(*turn.kind(), TurnKind::Partial);
                }
            }
            assert_usable(&branch, "and now?").await;
        }
    });
}

#[test]
fn what_a_model_said_before_its_calls_is_kept_without_them() {
    drop_after_every_poll(|rt, cut| async move {
        let content = vec![
            Part::text("Let me see."),
            Part::ToolCall(add("1", 1, 1)),
            Part::ToolCall(add("2", 2, 2)),
        ];
        let model = ScriptedModel::new(&rt)
            .with_line(Line::message(content).with_delay(ms(10)))
            .with_rule("still there", "yes");
        let branch = Branch::builder(&rt, "b", model.with_answer("Two and four."))
            .tools(fascine::branch::ToolSet::new().with(Add::taking(ms(10))))
            .on_abort(OnAbort::KeepPartial)
            .build();
        let ended = cut.apply(branch.communicate("1 + 1, 2 + 2?")).await;
        let said = said(&branch);
        match (ended, said.len()) {
            (Some(reply), 4) => assert_eq!(reply.unwrap().text(), "Two and four."),
            (None, 0) => {}
            (None, 2) => assert_eq!(said[1], "assistant: Let me see."),
            (None, 3) => assert_eq!(said[2], "tool: 1=2 2=4"),
            (ended, _) => panic!("{ended:?} {said:?}"),
        }
        assert_usable(&branch, "still there").await;
    });
}

#[test]
fn dropping_a_turn_with_tools_at_any_poll_keeps_it_whole() {
    let polls = drop_after_every_poll(|rt, cut| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(ms(10))
            .with_rule("still there", "yes")
            .with_line(Line::tool_calls([add("1", 1, 1), add("2", 2, 2)]))
            .with_line(adding("3", 2, 4))
            .with_answer("Six.");
        let tools = fascine::branch::ToolSet::new().with(Add::taking(ms(10)));
        let branch = Branch::builder(&rt, "b", model).tools(tools).build();
        let ended = cut.apply(branch.communicate("1 + 1 + 2 + 2?")).await;
        assert_eq!(branch.history().len(), if ended.is_some() { 6 } else { 0 });
        assert_usable(&branch, "still there").await;
    });
    assert!(polls > 5, "{polls}");
}

#[test]
fn a_tool_that_has_to_be_called_is_called_once() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_line(adding("1", 1, 1))
            .with_answer("Two.");
        let branch = Branch::builder(&rt, "b", model.clone());
        let branch = branch.tools(Add::alone()).build();
        let request = Request::default().with_tool_choice(ToolChoice::Required);
        let call = CallOptions::default().with_request(request);
        let what = Communicate::new("1 + 1?").with_call(call);
        branch.communicate(what).await.unwrap();
        let choices = model.requests().into_iter().map(|asked| asked.tool_choice);
        let choices: Vec<_> = choices.collect();
        assert_eq!(choices, [Some(ToolChoice::Required), None]);
    });
}

#[test]
fn answers_that_are_none_are_told_apart() {
    TestRuntime::run(|rt| async move {
        let reasons = [
            FinishReason::Stop,
            FinishReason::Length,
            FinishReason::ContentFilter,
            FinishReason::Refusal,
        ];
        for reason in reasons {
            let line = Line::answer("").with_finish_reason(reason.clone());
            let branch = Branch::new(&rt, "b", ScriptedModel::new(&rt).with_line(line));
            let reply = branch.communicate("?").await.unwrap();
            assert_eq!((reply.text(), reply.finish_reason), (String::new(), reason));
        }
    });
}

#[test]
fn a_stream_that_has_given_its_end_has_no_other() {
    TestRuntime::run(|rt| async move {
        let branch = Branch::new(&rt, "b", EchoModel);
        let mut turn = branch.stream("x");
        while turn.item().await.unwrap().is_some() {}
        let error = turn.reply().await.unwrap_err();
        let text = "the stream of the operation has given its end already";
        assert_eq!(error.to_string(), text);
        assert_eq!(branch.history().len(), 2);
    });
}

/// A model that panics, before or in its future.
#[derive(Debug)]
struct Panicking {
    at_once: bool,
}

impl Model for Panicking {
    fn name(&self) -> &str {
        "panicking"
    }

    fn invoke(&self, _: Request) -> BoxFuture<Result<Response, ModelError>> {
        assert!(!self.at_once, "at once");
        Box::pin(async { panic!("later") })
    }

    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        let answer = self.invoke(request);
        Box::pin(async { Err(answer.await.unwrap_err()) })
    }
}

#[test]
fn a_model_that_panics_fails_the_turn_and_not_the_branch() {
    TestRuntime::run(|rt| async move {
        for (at_once, words) in [(true, "at once"), (false, "later")] {
            let branch = Branch::new(&rt, "b", Panicking { at_once });
            let expected =
                format!("branch `b` broke a turn off because model `panicking` panicked: {words}");
            let error = branch.communicate("?").await.unwrap_err();
            assert_eq!(error.to_string(), expected);
            let error = branch.stream("?").reply().await.unwrap_err();
            assert_eq!(error.to_string(), expected);
            let error = branch.chat("?").await.unwrap_err();
            assert_eq!(error.to_string(), expected);
            assert!(branch.history().is_empty());
        }
    });
}

#[test]
fn calls_at_once_never_hear_each_other_unless_one_was_over() {
    TestRuntime::run_seeds(32, |rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(ms(10))
            .with_rule("", "a");
        let branch = Branch::new(&rt, "b", model.clone());
        let calls = (0..4).map(|n| {
            let branch = branch.clone();
            async move { branch.communicate(format!("q{n}")).await }
        });
        fascine::concurrency::gather(calls).await.unwrap();
        for (index, asked) in model.requests().iter().enumerate() {
            assert_eq!(asked.messages.len(), 2 * index + 1);
            let roles = asked.messages.iter().map(Message::role);
            let turns = roles.collect::<Vec<_>>();
            let expected: Vec<_> = [Role::User, Role::Assistant]
                .into_iter()
                .cycle()
                .take(2 * index + 1)
                .collect();
            assert_eq!(turns, expected);
        }
        assert_whole(&branch);
    });
}

#[test]
fn an_error_says_who_failed_and_whether_to_try_again() {
    TestRuntime::run(|rt| async move {
        let refused = ApiError::new(429, "slower").with_retry_after(ms(500));
        let model = ScriptedModel::new(&rt).with_line(Line::api_error(refused));
        let branch = Branch::new(&rt, "b", model);
        let error = branch.communicate("?").await.unwrap_err();
        assert!(error.is_retryable());
        assert_eq!(error.requests()[0].model, "scripted");
        assert_eq!(error.requests()[0].finish_reason, None);
    });
}
