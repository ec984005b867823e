use std::collections::HashMap;
use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fascine::concurrency::gather;
use fascine::http::Net;
use fascine::message::Message;
use fascine::model::{
    Balance, BalancedModel, Line, Model, ModelFailure, ModelPool, ModelService, OpenAi, PoolError,
    Request, ScriptedModel, SharedLimiter,
};
use fascine::resilience::{Quota, RateLimiter};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};

use super::script::{Act, Script};
use crate::runtimes::on_every_runtime;

const SECOND: Duration = Duration::from_secs(1);

on_every_runtime! {
    a_service_is_made_once_however_many_need_it,
}

fn ask() -> Request {
    Request::new([Message::user("x")])
}

/// A pool whose services take a while to be made, and what was made.
type Made = Arc<Mutex<Vec<String>>>;

fn pool(rt: &Rt, takes: Duration) -> (ModelPool<String, ScriptedModel>, Made) {
    let made = Made::default();
    let pool = ModelPool::new(rt, {
        let (rt, made) = (rt.clone(), Arc::clone(&made));
        move |key: &String| {
            let (rt, made, key) = (rt.clone(), Arc::clone(&made), key.clone());
            async move {
                rt.sleep(takes).await;
                made.lock().unwrap().push(key.clone());
                let model = ScriptedModel::new(&rt).with_name(key.clone());
                Ok::<_, io::Error>(model.with_rule("", key))
            }
        }
    });
    (pool, made)
}

async fn a_service_is_made_once_however_many_need_it(rt: Rt, _: Arc<dyn Net>) {
    let (pool, made) = pool(&rt, Duration::from_millis(5));
    let tasks: Vec<_> = (0..50)
        .map(|number| rt.spawn(pool.model(format!("key {}", number % 2)).invoke(ask())))
        .collect();
    for (number, task) in tasks.into_iter().enumerate() {
        let answer = task.await.unwrap().unwrap();
        assert_eq!(answer.text(), format!("key {}", number % 2));
    }
    assert_eq!((made.lock().unwrap().len(), pool.len()), (2, 2));
}

#[test]
fn nothing_is_made_before_it_is_needed() {
    TestRuntime::run(|rt| async move {
        let (pool, made) = pool(&rt, SECOND);
        let model = pool.model("a".to_owned());
        drop(model.invoke(ask()));
        assert!(pool.is_empty() && made.lock().unwrap().is_empty());
        let stream = model.stream(ask()).await.unwrap();
        assert_eq!(stream.collect().await.unwrap().text(), "a");
        assert_eq!(*made.lock().unwrap(), ["a"]);
    });
}

#[test]
fn a_failure_is_not_kept() {
    TestRuntime::run(|rt| async move {
        let tried = Arc::new(AtomicUsize::new(0));
        let pool = ModelPool::new(&rt, {
            let (rt, tried) = (rt.clone(), Arc::clone(&tried));
            move |_: &u8| {
                let made = match tried.fetch_add(1, Ordering::Relaxed) {
                    0 => Err(io::Error::other("no key")),
                    _ => Ok(ScriptedModel::new(&rt).with_rule("", "yes")),
                };
                async { made }
            }
        });
        let error = pool.model(1).invoke(ask()).await.unwrap_err();
        let ModelFailure::Unavailable(cause) = error.failure() else {
            panic!("{error:?}");
        };
        assert_eq!(cause.source().unwrap().to_string(), "no key");
        assert!(pool.is_empty());
        assert_eq!(pool.model(1).invoke(ask()).await.unwrap().text(), "yes");
    });
}

#[test]
fn what_is_idle_or_does_not_fit_is_forgotten_but_never_what_is_held() {
    TestRuntime::run(|rt| async move {
        let (pool, made) = pool(&rt, Duration::ZERO);
        let two = NonZeroUsize::new(2).unwrap();
        let pool = pool.with_capacity(two).with_idle(60 * SECOND);
        let get = |key: &str| {
            let (pool, key) = (pool.clone(), key.to_owned());
            async move { pool.get(&key).await }
        };
        let held = get("a").await.unwrap();
        get("b").await.unwrap();
        rt.sleep(SECOND).await;
        get("c").await.unwrap(); // in the place of b, though a was used before it
        assert!(Arc::ptr_eq(&held, &get("a").await.unwrap()));
        let also = get("b").await.unwrap();
        let full = get("c").await.unwrap_err();
        assert!(matches!(full, PoolError::Full { capacity: 2 }));
        assert_eq!(*made.lock().unwrap(), ["a", "b", "c", "b"]);
        drop(also);
        rt.sleep(60 * SECOND).await;
        pool.remove_idle();
        assert_eq!(pool.len(), 1);
        assert!(Arc::ptr_eq(&held, &get("a").await.unwrap()));
        drop(held);
        rt.sleep(60 * SECOND).await;
        get("b").await.unwrap();
        assert_eq!(pool.len(), 1);
    });
}

