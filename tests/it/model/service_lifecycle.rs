use std::pin::pin;

use fascine::concurrency::{fail_after, join_all};
use fascine::model::{
    CloseMode, Model, ModelError, ModelFailure, ModelService, SharedLimiter, Waiting,
};
use fascine::resilience::{CircuitBreaker, LimitError, Quota, RateLimiter};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future;

use super::script::{Act, Script, kind, ms, question, secs};

async fn ask(service: ModelService, text: &'static str) -> Result<String, ModelError> {
    Ok(service.invoke(question(text)).await?.text())
}

fn is_closed(error: &ModelError) -> bool {
    matches!(error.failure(), ModelFailure::Closed)
}

#[test]
fn draining_lets_queued_calls_and_those_on_their_way_end_and_lets_nobody_in() {
    TestRuntime::run_seeds(8, |rt| async move {
        let script = Script::new(&rt, [], Act::answer("yes").after(secs(1)));
        let service = script.service(|service| service.concurrency_limit(1));
        let calls: Vec<_> = (0..3)
            .map(|_| rt.spawn(ask(service.clone(), "in")))
            .collect();
        rt.sleep(ms(1)).await;
        let started = rt.now();
        let closing = rt.spawn({
            let service = service.clone();
            async move { service.close(CloseMode::Drain).await }
        });
        rt.sleep(ms(1)).await;
        assert!(is_closed(&ask(service.clone(), "late").await.unwrap_err()));
        assert!(is_closed(
            &service.stream(question("late")).await.unwrap_err()
        ));
        closing.await.unwrap();
        assert_eq!(rt.now() - started, ms(2999));
        for call in calls {
            assert_eq!(call.await.unwrap().unwrap(), "yes");
        }
        service.close(CloseMode::Drain).await; // twice is fine
        service.reopen();
        service.reopen();
        assert_eq!(ask(service.clone(), "again").await.unwrap(), "yes");
        let stats = service.stats();
        assert_eq!((stats.calls, stats.answered), (4, 4));
    });
}

#[test]
fn cancelling_ends_queued_calls_and_those_on_their_way_and_aborts_what_was_sent() {
    TestRuntime::run_seeds(8, |rt| async move {
        let script = Script::new(&rt, [], Act::silence());
        let service = script.service(|service| {
            service
                .concurrency_limit(2)
                .limit_requests(1)
                .queue_capacity(10)
        });
        let calls: Vec<_> = (0..4)
            .map(|_| rt.spawn(ask(service.clone(), "in")))
            .collect();
        rt.sleep(ms(1)).await;
        assert_eq!((script.open(), service.waiting()), (1, 3));
        let started = rt.now();
        service.close(CloseMode::Cancel).await;
        service.close(CloseMode::Drain).await;
        assert_eq!(rt.now(), started);
        assert_eq!((script.open(), service.waiting()), (0, 0));
        for call in calls {
            assert!(is_closed(&call.await.unwrap().unwrap_err()));
        }
        assert_eq!(service.limiter().limiter().waiting(), 0);
    });
}

#[test]
fn a_call_that_nobody_polls_does_not_hold_up_who_cancels() {
    TestRuntime::run_seeds(4, |rt| async move {
        let script = Script::new(&rt, [], Act::silence());
        let service = script.service(|service| service);
        let mut call = pin!(service.invoke(question("x")));
        assert!(future::poll_once(call.as_mut()).await.is_none());
        service.close(CloseMode::Cancel).await;
        assert!(is_closed(&call.await.unwrap_err()));
    });
}

#[test]
fn who_drains_does_not_wait_for_calls_that_came_after_reopening() {
    TestRuntime::run_seeds(8, |rt| async move {
        let script = Script::new(&rt, [], Act::answer("yes").after(secs(1)));
        let service = script.service(|service| service);
        let old = rt.spawn(ask(service.clone(), "old"));
        rt.sleep(ms(500)).await;
        let closing = rt.spawn({
            let (service, rt) = (service.clone(), rt.clone());
            async move {
                service.close(CloseMode::Drain).await;
                rt.now()
            }
        });
        rt.sleep(ms(1)).await;
        service.reopen();
        let started = rt.now();
        let young = rt.spawn(ask(service.clone(), "young"));
        assert_eq!(closing.await.unwrap() - started, ms(499));
        old.await.unwrap().unwrap();
        young.await.unwrap().unwrap();
    });
}

