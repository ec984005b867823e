use std::sync::Arc;
use std::time::Duration;

use fascine::concurrency::{fail_after, gather, join_all};
use fascine::http::{Net, TransportError};
use fascine::message::{Message, Usage};
use fascine::model::{
    ApiError, CacheUse, Chunk, ChunkStream, Line, Model, ModelError, ModelFailure, Request,
    Response, ScriptedModel, SingleFlightModel,
};
use fascine::rt::{BoxFuture, Rt};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::poll_once;

use crate::runtimes::on_every_runtime;

const SECOND: Duration = Duration::from_secs(1);

on_every_runtime! {
    a_hundred_tasks_that_ask_the_same_are_one_call,
    a_hundred_tasks_read_one_stream,
    readers_that_come_and_go_lose_nothing,
}

fn ask() -> Request {
    Request::new([Message::user("x")])
}

fn usage() -> Usage {
    Usage::new(3, 4)
}

fn slow(rt: &Rt, line: Line) -> ScriptedModel {
    let ms = Duration::from_millis(10);
    ScriptedModel::new(rt).with_line(line.with_delay(ms).with_chunk_delay(ms))
}

async fn a_hundred_tasks_that_ask_the_same_are_one_call(rt: Rt, _: Arc<dyn Net>) {
    let script = slow(&rt, Line::answer("one").with_usage(usage()));
    let model = SingleFlightModel::new(script.clone());
    let tasks: Vec<_> = (0..100).map(|_| rt.spawn(model.invoke(ask()))).collect();
    let mut total = Usage::default();
    let mut attempts = 0;
    for task in tasks {
        let response = task.await.unwrap().unwrap();
        assert_eq!(response.text(), "one");
        total += response.usage;
        attempts += response.attempts;
    }
    assert_eq!((total, attempts), (usage(), 1));
    assert_eq!((script.requests().len(), script.in_flight()), (1, 0));
    assert_eq!(model.in_flight(), 0);
}

async fn a_hundred_tasks_read_one_stream(rt: Rt, _: Arc<dyn Net>) {
    let script = slow(&rt, Line::answer("a b c d e").with_usage(usage()));
    let model = SingleFlightModel::new(script.clone());
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let opened = model.stream(ask());
            rt.spawn(async move { opened.await?.collect().await })
        })
        .collect();
    let mut total = Usage::default();
    for task in tasks {
        let response = task.await.unwrap().unwrap();
        assert_eq!(response.text(), "a b c d e");
        total += response.usage;
    }
    assert_eq!(total, usage());
    assert_eq!((script.requests().len(), script.in_flight()), (1, 0));
    assert_eq!(model.in_flight(), 0);
}

async fn readers_that_come_and_go_lose_nothing(rt: Rt, _: Arc<dyn Net>) {
    let line = Line::answer("a b c d e f").with_chunk_delay(Duration::from_micros(200));
    let script = ScriptedModel::new(&rt).with_rule_line("", line);
    let model = SingleFlightModel::new(script.clone());
    for round in 0..25_usize {
        let readers: Vec<_> = (0..8_usize)
            .map(|reader| {
                let opened = model.stream(ask());
                // Some read all, some leave after so many chunks.
                let leaves_after = (reader % 2 == 1).then_some((round + reader) % 7);
                rt.spawn(async move {
                    let mut stream = opened.await.unwrap();
                    for _ in 0..leaves_after.unwrap_or(0) {
                        stream.chunk().await.unwrap().unwrap();
                    }
                    match leaves_after {
                        Some(_) => None,
                        None => Some(stream.collect().await.unwrap().text()),
                    }
                })
            })
            .collect();
        for (reader, task) in readers.into_iter().enumerate() {
            let read = task.await.unwrap();
            assert_eq!(read.is_some(), reader % 2 == 0);
            assert!(read.is_none_or(|text| text == "a b c d e f"));
        }
        assert_eq!((script.in_flight(), model.in_flight()), (0, 0));
    }
}