#[test]
fn a_stream_holds_its_service_until_it_has_ended() {
    TestRuntime::run(|rt| async move {
        let (pool, _) = pool(&rt, Duration::ZERO);
        let pool = pool.with_idle(Duration::ZERO);
        let mut stream = pool.model("a".to_owned()).stream(ask()).await.unwrap();
        pool.remove_idle();
        assert_eq!(pool.len(), 1);
        while stream.chunk().await.unwrap().is_some() {}
        pool.remove_idle();
        assert_eq!(pool.len(), 0);
    });
}

#[test]
fn who_makes_a_service_may_leave_it_to_the_next() {
    drop_after_every_poll(|rt, cut| async move {
        let (pool, made) = pool(&rt, SECOND);
        let key = "a".to_owned();
        let other = rt.spawn(pool.model(key.clone()).invoke(ask()));
        cut.apply(pool.get(&key)).await;
        assert_eq!(other.await.unwrap().unwrap().text(), "a");
        assert_eq!((made.lock().unwrap().len(), pool.len()), (1, 1));
    });
}

#[test]
fn calls_are_spread_over_the_members() {
    TestRuntime::run(|rt| async move {
        let member = |name: &str| {
            let line = Line::answer(name).with_delay(SECOND);
            ScriptedModel::new(&rt).with_rule_line("", line)
        };
        let (a, b, c) = (member("a"), member("b"), member("c"));
        let model = BalancedModel::new(a.clone()).and(b.clone()).and(c.clone());
        let count = || [&a, &b, &c].map(|member| member.requests().len());
        gather((0..9).map(|_| model.invoke(ask()))).await.unwrap();
        assert_eq!(count(), [3, 3, 3]);
        let streams = gather((0..2).map(|_| model.stream(ask()))).await.unwrap();
        assert_eq!(model.in_flight().iter().sum::<usize>(), 2);
        model.invoke(ask()).await.unwrap();
        assert_eq!(count(), [4, 4, 4]);
        drop(streams);
        assert_eq!(model.in_flight(), [0, 0, 0]);
        let model = model.with_balance(Balance::RoundRobin);
        for _ in 0..6 {
            model.invoke(ask()).await.unwrap();
        }
        assert_eq!(count(), [6, 6, 6]);
    });
}

#[test]
fn a_dropped_call_counts_no_more() {
    drop_after_every_poll(|rt, cut| async move {
        let line = Line::answer("a b").with_chunk_delay(SECOND);
        let script = ScriptedModel::new(&rt).with_rule_line("", line.with_delay(SECOND));
        let model = BalancedModel::new(script);
        cut.apply(async { model.stream(ask()).await.unwrap().collect().await })
            .await;
        assert_eq!(model.in_flight(), [0]);
    });
}

#[test]
fn services_of_one_key_share_its_limits_and_services_of_another_have_their_own() {
    TestRuntime::run(|rt| async move {
        let script = Script::new(&rt, [], Act::answer("x"));
        let accounts: Arc<Mutex<HashMap<&str, SharedLimiter>>> = Arc::default();
        let pool = ModelPool::new(&rt, {
            let (rt, script, accounts) = (rt.clone(), script.clone(), Arc::clone(&accounts));
            move |(account, model): &(&'static str, &'static str)| {
                let limiter = accounts
                    .lock()
                    .unwrap()
                    .entry(*account)
                    .or_insert_with(|| {
                        let quota = Quota::new("requests", 1, Duration::from_secs(60)).unwrap();
                        SharedLimiter::new(*account, RateLimiter::new(&rt, [quota]).unwrap())
                    })
                    .clone();
                let provider = OpenAi::new("http://127.0.0.1/v1", *model).unwrap();
                let service = ModelService::builder(&rt, provider, script.clone());
                let service = service.limiter(&limiter).build();
                async { service }
            }
        });
        let started = rt.now();
        let keys = [("a", "large"), ("a", "small"), ("b", "large")];
        for key in keys {
            pool.model(key).invoke(ask()).await.unwrap();
        }
        let sent: Vec<_> = script.sent().iter().map(|sent| sent.at - started).collect();
        let minute = Duration::from_secs(60);
        assert_eq!(sent, [Duration::ZERO, minute, minute]);
        assert_eq!((pool.len(), accounts.lock().unwrap().len()), (3, 2));
        // Forgotten services are made again under the limits that their key still has.
        rt.sleep(Duration::from_secs(10)).await;
        let pool = pool.with_idle(Duration::ZERO);
        pool.remove_idle();
        assert!(pool.is_empty());
        pool.model(("b", "small")).invoke(ask()).await.unwrap();
        assert_eq!(script.sent().last().unwrap().at - started, 2 * minute);
        assert_eq!(accounts.lock().unwrap()["a"].name(), "a");
    });
}