#[test]
fn dropping_one_handle_or_one_call_is_nothing_to_the_others() {
    TestRuntime::run_seeds(8, |rt| async move {
        let script = Script::new(&rt, [], Act::answer("yes").after(secs(1)));
        let service = script.service(|service| service.concurrency_limit(1));
        let first = rt.spawn(ask(service.clone(), "first"));
        rt.sleep(ms(1)).await;
        let second = rt.spawn(ask(service.clone(), "second"));
        let third = rt.spawn(ask(service.clone(), "third"));
        rt.sleep(ms(1)).await;
        drop(service);
        drop(second);
        assert_eq!(first.await.unwrap().unwrap(), "yes");
        assert_eq!(third.await.unwrap().unwrap(), "yes");
        assert_eq!(script.sent().len(), 2);
    });
}

#[test]
fn many_calls_and_closings_leave_every_call_counted_once() {
    TestRuntime::run_seeds(32, |rt| async move {
        let script = Script::new(&rt, [], Act::answer("yes").after(ms(7)));
        let service = script.service(|service| {
            let service = service.concurrency_limit(3).limit_requests(40);
            service.capacity_refresh_time(ms(50)).queue_capacity(8)
        });
        let calls: Vec<_> = (0..100)
            .map(|n| {
                let (service, rt) = (service.clone(), rt.clone());
                let clock = rt.clone();
                rt.spawn(async move {
                    clock.sleep(ms(n)).await;
                    let call = ask(service, "x");
                    match n % 3 {
                        0 => fail_after(&clock, ms(n % 11), call).await.ok(),
                        _ => Some(call.await),
                    }
                })
            })
            .collect();
        for n in 0..10 {
            rt.sleep(ms(9)).await;
            service
                .close(match n % 2 {
                    0 => CloseMode::Cancel,
                    _ => CloseMode::Drain,
                })
                .await;
            rt.sleep(ms(1)).await;
            service.reopen();
        }
        let (mut answered, mut failed, mut refused) = (0, 0, 0);
        for call in calls {
            match call.await.unwrap() {
                Some(Ok(_)) => answered += 1,
                Some(Err(error)) if is_closed(&error) && error.attempts() == 0 => refused += 1,
                Some(Err(_)) => failed += 1,
                None => {}
            }
        }
        let stats = service.stats();
        assert_eq!(stats.answered, answered);
        assert!(stats.calls + refused >= 100 - stats.cancelled && stats.failed <= failed + refused);
        let ended = stats.answered + stats.failed + stats.cancelled + stats.deadline;
        assert_eq!(stats.calls, ended, "{stats:?}");
        assert_eq!((script.open(), service.waiting()), (0, 0));
        let seen = service.metrics().snapshot();
        assert_eq!((seen.calls, seen.answered), (stats.calls, stats.answered));
    });
}

#[test]
fn all_of_many_requests_get_their_own_results_in_order() {
    TestRuntime::run_seeds(8, |rt| async move {
        let acts = [
            Act::answer("0").after(ms(30)),
            Act::refusal(400),
            Act::answer("2").after(ms(10)),
            Act::answer("3"),
        ];
        let script = Script::new(&rt, acts, Act::answer("more").after(ms(5)));
        let service = script.service(|service| service.concurrency_limit(2));
        // More than may wait: they are made as there is room.
        let requests = (0..300).map(|n| question(&n.to_string()));
        let results = service.invoke_all(requests).await;
        assert_eq!(results.len(), 300);
        assert_eq!(results[0].as_ref().unwrap().text(), "0");
        assert_eq!(kind(results[1].as_ref().unwrap_err()), "invalid_request");
        assert_eq!(results[2].as_ref().unwrap().text(), "2");
        assert!(results[3..].iter().all(Result::is_ok));
        assert_eq!(script.peak(), 2);
        assert!(service.invoke_all([]).await.is_empty());
    });
}

#[test]
fn dropping_the_wait_for_the_end_harms_no_call_and_can_be_begun_again() {
    let polls = drop_after_every_poll(|rt, cut| async move {
        let script = Script::new(&rt, [], Act::answer("yes").after(secs(1)));
        let service = script.service(|service| service.concurrency_limit(1));
        let calls = [(); 3].map(|()| rt.spawn(ask(service.clone(), "in")));
        rt.sleep(ms(1)).await;
        cut.apply(service.close(CloseMode::Drain)).await;
        service.close(CloseMode::Drain).await;
        assert!(is_closed(&ask(service.clone(), "late").await.unwrap_err()));
        for call in calls {
            assert_eq!(call.await.unwrap().unwrap(), "yes");
        }
        assert_eq!((script.open(), service.waiting()), (0, 0));
        service.reopen();
        assert_eq!(ask(service, "again").await.unwrap(), "yes");
    });
    assert!(polls > 1, "it has waited");
}

