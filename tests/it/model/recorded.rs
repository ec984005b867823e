use std::error::Error;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use fascine::concurrency::gather;
use fascine::http::Net;
use fascine::message::{Message, MessageId, ToolCall, Usage};
use fascine::model::{
    ApiError, Chunk, Line, Model, ModelFailure, RecordError, RecordedModel, Request, ScriptedModel,
};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use futures_lite::future::{poll_once, yield_now};

use crate::model::folder::Folder;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    what_was_recorded_is_replayed,
}

fn ask(text: &str) -> Request {
    Request::new([Message::user(text)])
}

fn live(rt: &Rt) -> ScriptedModel {
    let call = Line::tool_calls([ToolCall::new("c", "weather", "{\"city\": \"Köln\"}")]);
    ScriptedModel::new(rt)
        .with_rule_line(
            "sky",
            Line::answer("It is blue.").with_usage(Usage::new(4, 3)),
        )
        .with_rule_line("weather", call)
}

async fn what_was_recorded_is_replayed(rt: Rt, _: Arc<dyn Net>) {
    let folder = Folder::new();
    let path = folder.path("talk.jsonl");
    let script = live(&rt);
    let model = RecordedModel::record(&rt, script.clone(), &path)
        .await
        .unwrap();
    let whole = model.invoke(ask("sky")).await.unwrap();
    let streamed = model.stream(ask("weather")).await.unwrap();
    let streamed = streamed.collect().await.unwrap();
    assert_eq!(model.len(), 2);
    // It is asked once for each, in this run and in the next.
    model.invoke(ask("sky")).await.unwrap();
    let model = RecordedModel::record(&rt, script.clone(), &path)
        .await
        .unwrap();
    model.invoke(ask("sky")).await.unwrap();
    assert_eq!(script.requests().len(), 2);
    let model = RecordedModel::replay(&rt, &path).await.unwrap();
    assert_eq!(model.identity(), script.identity());
    for request in [ask("sky"), ask("weather")] {
        let expected = if request == ask("sky") {
            &whole
        } else {
            &streamed
        };
        assert_eq!(model.invoke(request.clone()).await.unwrap(), *expected);
        let again = model.stream(request).await.unwrap().collect().await;
        assert_eq!(again.unwrap(), *expected);
    }
    assert_eq!(folder.names(), ["talk.jsonl"]);
}

#[test]
fn a_stream_is_replayed_with_its_chunks() {
    TestRuntime::run(|rt| async move {
        let folder = Folder::new();
        let path = folder.path("r");
        let chunks = vec![
            Chunk::Text("Ei".to_owned()),
            Chunk::Text("ght".to_owned()),
            Chunk::Usage(Usage::new(1, 2)),
        ];
        let script = ScriptedModel::new(&rt).with_line(Line::chunks(chunks.clone()));
        let model = RecordedModel::record(&rt, script, &path).await.unwrap();
        model
            .stream(ask("x"))
            .await
            .unwrap()
            .collect()
            .await
            .unwrap();
        let model = RecordedModel::replay(&rt, &path).await.unwrap();
        let mut stream = model.stream(ask("x")).await.unwrap();
        let mut replayed = Vec::new();
        while let Some(chunk) = stream.chunk().await.unwrap() {
            replayed.push(chunk);
        }
        assert_eq!(replayed, chunks);
    });
}

#[test]
fn what_was_not_recorded_is_an_error_that_says_what_is_nearest() {
    TestRuntime::run(|rt| async move {
        let folder = Folder::new();
        let path = folder.path("r");
        let model = RecordedModel::record(&rt, live(&rt), &path).await.unwrap();
        model.invoke(ask("sky").with_seed(1)).await.unwrap();
        model.invoke(ask("the weather")).await.unwrap();
        let model = RecordedModel::replay(&rt, &path).await.unwrap();
        let same = Message::user("sky").with_id(MessageId::from_u128(3));
        model
            .invoke(Request::new([same]).with_seed(1))
            .await
            .unwrap();
        let error = model.stream(ask("sky").with_seed(2)).await.unwrap_err();
        let ModelFailure::Recording(cause) = error.failure() else {
            panic!("{error:?}");
        };
        assert!(matches!(cause, RecordError::NotRecorded { .. }));
        assert_eq!(
            cause.to_string(),
            "the recording has no answer for this request; the nearest differs at /seed: it has 1, this one 2"
        );
        assert!(!error.is_retryable());
        assert!(error.source().unwrap().source().is_some());
    });
}

#[test]
fn failures_and_broken_streams_are_not_recorded() {
    TestRuntime::run(|rt| async move {
        let folder = Folder::new();
        let path = folder.path("r");
        let broken = Line::answer("a b").broken_after(2, || ApiError::new(500, "oh").into());
        let script = ScriptedModel::new(&rt)
            .with_failure(500, "no")
            .with_line(broken)
            .with_answer("whole")
            .with_answer("late");
        let model = RecordedModel::record(&rt, script, &path).await.unwrap();
        assert!(model.invoke(ask("x")).await.is_err());
        assert!(
            model
                .stream(ask("x"))
                .await
                .unwrap()
                .collect()
                .await
                .is_err()
        );
        drop(model.stream(ask("x")).await.unwrap());
        assert!(model.is_empty() && folder.names().is_empty());
        assert_eq!(model.invoke(ask("x")).await.unwrap().text(), "late");
        assert_eq!(model.invoke(ask("x")).await.unwrap().text(), "late");
    });
}

