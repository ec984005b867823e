//! What a model service says that it does, and what others that say the same were measured to do instead.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fascine::concurrency::{fail_after, join_all};
use fascine::message::Message;
use fascine::model::{
    Chunk, CloseMode, Model, ModelFailure, ModelService, Request, TokenCounter, ToolSpec,
};
use fascine::resilience::LimitError;
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use futures_lite::future::{block_on, poll_once};
use serde_json::json;

use super::script::{Act, Piece, Script, events, kind, ms, question, secs};

/// Spawns that many calls; the time at which each was answered, in the order of the calls.
async fn answered_at(rt: &Rt, service: &ModelService, calls: usize) -> Vec<std::time::Duration> {
    let started = rt.now();
    let calls: Vec<_> = (0..calls)
        .map(|n| {
            let (service, rt) = (service.clone(), rt.clone());
            let clock = rt.clone();
            rt.spawn(async move {
                service.invoke(question(&n.to_string())).await.unwrap();
                clock.now() - started
            })
        })
        .collect();
    let mut times = Vec::new();
    for call in calls {
        times.push(call.await.unwrap());
    }
    times
}

#[test]
fn a_call_that_waits_or_takes_longer_than_ten_seconds_still_gives_its_answer() {
    TestRuntime::run(|rt| async move {
        let script = Script::new(&rt, [], Act::answer("late").after(secs(500)));
        let service = script.service(|service| service.limit_requests(1).timeout(secs(600)));
        let times = answered_at(&rt, &service, 3).await;
        assert_eq!(*times.iter().max().unwrap(), secs(620));
        let answer = service.invoke(question("x")).await.unwrap();
        assert_eq!(answer.text(), "late", "and never an empty one");
    });
}

#[test]
fn calls_beyond_what_may_wait_are_refused_at_once_and_the_others_are_not_stranded() {
    TestRuntime::run_seeds(4, |rt| async move {
        let script = Script::new(&rt, [], Act::answer("x").after(secs(1)));
        let service = script.service(|service| service.concurrency_limit(10));
        let calls = (0..300).map(|_| service.invoke(question("x")));
        let started = rt.now();
        let results = join_all(calls).await;
        assert_eq!(rt.now() - started, secs(11));
        let refused = results.iter().filter_map(|result| result.as_ref().err());
        let refused = refused.map(|error| match error.failure() {
            ModelFailure::Limited(LimitError::QueueFull { capacity }) => *capacity,
            other => panic!("{other:?}"),
        });
        assert_eq!(refused.collect::<Vec<_>>(), vec![100; 190]);
        assert_eq!(service.stats().answered, 110);
    });
}

