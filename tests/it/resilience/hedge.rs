use std::cell::{Cell, RefCell};
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use fascine::concurrency::join_all;
use fascine::http::Net;
use fascine::resilience::{Hedge, HedgeDelay, Idempotent, Retry, RetryBudget, Verdict};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::{block_on, pending};
use proptest::prelude::*;

use crate::durations::ms;
use crate::runtimes::on_every_runtime;

/// Another call every 10 ms, two of them at most.
fn hedge(rt: &Rt) -> Hedge {
    Hedge::new(rt, HedgeDelay::Fixed(ms(10))).with_extra(NonZeroU32::new(2).unwrap())
}

on_every_runtime! {
    the_first_success_wins_and_the_losers_are_gone,
}

async fn the_first_success_wins_and_the_losers_are_gone(rt: Rt, _: Arc<dyn Net>) {
    let held = Arc::new(());
    let call = |nth| {
        let held = Arc::clone(&held);
        async move {
            if nth < 2 {
                pending::<()>().await;
            }
            drop(held);
            Ok::<_, ()>(nth)
        }
    };
    let hedge = Hedge::new(&rt, HedgeDelay::Fixed(ms(1))).with_extra(NonZeroU32::new(2).unwrap());
    let answer = hedge.run(Idempotent(call)).await.unwrap();
    assert_eq!((answer.value, answer.winner, answer.calls), (2, 2, 3));
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn calls_begin_exactly_a_delay_apart_and_no_more_than_may() {
    TestRuntime::run_seeds(64, |rt| async move {
        let (started, begun) = (rt.now(), RefCell::new(Vec::new()));
        let call = |nth| {
            begun.borrow_mut().push(rt.now() - started);
            let rt = &rt;
            async move {
                rt.sleep(ms(100)).await;
                Ok::<_, ()>(nth)
            }
        };
        let answer = hedge(&rt).run(Idempotent(call)).await.unwrap();
        assert_eq!((answer.winner, answer.calls), (0, 3));
        assert_eq!(*begun.borrow(), [ms(0), ms(10), ms(20)]);
        assert_eq!(rt.now() - started, ms(100));
    });
}

#[test]
fn a_call_that_is_fast_enough_is_made_once() {
    TestRuntime::run(|rt| async move {
        let call = |nth| {
            let rt = &rt;
            async move {
                rt.sleep(ms(9)).await;
                Ok::<_, ()>(nth)
            }
        };
        assert_eq!(hedge(&rt).run(Idempotent(call)).await.unwrap().calls, 1);
    });
}

#[test]
fn a_call_that_is_ready_arms_no_timer_and_allocates_nothing() {
    block_on(async {});
    let hedge = hedge(&TestRuntime::new().rt());
    let info = measure(|| {
        block_on(hedge.run(Idempotent(|nth| async move { Ok::<_, ()>(nth) }))).unwrap();
    });
    assert_eq!(info.count_total, 0);
}

#[test]
fn with_no_delay_all_calls_begin_together() {
    TestRuntime::run(|rt| async move {
        let hedge = Hedge::new(&rt, HedgeDelay::Fixed(Duration::ZERO))
            .with_extra(NonZeroU32::new(3).unwrap());
        let started = rt.now();
        let call = |nth| {
            let rt = &rt;
            async move {
                rt.sleep(ms(40 - 10 * u64::from(nth))).await;
                Ok::<_, ()>(nth)
            }
        };
        let answer = hedge.run(Idempotent(call)).await.unwrap();
        assert_eq!((answer.winner, answer.calls), (3, 4));
        assert_eq!(rt.now() - started, ms(10));
    });
}

#[test]
fn a_failure_is_no_answer_while_another_call_runs() {
    TestRuntime::run(|rt| async move {
        let call = |nth| {
            let rt = &rt;
            async move {
                rt.sleep(ms(15)).await;
                if nth == 0 { Err("first") } else { Ok(nth) }
            }
        };
        let answer = hedge(&rt).run(Idempotent(call)).await.unwrap();
        // The first failed at 15 ms, when the second was running; it ended at 25 ms, with a third since 20 ms.
        assert_eq!((answer.winner, answer.calls), (1, 3));
    });
}

#[test]
fn if_all_that_began_failed_the_first_error_is_returned_and_no_more_calls_are_made() {
    TestRuntime::run(|rt| async move {
        let calls = Cell::new(0);
        let call = |nth| {
            calls.set(calls.get() + 1);
            let rt = &rt;
            async move {
                rt.sleep(ms(if nth == 0 { 12 } else { 1 })).await;
                Err::<(), _>(nth)
            }
        };
        // The second began at 10 ms and failed at 11 ms, the first at 12 ms.
        assert_eq!(hedge(&rt).run(Idempotent(call)).await, Err(1));
        assert_eq!(calls.get(), 2);
        let at_once = |_| async { Err::<(), _>("no") };
        assert_eq!(hedge(&rt).run(Idempotent(at_once)).await, Err("no"));
    });
}

fn budget(percent: u8, reserve: u32) -> RetryBudget {
    let budget = RetryBudget::new(f64::from(percent) / 100.0, 0).unwrap();
    budget.with_reserve(reserve)
}

#[test]
fn retries_and_hedges_take_from_one_budget() {
    TestRuntime::run(|rt| async move {
        let budget = budget(0, 2);
        let hedge = Hedge::new(&rt, HedgeDelay::Fixed(ms(10))).with_budget(budget.clone());
        let retry = Retry::new(&rt).with_budget(budget.clone());
        let slow = |_| async {
            rt.sleep(ms(100)).await;
            Ok::<_, ()>(())
        };
        assert_eq!(hedge.run(Idempotent(slow)).await.unwrap().calls, 2);
        assert_eq!(budget.saved(), 1);
        let fails = |_| async { Err::<(), _>(()) };
        let error = retry.run(fails, |()| Verdict::Retry).await.unwrap_err();
        assert_eq!((error.attempts, budget.saved()), (2, 0));
        assert_eq!(hedge.run(Idempotent(slow)).await.unwrap().calls, 1);
    });
}

#[test]
fn an_empty_budget_makes_one_call_of_each() {
    TestRuntime::run(|rt| async move {
        let hedge = hedge(&rt).with_budget(budget(50, 1));
        let slow = |nth| {
            let rt = &rt;
            async move {
                rt.sleep(ms(100)).await;
                Ok::<_, ()>(nth)
            }
        };
        let mut calls = Vec::new();
        for _ in 0..5 {
            calls.push(hedge.run(Idempotent(slow)).await.unwrap().calls);
        }
        // The reserve pays for the first; then two halves make one.
        assert_eq!(calls, [2, 1, 2, 1, 2]);
        let none = hedge.with_budget(budget(100, 0));
        assert_eq!(none.run(Idempotent(slow)).await.unwrap().calls, 1);
    });
}

proptest! {
    #[test]
    fn there_are_never_more_calls_than_the_share_and_the_reserve(
        percent in 0..=120_u8,
        reserve in 0..20_u32,
        slow in prop::collection::vec(any::<bool>(), 1..60),
    ) {
        TestRuntime::run(|rt| async move {
            let hedge = Hedge::new(&rt, HedgeDelay::Fixed(ms(10)))
                .with_budget(budget(percent, reserve));
            let (asked, made) = (slow.len() as u64, Cell::new(0_u64));
            for slow in slow {
                let call = |_| {
                    made.set(made.get() + 1);
                    let rt = &rt;
                    async move {
                        rt.sleep(ms(if slow { 50 } else { 1 })).await;
                        Ok::<_, ()>(())
                    }
                };
                hedge.run(Idempotent(call)).await.unwrap();
            }
            let share = asked * u64::from(percent) / 100;
            assert!(made.get() <= asked + share + u64::from(reserve));
        });
    }
}

#[test]
fn a_percentile_is_learned_and_nothing_is_hedged_before() {
    TestRuntime::run(|rt| async move {
        let hedge = Hedge::new(&rt, HedgeDelay::percentile(90).unwrap());
        let run = async |latency: Duration| {
            let call = |nth: u32| {
                let (rt, hedged) = (&rt, nth > 0);
                async move {
                    rt.sleep(if hedged { ms(1) } else { latency }).await;
                    Ok::<_, ()>(())
                }
            };
            let started = rt.now();
            let answer = hedge.run(Idempotent(call)).await.unwrap();
            (answer.calls, rt.now() - started)
        };
        for _ in 0..20 {
            assert_eq!(run(ms(10)).await, (1, ms(10)));
        }
        // A class is an eighth wide at most.
        let (calls, took) = run(ms(1000)).await;
        assert_eq!(calls, 2);
        assert!(took > ms(11) && took <= ms(11) + ms(10) / 8, "{took:?}");
        // What was learned a minute ago is forgotten.
        rt.sleep(Duration::from_secs(60)).await;
        assert_eq!(run(ms(1000)).await, (1, ms(1000)));
    });
}

#[test]
fn no_percentile_is_outside_of_one_to_ninety_nine() {
    assert!(HedgeDelay::percentile(1).is_ok() && HedgeDelay::percentile(99).is_ok());
    let error = HedgeDelay::percentile(100).unwrap_err();
    assert_eq!(
        error.to_string(),
        "100 is no percentile: it must be from 1 to 99"
    );
    assert!(HedgeDelay::percentile(0).is_err());
}

#[test]
fn a_call_that_panics_takes_the_others_with_it() {
    TestRuntime::run(|rt| async move {
        let held = Arc::new(());
        let task = rt.spawn({
            let (rt, held) = (rt.clone(), Arc::clone(&held));
            async move {
                let call = |nth| {
                    let held = Arc::clone(&held);
                    async move {
                        assert_eq!(nth, 0, "on purpose");
                        pending::<()>().await;
                        drop(held);
                        Ok::<_, ()>(())
                    }
                };
                hedge(&rt).run(Idempotent(call)).await
            }
        });
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(Arc::strong_count(&held), 1);
    });
}

#[test]
fn a_dropped_hedge_drops_all_its_calls() {
    drop_after_every_poll(|rt, cut| async move {
        let held = Rc::new(());
        let call = |nth| {
            let (held, rt) = (Rc::clone(&held), &rt);
            async move {
                rt.sleep(ms(25)).await;
                drop(held);
                if nth < 2 { Err(nth) } else { Ok(nth) }
            }
        };
        cut.apply(hedge(&rt).run(Idempotent(call))).await;
        assert_eq!(Rc::strong_count(&held), 1);
    });
}

#[test]
fn many_at_once_share_one_budget() {
    TestRuntime::run_seeds(64, |rt| async move {
        let hedge = hedge(&rt).with_budget(budget(10, 10));
        let calls = (0..100).map(|_| {
            let (hedge, rt) = (hedge.clone(), &rt);
            async move {
                let call = |_| rt.sleep(ms(100));
                let call = |nth| async move {
                    call(nth).await;
                    Ok::<_, ()>(())
                };
                hedge.run(Idempotent(call)).await.unwrap().calls
            }
        });
        let made: u32 = join_all(calls).await.into_iter().sum();
        assert_eq!(made, 110);
    });
}
