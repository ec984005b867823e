use std::time::Duration;

use fascine::concurrency::fail_after;
use fascine::http::TransportError;
use fascine::message::{Message, ToolCall, Usage};
use fascine::model::{
    ApiError, Chunk, FinishReason, Line, Model, ModelFailure, Request, ScriptedModel,
};
use fascine_testing::{TestRuntime, drop_after_every_poll};

const SECOND: Duration = Duration::from_secs(1);

fn ask(text: &str) -> Request {
    Request::new([Message::user(text)])
}

fn cut() -> ModelFailure {
    ModelFailure::Transport(TransportError::ClosedInBody { received: 3 })
}

#[test]
fn lines_are_said_in_order_and_rules_come_before_them() {
    TestRuntime::run(|rt| async move {
        let refusal = ApiError::new(429, "slower").with_retry_after(7 * SECOND);
        let model = ScriptedModel::new(&rt)
            .with_rule("sky", "Blue.")
            .with_line(Line::api_error(refusal))
            .with_answer("second");
        let refused = model.invoke(ask("a")).await.unwrap_err();
        assert_eq!(refused.retry_after(), Some(7 * SECOND));
        assert_eq!(model.invoke(ask("the sky?")).await.unwrap().text(), "Blue.");
        assert_eq!(model.invoke(ask("b")).await.unwrap().text(), "second");
        let over = model.invoke(ask("c")).await.unwrap_err();
        assert!(matches!(over.failure(), ModelFailure::OutOfScript));
        let asked: Vec<_> = model
            .requests()
            .iter()
            .map(|asked| asked.messages[0].text())
            .collect();
        assert_eq!(asked, ["a", "the sky?", "b", "c"]);
    });
}

#[test]
fn a_line_keeps_its_pace_whole_or_in_pieces() {
    TestRuntime::run(|rt| async move {
        let line = Line::answer("one two")
            .with_delay(SECOND)
            .with_chunk_delay(SECOND)
            .with_usage(Usage::new(3, 2));
        let model = ScriptedModel::new(&rt).with_rule_line("", line);
        let started = rt.now();
        let whole = model.invoke(ask("x")).await.unwrap();
        assert_eq!(rt.now() - started, 6 * SECOND); // start, two words, finish, usage
        let started = rt.now();
        let mut stream = model.stream(ask("x")).await.unwrap();
        assert_eq!(rt.now() - started, SECOND);
        assert!(matches!(
            stream.chunk().await.unwrap(),
            Some(Chunk::Start { .. })
        ));
        assert_eq!(rt.now() - started, 2 * SECOND);
        assert_eq!(model.in_flight(), 1);
        let rest = stream.collect().await.unwrap();
        assert_eq!(rt.now() - started, 6 * SECOND);
        assert_eq!((rest.text(), rest.usage), (whole.text(), whole.usage));
        assert_eq!(model.in_flight(), 0);
    });
}

#[test]
fn a_line_breaks_off_where_it_is_told_to() {
    TestRuntime::run(|rt| async move {
        for after in 0..=5 {
            let line = Line::answer("one two").broken_after(after, cut);
            let model = ScriptedModel::new(&rt).with_rule_line("", line);
            let whole = model.invoke(ask("x")).await.unwrap_err();
            assert!(matches!(whole.failure(), ModelFailure::Transport(_)));
            let mut stream = model.stream(ask("x")).await.unwrap();
            for _ in 0..after {
                stream.chunk().await.unwrap().unwrap();
            }
            let broken = stream.chunk().await.unwrap_err();
            match broken.failure() {
                ModelFailure::Transport(_) => assert!(after < 2),
                ModelFailure::Interrupted(broken) => {
                    let expected = if after == 2 { "one " } else { "one two" };
                    assert_eq!(broken.partial.text(), expected);
                    assert!(matches!(broken.cause, Some(ModelFailure::Transport(_))));
                }
                other => panic!("{other:?}"),
            }
            assert!(stream.chunk().await.unwrap().is_none());
        }
    });
}

#[test]
fn a_line_that_hangs_hangs_until_it_is_dropped() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_line(Line::hang())
            .with_line(Line::answer("one two").hanging_after(2));
        let hung = fail_after(&rt, 1000 * SECOND, model.invoke(ask("x"))).await;
        assert!(hung.is_err());
        assert_eq!(model.in_flight(), 0);
        let mut stream = model.stream(ask("x")).await.unwrap();
        assert!(stream.chunk().await.unwrap().is_some());
        assert!(stream.chunk().await.unwrap().is_some());
        let hung = fail_after(&rt, 1000 * SECOND, stream.chunk()).await;
        assert!(hung.is_err());
        assert_eq!(model.in_flight(), 1);
        drop(stream);
        assert_eq!(model.in_flight(), 0);
    });
}

#[test]
fn a_line_asks_for_tools() {
    TestRuntime::run(|rt| async move {
        let calls = ["a", "b"].map(|id| ToolCall::new(id, "weather", "{}"));
        let model = ScriptedModel::new(&rt).with_rule_line("", Line::tool_calls(calls.clone()));
        let streamed = model.stream(ask("x")).await.unwrap();
        for response in [
            model.invoke(ask("x")).await.unwrap(),
            streamed.collect().await.unwrap(),
        ] {
            assert!(response.message.tool_calls().eq(&calls));
            assert_eq!(response.finish_reason, FinishReason::ToolCalls);
        }
    });
}

#[test]
fn a_dropped_call_is_in_flight_no_more() {
    drop_after_every_poll(|rt, cut| async move {
        let line = Line::answer("one two").with_chunk_delay(SECOND);
        let model = ScriptedModel::new(&rt).with_rule_line("", line.with_delay(SECOND));
        cut.apply(async { model.stream(ask("x")).await.unwrap().collect().await })
            .await;
        assert_eq!(model.in_flight(), 0);
    });
}