#[test]
fn a_request_larger_than_the_whole_budget_fails_at_once_with_both_numbers() {
    TestRuntime::run(|rt| async move {
        let script = Script::new(&rt, [], Act::answer("x"));
        let service = script.service(|service| service.limit_tokens(1000));
        let started = rt.now();
        let error = service
            .invoke(question("x").with_max_tokens(5000))
            .await
            .unwrap_err();
        match error.failure() {
            ModelFailure::Limited(LimitError::TooLarge {
                quota,
                amount,
                limit,
            }) => {
                assert_eq!((quota.as_str(), *limit), ("tokens", 1000));
                assert!((5000..5100).contains(amount));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!((rt.now(), script.sent().len()), (started, 0));
    });
}

#[test]
fn cancelling_one_caller_cuts_no_other_and_a_fast_call_does_not_wait_for_a_slow_one() {
    TestRuntime::run_seeds(8, |rt| async move {
        let acts = [
            Act::answer("slow").after(secs(3)),
            Act::answer("fast").after(ms(100)),
        ];
        let script = Script::new(&rt, acts, Act::silence());
        let service = script.service(|service| service.limit_requests(100));
        let started = rt.now();
        let slow = rt.spawn({
            let service = service.clone();
            async move { service.invoke(question("slow")).await }
        });
        rt.sleep(ms(1)).await;
        service.invoke(question("fast")).await.unwrap();
        assert_eq!(rt.now() - started, ms(101));
        let cut = fail_after(&rt, secs(1), service.invoke(question("cut"))).await;
        assert!(cut.is_err());
        assert_eq!(slow.await.unwrap().unwrap().text(), "slow");
        assert_eq!((script.open(), service.stats().deadline), (0, 1));
    });
}

#[test]
fn calls_begin_when_the_limit_allows_it_however_long_the_others_take() {
    TestRuntime::run_seeds(4, |rt| async move {
        let script = Script::new(&rt, [], Act::answer("x").after(secs(1)));
        let service =
            script.service(|service| service.limit_requests(1).capacity_refresh_time(ms(200)));
        let started = rt.now();
        answered_at(&rt, &service, 5).await;
        let begun: Vec<_> = script.sent().iter().map(|sent| sent.at - started).collect();
        assert_eq!(begun, [0, 200, 400, 600, 800].map(ms));
    });
}

#[test]
fn the_limit_holds_in_every_stretch_of_time_and_not_only_between_refills() {
    TestRuntime::run_seeds(4, |rt| async move {
        let script = Script::new(&rt, [], Act::answer("x"));
        let service =
            script.service(|service| service.limit_requests(5).capacity_refresh_time(secs(1)));
        rt.sleep(ms(900)).await;
        answered_at(&rt, &service, 20).await;
        let sent = script.sent();
        assert!(sent.windows(6).all(|six| six[5].at - six[0].at >= secs(1)));
    });
}

#[test]
fn the_order_is_that_of_arrival_and_a_large_request_does_not_starve() {
    TestRuntime::run(|rt| async move {
        let script = Script::new(&rt, [], Act::answer("x").after(secs(1)));
        let service = script.service(|service| service.limit_tokens(1000));
        let order = Arc::new(std::sync::Mutex::new(Vec::new()));
        let mut calls = Vec::new();
        for n in 0..8 {
            let max = if n == 1 { 900 } else { 80 };
            let (service, order) = (service.clone(), Arc::clone(&order));
            calls.push(rt.spawn(async move {
                let asked = service.invoke(question("x").with_max_tokens(max));
                asked.await.unwrap();
                order.lock().unwrap().push(n);
            }));
            rt.sleep(ms(1)).await;
        }
        for call in calls {
            call.await.unwrap();
        }
        let order = order.lock().unwrap();
        assert_eq!(order[..2], [0, 1], "{order:?}");
    });
}

/// Counts how often it is asked.
#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl TokenCounter for Counted {
    fn count(&self, text: &str) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst);
        text.len() as u64
    }

    fn id(&self) -> u64 {
        77
    }
}

#[test]
fn a_prompt_is_counted_once_however_often_it_waits_and_not_at_all_without_a_limit() {
    TestRuntime::run(|rt| async move {
        let counts = Arc::new(AtomicUsize::new(0));
        let script = Script::new(&rt, [Act::refusal(500), Act::lost()], Act::answer("x"));
        let free = script.service(|service| service.token_counter(Counted(Arc::clone(&counts))));
        free.invoke(question("x")).await.unwrap();
        assert_eq!(counts.load(Ordering::SeqCst), 0);
        let script = Script::new(&rt, [Act::refusal(500), Act::lost()], Act::answer("x"));
        let service = script.service(|service| {
            let service = service.token_counter(Counted(Arc::clone(&counts)));
            service.limit_tokens(300)
        });
        answered_at(&rt, &service, 20).await;
        assert_eq!(counts.load(Ordering::SeqCst), 20, "one text each");
    });
}

#[test]
fn tools_pictures_and_the_longest_answer_are_reserved_and_the_rest_comes_back() {
    TestRuntime::run(|rt| async move {
        let script = Script::new(&rt, [], Act::silence());
        let reserved = async |request: Request| {
            let service = script.service(|service| service.limit_tokens(100_000));
            let call = rt.spawn({
                let service = service.clone();
                async move { service.invoke(request).await }
            });
            rt.sleep(ms(1)).await;
            drop(call);
            100_000 - service.limiter().limiter().available("tokens").unwrap()
        };
        let plain = reserved(question("x")).await;
        let longer = reserved(question("x").with_max_tokens(4096)).await;
        assert_eq!(longer, plain - 256 + 4096);
        let mut tools = question("x");
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
        tools.tools = vec![ToolSpec::new(
            "weather",
            "Tells the weather of a city.",
            schema,
        )];
        assert!(reserved(tools).await > plain + 15);
        let script = Script::new(&rt, [], Act::answer("x"));
        let service = script.service(|service| service.limit_tokens(100_000));
        service
            .invoke(question("x").with_max_tokens(4096))
            .await
            .unwrap();
        assert_eq!(
            service.limiter().limiter().available("tokens"),
            Some(99_990)
        );
        let stream = Script::new(&rt, [], Act::pieces(200, events(&["x"])));
        let service = stream.service(|service| service.limit_tokens(100_000));
        service
            .stream(question("x"))
            .await
            .unwrap()
            .collect()
            .await
            .unwrap();
        assert_eq!(
            service.limiter().limiter().available("tokens"),
            Some(99_990)
        );
    });
}