#[test]
fn different_questions_are_different_calls() {
    TestRuntime::run(|rt| async move {
        let script = ScriptedModel::new(&rt)
            .with_delay(SECOND)
            .with_rule("", "yes");
        let model = SingleFlightModel::new(script.clone());
        let asked = [
            ask(),
            ask().with_temperature(0.5),
            ask().with_model("m"),
            ask().with_cache(CacheUse::Refresh),
            ask().with_cache(CacheUse::Bypass),
            ask().with_cache(CacheUse::Bypass),
        ];
        gather(asked.map(|request| model.invoke(request)))
            .await
            .unwrap();
        assert_eq!(script.requests().len(), 6);
    });
}

#[test]
fn an_error_is_everybodys_and_the_next_call_asks_anew() {
    TestRuntime::run_seeds(8, |rt| async move {
        let refusal = ApiError::new(429, "no").with_retry_after(SECOND);
        let script = slow(&rt, Line::api_error(refusal)).with_answer("now");
        let model = SingleFlightModel::new(script.clone());
        let answers = join_all((0..10).map(|_| model.invoke(ask()))).await;
        for answer in answers {
            assert_eq!(answer.unwrap_err().retry_after(), Some(SECOND));
        }
        assert_eq!(script.requests().len(), 1);
        assert_eq!(model.invoke(ask()).await.unwrap().text(), "now");
    });
}

#[test]
fn who_began_the_call_may_leave_it_to_the_others() {
    TestRuntime::run_seeds(16, |rt| async move {
        let script = ScriptedModel::new(&rt).with_line(Line::answer("one").with_delay(5 * SECOND));
        let model = SingleFlightModel::new(script.clone());
        let first = rt.spawn(model.invoke(ask()));
        rt.sleep(SECOND).await;
        let others: Vec<_> = (0..3).map(|_| rt.spawn(model.invoke(ask()))).collect();
        rt.sleep(SECOND).await;
        drop(first);
        for other in others {
            assert_eq!(other.await.unwrap().unwrap().text(), "one");
        }
        assert_eq!(script.requests().len(), 1);
    });
}

#[test]
fn no_deadline_of_one_reaches_the_call_of_all() {
    TestRuntime::run_seeds(16, |rt| async move {
        let script = ScriptedModel::new(&rt).with_line(Line::answer("one").with_delay(5 * SECOND));
        let model = SingleFlightModel::new(Deadlined(script.clone()));
        let short = {
            let (rt, asked) = (rt.clone(), model.invoke(ask()));
            rt.clone()
                .spawn(async move { fail_after(&rt, SECOND, asked).await.is_err() })
        };
        rt.sleep(SECOND / 2).await;
        let long = rt.spawn(model.invoke(ask()));
        let started = rt.now();
        assert!(short.await.unwrap());
        assert_eq!(rt.now() - started, SECOND / 2);
        assert_eq!(long.await.unwrap().unwrap().text(), "one");
    });
}

/// Looks at the ambient deadline, as limiters and retries do.
#[derive(Debug)]
struct Deadlined(ScriptedModel);

impl Model for Deadlined {
    fn name(&self) -> &str {
        "deadlined"
    }

    fn invoke(&self, request: Request) -> BoxFuture<Result<Response, ModelError>> {
        let answered = self.0.invoke(request);
        Box::pin(async {
            assert_eq!(fascine::concurrency::effective_deadline(), None);
            answered.await
        })
    }

    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        self.0.stream(request)
    }
}

#[test]
fn when_all_are_gone_the_call_is_aborted() {
    TestRuntime::run(|rt| async move {
        let script = ScriptedModel::new(&rt).with_rule_line("", Line::hang());
        let model = SingleFlightModel::new(script.clone());
        let (mut one, mut two) = (model.invoke(ask()), model.invoke(ask()));
        assert!(poll_once(&mut one).await.is_none());
        assert!(poll_once(&mut two).await.is_none());
        drop(one);
        assert_eq!((script.in_flight(), model.in_flight()), (1, 1));
        drop(two);
        assert_eq!((script.in_flight(), model.in_flight()), (0, 0));
        let mut three = model.invoke(ask());
        assert!(poll_once(&mut three).await.is_none());
        assert_eq!(script.requests().len(), 2);
    });
}