#[test]
fn dropping_many_requests_anywhere_leaves_everything_at_rest() {
    drop_after_every_poll(|rt, cut| async move {
        let acts = [
            Act::refusal(500),
            Act::lost(),
            Act::answer("a").after(ms(3)),
        ];
        let script = Script::new(&rt, acts, Act::answer("b").after(ms(2)));
        let breaker = CircuitBreaker::builder(&rt, "x").consecutive_failures(2);
        let breaker = breaker.recovery_time(ms(50)).build().unwrap();
        let service = script.service(|service| {
            service
                .concurrency_limit(2)
                .limit_requests(5)
                .capacity_refresh_time(ms(20))
                .circuit_breaker(breaker.clone())
        });
        let requests = (0..4).map(|n| question(&n.to_string()));
        cut.apply(service.invoke_all(requests)).await;
        assert_eq!((script.open(), service.waiting()), (0, 0));
        assert!(service.waiting_calls().is_empty());
        let stats = service.stats();
        let ended = stats.answered + stats.failed + stats.cancelled;
        assert_eq!(stats.calls, ended, "{stats:?}");
        assert_eq!(service.limiter().limiter().waiting(), 0);
        rt.sleep(ms(70)).await;
        assert_eq!(service.limiter().limiter().available("requests"), Some(5));
        ask(service.clone(), "after").await.unwrap();
        assert!(breaker.try_acquire().is_ok());
        service.close(CloseMode::Drain).await;
    });
}

#[test]
fn each_queued_call_can_say_why_it_waits() {
    TestRuntime::run_seeds(4, |rt| async move {
        let acts = [Act::answer("first").after(secs(5))];
        let script = Script::new(&rt, acts, Act::answer("x"));
        let service = script.service(|service| service.limit_requests(1));
        let started = rt.now();
        let mut first = pin!(service.call(question("first")));
        let mut calls: Vec<_> = (0..3).map(|_| service.call(question("next"))).collect();
        assert_eq!((first.id(), first.waiting()), (None, None));
        assert!(future::poll_once(first.as_mut()).await.is_none());
        assert_eq!(
            (first.id(), first.waiting()),
            (Some(1), None),
            "it is on its way"
        );
        for call in &mut calls {
            assert!(future::poll_once(call).await.is_none());
        }
        let minute = Waiting::Limited {
            quota: "requests",
            until: started + secs(60),
        };
        let whys: Vec<_> = calls.iter().map(|call| call.waiting().unwrap()).collect();
        assert_eq!(
            whys,
            [
                minute.clone(),
                Waiting::Queue { position: 1 },
                Waiting::Queue { position: 2 }
            ]
        );
        let told = service.waiting_calls();
        assert_eq!(
            told.iter().map(|call| call.id).collect::<Vec<_>>(),
            [2, 3, 4]
        );
        assert!(told.iter().all(|call| call.since == started));
        // The first leaves: the others move up.
        drop(calls.remove(0));
        assert_eq!(calls[0].waiting(), Some(minute));
        assert_eq!(calls[1].waiting(), Some(Waiting::Queue { position: 1 }));
        first.await.unwrap();
        join_all(calls).await;
        assert!(service.waiting_calls().is_empty());
    });
}

#[test]
fn waits_for_room_for_a_breaker_for_a_pause_and_between_attempts_have_their_own_reasons() {
    TestRuntime::run_seeds(4, |rt| async move {
        let acts = [
            Act::refusal(500),
            Act::refusal(500),
            Act::answer("back").after(secs(1)),
            Act::answer("second"),
            Act::refusal(429).with_header("retry-after", 9),
        ];
        let script = Script::new(&rt, acts, Act::answer("x"));
        let breaker = CircuitBreaker::builder(&rt, "x").consecutive_failures(2);
        let breaker = breaker.recovery_time(secs(20)).build().unwrap();
        let service =
            script.service(|service| service.concurrency_limit(1).circuit_breaker(breaker));
        let started = rt.now();
        let mut call = pin!(service.call(question("x")));
        assert!(future::poll_once(call.as_mut()).await.is_none());
        let until = started + ms(100);
        assert_eq!(call.waiting(), Some(Waiting::Backoff { until }));
        rt.sleep(ms(100)).await;
        // The second failure opened the breaker; the next attempt waits for it.
        assert!(future::poll_once(call.as_mut()).await.is_none());
        rt.sleep(ms(200)).await;
        assert!(future::poll_once(call.as_mut()).await.is_none());
        let until = started + ms(20_100);
        assert_eq!(call.waiting(), Some(Waiting::BreakerOpen { until }));
        rt.sleep(ms(19_800)).await;
        assert!(future::poll_once(call.as_mut()).await.is_none());
        assert_eq!(call.waiting(), None, "it is on its way, as a probe");
        let mut second = pin!(service.call(question("second")));
        assert!(future::poll_once(second.as_mut()).await.is_none());
        assert_eq!(
            second.waiting(),
            Some(Waiting::Concurrency { in_flight: 1 })
        );
        assert_eq!(call.await.unwrap().text(), "back");
        assert_eq!(second.await.unwrap().text(), "second");
        let paused = rt.now() + secs(9);
        let refused = rt.spawn(ask(service.clone(), "refused"));
        rt.sleep(ms(1)).await;
        let mut third = pin!(service.call(question("third")));
        assert!(future::poll_once(third.as_mut()).await.is_none());
        assert_eq!(third.waiting(), Some(Waiting::Paused { until: paused }));
        third.await.unwrap();
        assert_eq!(rt.now(), paused);
        refused.await.unwrap().unwrap();
    });
}