#[test]
fn a_stream_and_a_call_beside_it_do_not_disturb_each_other() {
    TestRuntime::run_seeds(4, |rt| async move {
        let slow = events(&["a", "b"]).into_iter();
        let slow = slow.flat_map(|piece| [Piece::Wait(secs(1)), piece]);
        let script = Script::new(&rt, [Act::pieces(200, slow)], Act::answer("beside"));
        let service = script.service(|service| service.limit_requests(10));
        let mut stream = service.stream(question("stream")).await.unwrap();
        assert_eq!(
            service.invoke(question("x")).await.unwrap().text(),
            "beside"
        );
        let mut text = String::new();
        while let Some(chunk) = stream.chunk().await.unwrap() {
            if let Chunk::Text(more) = chunk {
                text.push_str(&more);
            }
        }
        assert_eq!((text.as_str(), script.sent().len()), ("ab", 2));
    });
}

#[test]
fn streams_take_of_the_budgets_as_calls_do() {
    TestRuntime::run(|rt| async move {
        let script = Script::new(&rt, [], Act::pieces(200, events(&["x"])));
        let service = script.service(|service| service.limit_requests(1));
        let started = rt.now();
        for _ in 0..3 {
            let stream = service.stream(question("x")).await.unwrap();
            stream.collect().await.unwrap();
        }
        assert_eq!(rt.now() - started, secs(120));
    });
}

#[test]
fn a_closed_service_that_is_opened_again_keeps_its_limits_and_goes_on_refilling() {
    TestRuntime::run(|rt| async move {
        let script = Script::new(&rt, [], Act::answer("x"));
        let service = script.service(|service| service.limit_requests(1));
        let started = rt.now();
        for _ in 0..3 {
            service.invoke(question("x")).await.unwrap();
            service.close(CloseMode::Drain).await;
            service.reopen();
        }
        assert_eq!(rt.now() - started, secs(120));
    });
}