#[test]
fn secrets_are_not_written_and_make_no_difference() {
    TestRuntime::run(|rt| async move {
        let folder = Folder::new();
        let path = folder.path("r");
        let request = |key: &str, who: &str| ask(who).with_extra("api_key", key);
        let script = ScriptedModel::new(&rt).with_rule("", "You are Mallory.");
        let model = RecordedModel::record(&rt, script, &path).await.unwrap();
        let model = model.with_secret("Mallory");
        let live = model
            .invoke(request("sk-123", "I am Mallory"))
            .await
            .unwrap();
        assert_eq!(live.text(), "You are Mallory.");
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            !text.contains("sk-123") && !text.contains("Mallory"),
            "{text}"
        );
        let model = RecordedModel::replay(&rt, &path).await.unwrap();
        let model = model.with_secret("Trudy");
        let replayed = model.invoke(request("sk-456", "I am Trudy")).await.unwrap();
        assert_eq!(replayed.text(), "You are [redacted].");
    });
}

#[test]
fn calls_at_the_same_time_all_get_into_the_file() {
    TestRuntime::run_seeds(2, |rt| async move {
        let folder = Folder::new();
        let path = folder.path("r");
        let script = ScriptedModel::new(&rt)
            .with_rule("", "yes")
            .with_delay(Duration::from_secs(1));
        let model = RecordedModel::record(&rt, script, &path).await.unwrap();
        let asked = (0..20).map(|number| model.invoke(ask(&number.to_string())));
        gather(asked).await.unwrap();
        let model = RecordedModel::replay(&rt, &path).await.unwrap();
        assert_eq!(model.len(), 20);
    });
}

#[test]
fn a_file_that_is_no_recording_is_an_error_that_says_so() {
    TestRuntime::run(|rt| async move {
        let folder = Folder::new();
        let path = folder.path("r");
        let head = "{\"fascine_recording\":1,\"model\":\"m\"}\n";
        let missing = RecordedModel::replay(&rt, &path).await.unwrap_err();
        assert!(matches!(missing, RecordError::Io { .. }));
        for (content, expected) in [
            (String::new(), "is not a recording"),
            ("hello".to_owned(), "is not a recording"),
            ("{\"model\":\"m\"}".to_owned(), "is not a recording"),
            ("{\"fascine_recording\":2}".to_owned(), "has version 2"),
            (format!("{head}\n{{\"request\":"), "line 3"),
            (format!("{head}{{\"request\":{{}}}}"), "line 2"),
        ] {
            fs::write(&path, &content).unwrap();
            for opened in [
                RecordedModel::replay(&rt, &path).await,
                RecordedModel::record(&rt, live(&rt), &path).await,
            ] {
                let error = opened.unwrap_err().to_string();
                assert!(error.contains(expected), "{content}: {error}");
            }
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        fs::write(&path, head).unwrap();
        let empty = RecordedModel::replay(&rt, &path).await.unwrap();
        let error = empty.invoke(ask("x")).await.unwrap_err();
        assert!(
            error
                .source()
                .unwrap()
                .source()
                .unwrap()
                .to_string()
                .contains("it is empty")
        );
    });
}

#[test]
fn a_file_that_cannot_be_written_is_an_error_and_the_answer_is_kept() {
    TestRuntime::run(|rt| async move {
        let folder = Folder::new();
        let path = folder.path("not there/r");
        let script = ScriptedModel::new(&rt).with_answer("yes");
        let model = RecordedModel::record(&rt, script, &path).await.unwrap();
        let error = model.invoke(ask("x")).await.unwrap_err();
        assert!(matches!(
            error.failure(),
            ModelFailure::Recording(RecordError::Io { .. })
        ));
        fs::create_dir(folder.path("not there")).unwrap();
        assert_eq!(model.invoke(ask("x")).await.unwrap().text(), "yes");
        model.save().await.unwrap();
        assert_eq!(RecordedModel::replay(&rt, &path).await.unwrap().len(), 1);
    });
}

/// Not after every poll in every order, as elsewhere: each run is a file.
#[test]
fn the_file_is_whole_wherever_a_call_is_dropped() {
    TestRuntime::run(|rt| async move {
        let folder = Folder::new();
        let path = folder.path("r");
        let model = RecordedModel::record(&rt, live(&rt), &path).await.unwrap();
        for polls in 0..6 {
            let request = ask("sky").with_seed(polls);
            let mut call = Box::pin(async { model.stream(request).await?.collect().await });
            for _ in 0..polls {
                if poll_once(&mut call).await.is_some() {
                    break;
                }
                yield_now().await;
            }
            drop(call);
            model.save().await.unwrap();
            match model.len() {
                0 => assert!(folder.names().is_empty()),
                known => {
                    let replayed = RecordedModel::replay(&rt, &path).await.unwrap();
                    assert_eq!(replayed.len(), known);
                }
            }
        }
        assert!(model.len() >= 3);
    });
}