#[test]
fn who_comes_late_to_a_stream_reads_it_from_the_beginning() {
    TestRuntime::run_seeds(16, |rt| async move {
        let line = Line::answer("a b c d").with_chunk_delay(SECOND);
        let script = ScriptedModel::new(&rt).with_line(line.with_usage(usage()));
        let model = SingleFlightModel::new(script.clone());
        let mut early = model.stream(ask()).await.unwrap();
        for _ in 0..3 {
            early.chunk().await.unwrap().unwrap(); // the start and two words
        }
        let late = model.stream(ask()).await.unwrap();
        assert_eq!((early.attempts(), late.attempts()), (1, 0));
        let late = rt.spawn(late.collect());
        let rest = early.collect().await.unwrap();
        let late = late.await.unwrap().unwrap();
        assert_eq!((rest.text().as_str(), rest.usage), ("c d", usage()));
        assert_eq!(
            (late.text().as_str(), late.usage, late.is_reused()),
            ("a b c d", Usage::default(), true)
        );
        assert_eq!(script.requests().len(), 1);
    });
}

#[test]
fn a_slow_reader_holds_up_nobody() {
    TestRuntime::run_seeds(16, |rt| async move {
        let line = Line::answer("a b c d").with_chunk_delay(SECOND);
        let model = SingleFlightModel::new(ScriptedModel::new(&rt).with_line(line));
        let mut slow = model.stream(ask()).await.unwrap();
        let mut chunk = Box::pin(slow.chunk());
        // It waits, and is not polled again for a long time.
        assert!(poll_once(&mut chunk).await.is_none());
        let started = rt.now();
        let fast = model.stream(ask()).await.unwrap();
        assert_eq!(fast.collect().await.unwrap().text(), "a b c d");
        assert_eq!(rt.now() - started, 7 * SECOND);
        rt.sleep(60 * SECOND).await;
        assert!(matches!(chunk.await, Ok(Some(Chunk::Start { .. }))));
        assert_eq!(slow.collect().await.unwrap().text(), "a b c d");
    });
}

#[test]
fn a_stream_that_breaks_breaks_for_all_with_what_had_come() {
    TestRuntime::run_seeds(8, |rt| async move {
        let cut = || ModelFailure::Transport(TransportError::ClosedInBody { received: 3 });
        let script = slow(&rt, Line::answer("a b c").broken_after(3, cut));
        let model = SingleFlightModel::new(script.clone());
        let streams = gather((0..3).map(|_| model.stream(ask()))).await.unwrap();
        for mut stream in streams {
            let mut text = String::new();
            let error = loop {
                match stream.chunk().await {
                    Ok(Some(Chunk::Text(more))) => text.push_str(&more),
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("it did not break"),
                    Err(error) => break error,
                }
            };
            let ModelFailure::Interrupted(broken) = error.failure() else {
                panic!("{error:?}");
            };
            assert_eq!(
                (broken.partial.text(), text.as_str()),
                (text.clone(), "a b ")
            );
            assert!(stream.chunk().await.unwrap().is_none());
        }
    });
}

#[test]
fn a_stream_that_is_too_large_to_keep_is_an_error_for_all() {
    TestRuntime::run(|rt| async move {
        let script = ScriptedModel::new(&rt).with_answer("word ".repeat(1000));
        let model = SingleFlightModel::new(script).with_max_bytes(10_000);
        let stream = model.stream(ask()).await.unwrap();
        let error = stream.collect().await.unwrap_err();
        let ModelFailure::Interrupted(broken) = error.failure() else {
            panic!("{error:?}");
        };
        assert!(matches!(
            broken.cause,
            Some(ModelFailure::TooLarge { limit: 10_000 })
        ));
        assert!(broken.partial.text().starts_with("word word "));
    });
}