#[test]
fn errors_keep_status_headers_body_and_request_id() {
    TestRuntime::run(|rt| async move {
        let refusal = Act::refusal(404).with_header("x-request-id", "r-7");
        let script = Script::new(&rt, [refusal], Act::answer("x"));
        let error = script
            .service(|service| service)
            .invoke(question("x"))
            .await;
        let error = error.unwrap_err();
        let ModelFailure::Api(api) = error.failure() else {
            panic!("{error:?}");
        };
        assert_eq!((api.status, api.request_id.as_deref()), (404, Some("r-7")));
        assert_eq!(api.headers["x-request-id"], "r-7");
        assert_eq!(api.body, r#"{"error":{"message":"no"}}"#);
    });
}

#[test]
fn two_hundred_callers_at_sixty_a_minute_are_all_answered_in_order() {
    TestRuntime::run_seeds(2, |rt| async move {
        let script = Script::new(&rt, [], Act::answer("x").after(ms(300)));
        let service = script.service(|service| service.limit_requests(60).queue_capacity(200));
        let times = answered_at(&rt, &service, 200).await;
        assert_eq!(*times.iter().max().unwrap(), secs(180) + ms(300));
        let sent = script.sent();
        assert_eq!(sent.len(), 200);
        assert!(
            sent.windows(61)
                .all(|many| many[60].at - many[0].at >= secs(60))
        );
    });
}

#[test]
fn a_day_of_traffic_leaves_every_call_accounted_for_and_no_token_lost() {
    TestRuntime::run(|rt| async move {
        let random = std::cell::RefCell::new(fastrand::Rng::with_seed(7));
        let acts = (0..8000).map(|_| {
            let mut random = random.borrow_mut();
            let after = ms(random.u64(50..9000));
            match random.u32(0..20) {
                0 => Act::refusal(500).after(after),
                1 => Act::refusal(429).with_header("retry-after", random.u32(1..20)),
                2 => Act::lost().after(after),
                3 => Act::refusal(400),
                4 => Act::pieces(200, events(&["a"])[..2].to_vec()).after(after),
                _ => Act::answer("x").after(after),
            }
        });
        let acts: Vec<_> = acts.collect();
        let script = Script::new(&rt, acts, Act::answer("x"));
        let service = script.service(|service| {
            let service = service.limit_requests(20).limit_tokens(5000);
            service.concurrency_limit(8).queue_capacity(30)
        });
        let mut calls = Vec::new();
        let (mut ok, mut failed, mut dropped) = (0, 0, 0);
        for n in 0..4000_u64 {
            let pause = ms(random.borrow_mut().u64(0..43_000));
            rt.sleep(pause).await;
            let (service, clock) = (service.clone(), rt.clone());
            let patience = secs(random.borrow_mut().u64(1..90));
            calls.push(rt.spawn(async move {
                let call = service.invoke(question("x").with_max_tokens(n as u32 % 700));
                match n % 4 {
                    0 => fail_after(&clock, patience, call).await.ok(),
                    _ => Some(call.await),
                }
            }));
        }
        for call in calls {
            match call.await.unwrap() {
                Some(Ok(_)) => ok += 1,
                Some(Err(error)) => {
                    assert_ne!(kind(&error), "closed");
                    failed += 1;
                }
                None => dropped += 1,
            }
        }
        let stats = service.stats();
        assert_eq!(stats.calls, 4000);
        assert_eq!(stats.answered, ok);
        assert_eq!(
            stats.failed + stats.deadline + stats.cancelled,
            failed + dropped
        );
        assert_eq!(stats.requests as usize, script.sent().len());
        assert_eq!((script.open(), service.waiting()), (0, 0));
        let sent = script.sent();
        assert!(
            sent.windows(21)
                .all(|many| many[20].at - many[0].at >= secs(60))
        );
        rt.sleep(secs(60)).await;
        let limiter = service.limiter().limiter();
        assert_eq!(limiter.available("tokens"), Some(5000));
        assert_eq!(limiter.available("requests"), Some(20));
        assert!(ok > 3000, "{stats:?}");
    });
}

#[test]
fn what_is_reserved_is_what_is_settled_and_what_comes_back() {
    // An hour's window forgets nothing meanwhile: what is free is the limit less what was settled.
    TestRuntime::run_seeds(16, |rt| async move {
        let mut random = fastrand::Rng::with_seed(11);
        let acts: Vec<_> = (0..200)
            .map(|_| match random.u32(0..4) {
                0 => Act::refusal(400),
                1 => Act::refusal(422).after(ms(20)),
                _ => Act::answer("x").after(ms(random.u64(1..40))),
            })
            .collect();
        let script = Script::new(&rt, acts, Act::refusal(400));
        let limit = 1_000_000;
        let service = script.service(|service| {
            let service = service.limit_tokens(limit).limit_requests(1000);
            service
                .capacity_refresh_time(secs(3600))
                .concurrency_limit(4)
        });
        let requests = (0..100).map(|n| Request::new([Message::user("x".repeat(n))]));
        let calls = requests.map(|request| service.invoke(request));
        let results = join_all(calls).await;
        let answered = results.iter().filter(|result| result.is_ok()).count() as u64;
        let limiter = service.limiter().limiter();
        // An answer costs ten, a refusal nothing; both are requests.
        assert_eq!(limiter.available("tokens"), Some(limit - 10 * answered));
        assert_eq!(limiter.available("requests"), Some(900));
        assert_eq!(service.stats().usage.total(), 10 * answered);
    });
}

#[test]
fn a_call_that_waits_for_its_turn_holds_little_memory() {
    TestRuntime::run(|rt| async move {
        let script = Script::new(&rt, [], Act::answer("x").after(secs(1)));
        let service = script.service(|service| service.concurrency_limit(1).queue_capacity(2000));
        let mut first = service.invoke(question("x"));
        assert!(poll_once(first.as_mut()).await.is_none());
        let mut waiting = Vec::with_capacity(1000);
        let held = allocation_counter::measure(|| {
            for _ in 0..1000 {
                let mut call = service.invoke(question("x"));
                assert!(block_on(poll_once(call.as_mut())).is_none());
                waiting.push(call);
            }
        });
        assert_eq!(service.waiting(), 1000);
        let each = held.bytes_current / 1000;
        let future = size_of_val(&*waiting[0]);
        assert!(
            each <= 3200,
            "{each} bytes, of which the future has {future}"
        );
    });
}
