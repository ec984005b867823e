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
use fascine_testing::{TestRuntime, drop_after_every_poll_with_seeds};

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
            (format!("{head}\n{{\"request\":\n"), "line 3"),
            (format!("{head}\n{{\"request\"]"), "line 3"),
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

#[test]
fn each_answer_is_added_to_the_end_of_the_file() {
    TestRuntime::run(|rt| async move {
        let folder = Folder::new();
        let (path, same) = (folder.path("r"), folder.path("same"));
        let script = live(&rt);
        let model = RecordedModel::record(&rt, script, &path).await.unwrap();
        model.invoke(ask("sky")).await.unwrap();
        // A file that is written anew is another one.
        fs::hard_link(&path, &same).unwrap();
        let before = fs::read_to_string(&path).unwrap();
        model.invoke(ask("weather")).await.unwrap();
        let after = fs::read_to_string(&same).unwrap();
        assert_eq!(after, fs::read_to_string(&path).unwrap());
        assert!(after.len() > before.len() && after.starts_with(&before));
        // One that was taken away is made again, with everything in it.
        fs::remove_file(&path).unwrap();
        model.invoke(ask("sky!")).await.unwrap();
        let again = fs::read_to_string(&path).unwrap();
        assert!(again.len() > after.len() && again.starts_with(&after));
    });
}

#[test]
fn a_last_line_that_was_cut_off_is_left_out_and_overwritten() {
    TestRuntime::run(|rt| async move {
        let folder = Folder::new();
        let path = folder.path("r");
        let model = RecordedModel::record(&rt, live(&rt), &path).await.unwrap();
        model.invoke(ask("sky")).await.unwrap();
        let one = fs::read(&path).unwrap();
        model.invoke(ask("weather in Köln")).await.unwrap();
        let two = fs::read(&path).unwrap();
        let middles = (one.len()..two.len()).step_by(17);
        for cut in middles.chain([two.len() - 2, two.len() - 1]) {
            fs::write(&path, &two[..cut]).unwrap();
            let is_whole = cut + 1 == two.len();
            let known = if is_whole { 2 } else { 1 };
            let replayed = RecordedModel::replay(&rt, &path).await.unwrap();
            assert_eq!(replayed.len(), known, "cut at {cut}");
            let model = RecordedModel::record(&rt, live(&rt), &path).await.unwrap();
            model.invoke(ask("weather in Köln")).await.unwrap();
            model.invoke(ask("sky!")).await.unwrap();
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.as_bytes().starts_with(&two), "cut at {cut}: {text}");
            let replayed = RecordedModel::replay(&rt, &path).await.unwrap();
            assert_eq!(replayed.len(), 3, "cut at {cut}");
        }
    });
}

#[test]
fn an_answer_that_stands_there_twice_hides_no_new_one() {
    TestRuntime::run(|rt| async move {
        let folder = Folder::new();
        let path = folder.path("r");
        let model = RecordedModel::record(&rt, live(&rt), &path).await.unwrap();
        model.invoke(ask("sky")).await.unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let line = text.lines().last().unwrap();
        fs::write(&path, format!("{text}{line}\n{line}")).unwrap();
        let model = RecordedModel::record(&rt, live(&rt), &path).await.unwrap();
        assert_eq!(model.len(), 1);
        model.invoke(ask("weather")).await.unwrap();
        let replayed = RecordedModel::replay(&rt, &path).await.unwrap();
        assert_eq!(replayed.len(), 2);
    });
}

/// Another call of the same recording goes on meanwhile: it ends, whatever happens to this one.
#[test]
fn the_file_is_whole_wherever_a_call_is_dropped() {
    let polls = drop_after_every_poll_with_seeds(4, |rt, cut| async move {
        let folder = Folder::new();
        let path = folder.path("r");
        let opened = RecordedModel::record(&rt, live(&rt), &path).await;
        let model = opened.unwrap();
        let other = model.clone();
        let other = rt.spawn(async move { other.invoke(ask("weather")).await });
        cut.apply(async {
            let stream = model.stream(ask("sky")).await?;
            stream.collect().await?;
            model.invoke(ask("sky!")).await
        })
        .await;
        other.await.unwrap().unwrap();
        let known = model.len();
        assert!((1..=3).contains(&known));
        model.save().await.unwrap();
        let replayed = RecordedModel::replay(&rt, &path).await.unwrap();
        assert_eq!(replayed.len(), known);
        assert_eq!(folder.names(), ["r"]);
    });
    assert!(polls > 2, "{polls}");
}
