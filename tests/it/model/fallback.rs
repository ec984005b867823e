use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fascine::http::{Net, TransportError};
use fascine::message::Message;
use fascine::model::{
    ApiError, ApiErrorKind, Chunk, FallbackModel, Line, Model, ModelFailure, Request, ScriptedModel,
};
use fascine::resilience::LimitError;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};

use crate::runtimes::on_every_runtime;

on_every_runtime! {
    the_next_model_answers_when_one_cannot,
}

fn ask() -> Request {
    Request::new([Message::user("x")])
}

fn cut() -> ModelFailure {
    ModelFailure::Transport(TransportError::ClosedInBody { received: 3 })
}

fn failing(rt: &Rt, failure: ModelFailure) -> ScriptedModel {
    ScriptedModel::new(rt).with_line(Line::failure(failure))
}

async fn the_next_model_answers_when_one_cannot(rt: Rt, _: Arc<dyn Net>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let chain = FallbackModel::new(ScriptedModel::new(&rt).with_rule_line(
        "",
        Line::api_error(ApiError::new(529, "overloaded")).with_delay(Duration::from_millis(1)),
    ))
    .or(ScriptedModel::new(&rt).with_rule_line("", Line::failure(cut())))
    .or(ScriptedModel::new(&rt).with_rule("", "Here."))
    .with_observer({
        let told = Arc::clone(&told);
        move |errors| told.lock().unwrap().push(errors.len())
    });
    let whole = chain.invoke(ask()).await.unwrap();
    assert_eq!((whole.text().as_str(), whole.attempts), ("Here.", 3));
    let streamed = chain.stream(ask()).await.unwrap().collect().await.unwrap();
    assert_eq!(streamed, whole);
    assert_eq!(*told.lock().unwrap(), [2, 2]);
}

#[test]
fn an_error_that_is_the_requests_own_does_not_fall_through() {
    TestRuntime::run(|rt| async move {
        let kinds = [
            (ApiErrorKind::InvalidRequest, 400, false),
            (ApiErrorKind::Authentication, 401, false),
            (ApiErrorKind::ContentFilter, 400, false),
            (ApiErrorKind::ContextLength, 400, false),
            (ApiErrorKind::QuotaExhausted, 429, true),
            (ApiErrorKind::RateLimited, 429, true),
            (ApiErrorKind::Overloaded, 529, true),
            (ApiErrorKind::Server, 500, true),
        ];
        let mut failures: Vec<(ModelFailure, bool)> = kinds
            .into_iter()
            .map(|(kind, status, falls)| {
                (ApiError::new(status, "no").with_kind(kind).into(), falls)
            })
            .collect();
        failures.push((ModelFailure::invalid("temperature", "is NaN"), false));
        failures.push((ModelFailure::malformed("html", b"<html>"), true));
        failures.push((
            ModelFailure::Limited(LimitError::QueueFull { capacity: 1 }),
            true,
        ));
        for (failure, falls) in failures {
            let shown = format!("{failure:?}");
            let second = ScriptedModel::new(&rt).with_answer("Here.");
            let chain = FallbackModel::new(failing(&rt, failure)).or(second.clone());
            let answered = chain.invoke(ask()).await;
            assert_eq!(answered.is_ok(), falls, "{shown}");
            assert_eq!(second.requests().len(), usize::from(falls), "{shown}");
            if let Err(error) = answered {
                assert_eq!(format!("{:?}", error.failure()), shown, "as it was");
            }
        }
    });
}

#[test]
fn every_error_is_kept_in_order() {
    TestRuntime::run(|rt| async move {
        let chain = FallbackModel::new(failing(&rt, cut()))
            .or(failing(&rt, ApiError::new(503, "later").into()))
            .or(failing(&rt, ModelFailure::invalid("tools", "are too many")))
            .or(ScriptedModel::new(&rt).with_answer("never asked"));
        let error = chain.invoke(ask()).await.unwrap_err();
        assert_eq!(error.attempts(), 3);
        assert!(error.is_retryable());
        let ModelFailure::AllFailed(errors) = error.failure() else {
            panic!("{error:?}");
        };
        let shown: Vec<String> = errors
            .iter()
            .map(|error| error.source().unwrap().to_string())
            .collect();
        assert_eq!(
            shown,
            [
                "the request failed on the way",
                "the provider answered 503: later",
                "the request cannot be sent: tools are too many",
            ]
        );
    });
}

#[test]
fn which_errors_fall_through_can_be_chosen() {
    TestRuntime::run(|rt| async move {
        let chain = FallbackModel::new(failing(&rt, ApiError::new(401, "who?").into()))
            .or(ScriptedModel::new(&rt).with_answer("Here."))
            .when(
                |error| matches!(error.failure(), ModelFailure::Api(error) if error.status == 401),
            );
        assert_eq!(chain.invoke(ask()).await.unwrap().text(), "Here.");
    });
}

/// `Start`, two words, `Finish`, `Usage`: broken after each of them.
#[test]
fn a_stream_falls_through_until_it_has_something_to_show() {
    TestRuntime::run(|rt| async move {
        for after in 0..=5 {
            let first = Line::answer("one two").broken_after(after, cut);
            let first = ScriptedModel::new(&rt).with_line(first);
            let chain =
                FallbackModel::new(first.clone()).or(ScriptedModel::new(&rt).with_answer("three"));
            let mut stream = chain.stream(ask()).await.unwrap();
            let mut text = String::new();
            let broken = loop {
                match stream.chunk().await {
                    Ok(Some(Chunk::Text(more))) => text.push_str(&more),
                    Ok(Some(_)) => {}
                    Ok(None) => break None,
                    Err(error) => break Some(error),
                }
            };
            match (after, broken) {
                (0 | 1, None) => assert_eq!(text, "three"),
                (_, Some(error)) => {
                    let ModelFailure::Interrupted(broken) = error.failure() else {
                        panic!("{error:?}");
                    };
                    assert_eq!(broken.partial.text(), text);
                    assert!(after >= 2 && "one two".starts_with(&text));
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(first.in_flight(), 0);
        }
    });
}

#[test]
fn a_chain_is_dropped_with_what_it_asks() {
    drop_after_every_poll(|rt, cut| async move {
        let slow =
            |line: Line| ScriptedModel::new(&rt).with_line(line.with_delay(Duration::from_secs(1)));
        let (one, two) = (
            slow(Line::api_error(ApiError::new(503, "no"))),
            slow(Line::answer("b c").with_chunk_delay(Duration::from_secs(1))),
        );
        let chain = FallbackModel::new(one.clone()).or(two.clone());
        cut.apply(async { chain.stream(ask()).await.unwrap().collect().await })
            .await;
        assert_eq!((one.in_flight(), two.in_flight()), (0, 0));
    });
}
