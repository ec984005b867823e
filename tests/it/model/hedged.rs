use std::num::NonZeroU32;
use std::time::Duration;

use fascine::message::Message;
use fascine::model::{
    ApiError, HedgedModel, Line, Model, ModelFailure, Request, ScriptedModel, ToolSpec,
};
use fascine::resilience::{Hedge, HedgeDelay};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use serde_json::json;

const SECOND: Duration = Duration::from_secs(1);

fn ask() -> Request {
    Request::new([Message::user("x")])
}

fn hedge(rt: &Rt) -> Hedge {
    Hedge::new(rt, HedgeDelay::Fixed(SECOND))
}

#[test]
fn a_slow_answer_is_asked_for_again_and_the_loser_is_gone() {
    TestRuntime::run_seeds(8, |rt| async move {
        let script = ScriptedModel::new(&rt)
            .with_line(Line::answer("slow").with_delay(60 * SECOND))
            .with_line(Line::answer("fast").with_delay(SECOND));
        let model = HedgedModel::new(script.clone(), hedge(&rt));
        let started = rt.now();
        let response = model.invoke(ask()).await.unwrap();
        assert_eq!((response.text().as_str(), response.attempts), ("fast", 2));
        assert_eq!(rt.now() - started, 2 * SECOND);
        assert_eq!(script.in_flight(), 0);
    });
}

#[test]
fn a_stream_wins_with_the_first_that_it_shows() {
    TestRuntime::run_seeds(8, |rt| async move {
        // Opens at once, and then shows nothing for a long time.
        let script = ScriptedModel::new(&rt)
            .with_line(Line::answer("slow").with_chunk_delay(60 * SECOND))
            .with_line(Line::answer("fast").with_chunk_delay(SECOND));
        let model = HedgedModel::new(script.clone(), hedge(&rt));
        let started = rt.now();
        let stream = model.stream(ask()).await.unwrap();
        assert_eq!((stream.attempts(), script.in_flight()), (2, 1));
        assert_eq!(rt.now() - started, 3 * SECOND);
        assert_eq!(stream.collect().await.unwrap().text(), "fast");
    });
}

#[test]
fn a_stream_that_breaks_before_it_shows_anything_loses() {
    TestRuntime::run(|rt| async move {
        let broken = Line::answer("x")
            .with_chunk_delay(2 * SECOND)
            .broken_after(1, || ApiError::new(500, "oh").into());
        let script = ScriptedModel::new(&rt)
            .with_line(broken)
            .with_line(Line::answer("fine").with_chunk_delay(3 * SECOND));
        let model = HedgedModel::new(script, hedge(&rt));
        let stream = model.stream(ask()).await.unwrap();
        assert_eq!(stream.collect().await.unwrap().text(), "fine");
    });
}

#[test]
fn if_all_fail_the_first_error_is_given() {
    TestRuntime::run(|rt| async move {
        let fail = |status, delay: u32| {
            Line::api_error(ApiError::new(status, "no")).with_delay(delay * SECOND)
        };
        let script = ScriptedModel::new(&rt)
            .with_line(fail(500, 3))
            .with_line(fail(503, 1));
        let model = HedgedModel::new(script, hedge(&rt));
        let error = model.invoke(ask()).await.unwrap_err();
        assert!(matches!(error.failure(), ModelFailure::Api(error) if error.status == 503));
    });
}

#[test]
fn requests_with_tools_are_asked_once_unless_told_otherwise() {
    TestRuntime::run(|rt| async move {
        let tool = ToolSpec::new("f", "does", json!({}));
        let slow = Line::answer("slow").with_delay(10 * SECOND);
        let script = ScriptedModel::new(&rt).with_rule_line("", slow);
        let extra = NonZeroU32::new(2).unwrap();
        let model = HedgedModel::new(script.clone(), hedge(&rt).with_extra(extra));
        model.invoke(ask().with_tool(tool.clone())).await.unwrap();
        let streamed = model.stream(ask().with_tool(tool.clone())).await.unwrap();
        streamed.collect().await.unwrap();
        assert_eq!(script.requests().len(), 2);
        let model = model.with_tools();
        model.invoke(ask().with_tool(tool)).await.unwrap();
        assert_eq!(script.requests().len(), 5);
    });
}

#[test]
fn dropping_a_hedged_call_drops_all_of_its_calls() {
    drop_after_every_poll(|rt, cut| async move {
        let line = Line::answer("a b").with_chunk_delay(2 * SECOND);
        let script = ScriptedModel::new(&rt).with_rule_line("", line.with_delay(SECOND));
        let model = HedgedModel::new(script.clone(), hedge(&rt));
        cut.apply(async { model.stream(ask()).await.unwrap().collect().await })
            .await;
        assert_eq!(script.in_flight(), 0);
    });
}