#[test]
fn a_call_that_cannot_begin_before_its_deadline_fails_at_once_and_says_what_it_would_have_needed() {
    TestRuntime::run_seeds(4, |rt| async move {
        let script = Script::new(&rt, [], Act::answer("x"));
        let service = script.service(|service| service.limit_requests(2));
        for _ in 0..2 {
            ask(service.clone(), "x").await.unwrap();
        }
        let started = rt.now();
        let waiting: Vec<_> = (0..3)
            .map(|_| rt.spawn(ask(service.clone(), "x")))
            .collect();
        rt.sleep(secs(1)).await;
        let error = fail_after(&rt, secs(100), ask(service.clone(), "x")).await;
        let error = error.unwrap().unwrap_err();
        assert_eq!(rt.now() - started, secs(1));
        assert_eq!(
            error.retry_after(),
            Some(secs(119)),
            "in the second minute, as the fourth"
        );
        assert!(matches!(
            error.failure(),
            ModelFailure::Limited(LimitError::Deadline { .. })
        ));
        fail_after(&rt, secs(120), ask(service.clone(), "x"))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(service.stats().deadline, 1);
        for call in waiting {
            call.await.unwrap().unwrap();
        }
    });
}

#[test]
fn services_that_share_a_limiter_stay_within_it_together() {
    TestRuntime::run_seeds(4, |rt| async move {
        let acts = [Act::refusal(429).with_header("retry-after", 30)];
        let script = Script::new(&rt, acts, Act::answer("x"));
        let quota = Quota::new("requests", 4, secs(60)).unwrap();
        let account = SharedLimiter::new("account", RateLimiter::new(&rt, [quota]).unwrap());
        let [one, two] = [0, 1].map(|_| script.service(|service| service.limiter(&account)));
        let started = rt.now();
        let refused = rt.spawn(ask(one.clone(), "x"));
        rt.sleep(ms(1)).await;
        ask(two.clone(), "x").await.unwrap();
        assert_eq!(rt.now() - started, secs(30), "the pause is for both");
        refused.await.unwrap().unwrap();
        let calls: Vec<_> = (0..4)
            .map(|n| rt.spawn(ask([&one, &two][n % 2].clone(), "x")))
            .collect();
        rt.sleep(ms(1)).await;
        let positions = |service: &ModelService| {
            let waits = service.waiting_calls().into_iter();
            waits
                .filter(|wait| matches!(wait.why, Waiting::Queue { .. }))
                .count()
        };
        assert_eq!(
            positions(&one) + positions(&two),
            2,
            "one of three is the next"
        );
        for call in calls {
            call.await.unwrap().unwrap();
        }
        let sent = script.sent();
        for window in sent.windows(5) {
            assert!(window[4].at - window[0].at >= secs(60));
        }
        assert_eq!(one.limiter().name(), "account");
    });
}

#[test]
fn tokens_of_both_kinds_have_their_own_quotas_if_the_limiter_has_them() {
    TestRuntime::run_seeds(4, |rt| async move {
        let script = Script::new(&rt, [], Act::answer("x"));
        let quota = |name, limit| Quota::new(name, limit, secs(60)).unwrap();
        let quotas = [quota("input_tokens", 100), quota("output_tokens", 50)];
        let account = SharedLimiter::new("split", RateLimiter::new(&rt, quotas).unwrap());
        let service = script.service(|service| service.limiter(&account));
        let asked = service.invoke(question("x").with_max_tokens(50)).await;
        assert_eq!(asked.unwrap().text(), "x");
        let available = |quota| account.limiter().available(quota);
        assert_eq!(
            (available("input_tokens"), available("output_tokens")),
            (Some(93), Some(47))
        );
        let long = service.invoke(question("x").with_max_tokens(51)).await;
        match long.unwrap_err().failure() {
            ModelFailure::Limited(LimitError::TooLarge { quota, .. }) => {
                assert_eq!(quota, "output_tokens");
            }
            other => panic!("{other:?}"),
        }
    });
}