#[derive(Debug)]
struct Panicking(Rt);

impl Model for Panicking {
    fn name(&self) -> &str {
        "panicking"
    }

    fn invoke(&self, _: Request) -> BoxFuture<Result<Response, ModelError>> {
        let rt = self.0.clone();
        Box::pin(async move {
            rt.sleep(SECOND).await;
            panic!("a bug in a model")
        })
    }

    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        let invoked = self.invoke(request);
        Box::pin(async move { invoked.await.map(|_| unreachable!()) })
    }
}

#[test]
fn a_panic_is_the_panic_of_one_and_an_error_for_the_others() {
    TestRuntime::run_seeds(8, |rt| async move {
        let model = SingleFlightModel::new(Panicking(rt.clone()));
        let tasks: Vec<_> = (0..4)
            .map(|index| match index % 2 {
                0 => rt.spawn({
                    let call = model.invoke(ask());
                    async move { call.await.map(drop) }
                }),
                _ => rt.spawn({
                    let call = model.stream(ask());
                    async move { call.await.map(drop) }
                }),
            })
            .collect();
        let (mut panics, mut errors) = (0, 0);
        for task in tasks {
            match task.await {
                Err(_) => panics += 1,
                Ok(answer) => {
                    let error = answer.unwrap_err();
                    assert!(matches!(error.failure(), ModelFailure::Panicked));
                    errors += 1;
                }
            }
        }
        assert_eq!((panics, errors, model.in_flight()), (2, 2, 0));
    });
}

#[test]
fn any_reader_may_leave_at_any_time() {
    drop_after_every_poll(|rt, cut| async move {
        let line = Line::answer("a b c").with_chunk_delay(SECOND);
        let script = ScriptedModel::new(&rt).with_rule_line("", line.with_delay(SECOND));
        let model = SingleFlightModel::new(script.clone());
        let read = |model: &SingleFlightModel| {
            let opened = model.stream(ask());
            async move { opened.await?.collect().await }
        };
        let others: Vec<_> = (0..2).map(|_| rt.spawn(read(&model))).collect();
        cut.apply(read(&model)).await;
        for other in others {
            assert_eq!(other.await.unwrap().unwrap().text(), "a b c");
        }
        // Two, if it was first and left before anybody had joined it.
        assert!((1..=2).contains(&script.requests().len()));
        assert_eq!((script.in_flight(), model.in_flight()), (0, 0));
    });
}

#[test]
fn any_caller_may_leave_at_any_time() {
    drop_after_every_poll(|rt, cut| async move {
        let line = Line::answer("a b c").with_chunk_delay(SECOND);
        let script = ScriptedModel::new(&rt).with_line(line.with_delay(SECOND));
        let model = SingleFlightModel::new(script.clone());
        let others: Vec<_> = (0..2).map(|_| rt.spawn(model.invoke(ask()))).collect();
        rt.sleep(SECOND / 2).await;
        cut.apply(model.invoke(ask())).await;
        for other in others {
            assert_eq!(other.await.unwrap().unwrap().text(), "a b c");
        }
        assert_eq!(script.requests().len(), 1);
        assert_eq!((script.in_flight(), model.in_flight()), (0, 0));
    });
}

#[test]
fn the_only_caller_takes_the_call_with_it() {
    drop_after_every_poll(|rt, cut| async move {
        let line = Line::answer("a b c").with_chunk_delay(SECOND);
        let script = ScriptedModel::new(&rt).with_line(line.with_delay(SECOND));
        let model = SingleFlightModel::new(script.clone());
        cut.apply(async { model.stream(ask()).await.unwrap().collect().await })
            .await;
        assert_eq!((script.in_flight(), model.in_flight()), (0, 0));
    });
}
