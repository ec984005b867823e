//! What a service tells: hooks, logs, metrics.

use std::fmt::Write as _;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fascine::message::Message;
use fascine::model::{
    Call, CallRecord, Chunk, Hooks, Metrics, Model, ModelError, ModelFailure, Outcome, Request,
    Response,
};
use fascine_testing::TestRuntime;
use futures_lite::future;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::script::{Act, Piece, Script, events, kind, ms, question, secs};

/// Writes down what it is told, and refuses what is forbidden.
#[derive(Clone, Debug, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Hooks for Diary {
    fn before<'a>(
        &'a self,
        call: &'a Call<'a>,
        request: &'a mut Request,
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>> {
        self.note(format!("before {}", call.id));
        Box::pin(async move {
            future::yield_now().await;
            if request.messages[0].text() == "forbidden" {
                return Err("not that".to_owned());
            }
            request.messages.push(Message::user("added"));
            Ok(())
        })
    }

    fn attempt(&self, _: &Call<'_>, number: u32) {
        self.note(format!("attempt {number}"));
    }

    fn retry(&self, _: &Call<'_>, failure: &ModelFailure, wait: Duration) {
        self.note(format!("retry after {} in {wait:?}", failure.kind()));
    }

    fn chunk(&self, _: &Call<'_>, chunk: &Chunk) {
        if let Chunk::Text(text) = chunk {
            self.note(format!("chunk {text}"));
        }
    }

    fn ended(
        &self,
        call: &Call<'_>,
        record: &CallRecord,
        result: Option<Result<&Response, &ModelError>>,
    ) {
        let result = match result {
            Some(Ok(response)) => response.text(),
            Some(Err(error)) => kind(error).to_owned(),
            None => "nothing".to_owned(),
        };
        let (model, outcome) = (call.model, record.outcome);
        self.note(format!("ended {model} {outcome:?}: {result}"));
    }
}

#[test]
fn hooks_are_told_of_each_step_and_asked_before_the_first() {
    TestRuntime::run_seeds(4, |rt| async move {
        let acts = [
            Act::refusal(500),
            Act::answer("yes"),
            Act::pieces(200, events(&["a", "b"])),
        ];
        let script = Script::new(&rt, acts, Act::silence());
        let diary = Diary::default();
        let service = script.service(|service| service.hooks(diary.clone()));
        service.invoke(question("x")).await.unwrap();
        assert_eq!(
            diary.take(),
            [
                "before 1",
                "attempt 1",
                "retry after server in 100ms",
                "attempt 2",
                "ended m Answered: yes"
            ]
        );
        service
            .stream(question("x").with_model("n"))
            .await
            .unwrap()
            .collect()
            .await
            .unwrap();
        assert_eq!(
            diary.take(),
            [
                "before 2",
                "attempt 1",
                "chunk a",
                "chunk b",
                "ended n Answered: ab"
            ]
        );
        let error = service.invoke(question("forbidden")).await.unwrap_err();
        assert_eq!(
            error.failure().to_string(),
            "the call was refused before it was sent: not that"
        );
        assert_eq!(
            diary.take(),
            ["before 3", "ended m Failed(\"refused\"): refused"]
        );
        let mut dropped = Box::pin(service.invoke(question("x")));
        for _ in 0..2 {
            assert!(future::poll_once(dropped.as_mut()).await.is_none());
        }
        drop(dropped);
        assert_eq!(
            diary.take(),
            ["before 4", "attempt 1", "ended m Cancelled: nothing"]
        );
        assert_eq!(script.sent().len(), 4);
    });
}

#[test]
fn metrics_tell_the_wait_the_first_token_and_what_failed() {
    TestRuntime::run_seeds(4, |rt| async move {
        let slow = events(&["a", "b"]).into_iter();
        let slow = slow.flat_map(|piece| [Piece::Wait(secs(1)), piece]);
        let script = Script::new(
            &rt,
            [Act::answer("x"), Act::pieces(200, slow)],
            Act::refusal(400),
        );
        let metrics = Metrics::new();
        let service = script.service(|service| service.limit_requests(1).metrics(&metrics));
        service.invoke(question("x")).await.unwrap();
        service
            .stream(question("x"))
            .await
            .unwrap()
            .collect()
            .await
            .unwrap();
        service.invoke(question("x")).await.unwrap_err();
        let seen = metrics.take();
        assert_eq!(
            (seen.calls, seen.answered, seen.errors["invalid_request"]),
            (3, 2, 1)
        );
        let near = |time: Duration, to: Duration| time.abs_diff(to) < to / 50;
        assert!(near(seen.queue_wait.p99, secs(60)), "{:?}", seen.queue_wait);
        assert!(
            near(seen.first_token.p50, secs(62)),
            "{:?}",
            seen.first_token
        );
        assert_eq!(seen.usage.total(), 20);
        assert_eq!(
            Outcome::Answered,
            CallRecord::new(Outcome::Answered, ms(1)).outcome
        );
    });
}

/// Keeps the events of a log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "fascine_model" && *metadata.level() <= Level::DEBUG
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn why_a_call_waits_is_in_the_log_too() {
    let log = Log::default();
    let lines = Arc::clone(&log.0);
    tracing::subscriber::with_default(log, || {
        TestRuntime::run(|rt| async move {
            let acts = [Act::answer("x"), Act::refusal(500)];
            let script = Script::new(&rt, acts, Act::answer("x"));
            let service = script.service(|service| service.limit_requests(1));
            service.invoke(question("x")).await.unwrap();
            let mut waits = pin!(service.invoke(question("x")));
            assert!(future::poll_once(waits.as_mut()).await.is_none());
            waits.await.unwrap();
        });
    });
    let lines = lines.lock().unwrap();
    let expected = [
        "message=the call waits: the quota of requests is used up call=2 why=\"limited\" until_ms=60000 ",
        "message=the call waits: a failed request is made again later call=2 why=\"backoff\" until_ms=100 ",
        "message=the call waits: the quota of requests is used up call=2 why=\"limited\" until_ms=59900 ",
    ];
    assert_eq!(*lines, expected);
}
