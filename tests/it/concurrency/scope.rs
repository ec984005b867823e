//! Children that borrow, inside the caller's task.

use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;

use fascine::concurrency::{ChildEnded, ScopeSpawner, effective_deadline, fail_after, scope};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future;

use crate::durations::ms;
use crate::runtimes::on_every_runtime;

/// Counts itself while it lives.
struct Living<'a>(&'a AtomicUsize);

impl<'a> Living<'a> {
    fn new(alive: &'a AtomicUsize) -> Self {
        alive.fetch_add(1, SeqCst);
        Self(alive)
    }
}

impl Drop for Living<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

on_every_runtime! {
    children_borrow_and_run_together,
    the_first_failure_drops_the_others_before_it_is_returned,
}

async fn children_borrow_and_run_together(rt: Rt, _: Arc<dyn Net>) {
    let words = ["a", "bc", "def"].map(str::to_owned);
    let total = AtomicUsize::new(0);
    let counted = scope(async |s| {
        for word in &words {
            let (rt, total) = (&rt, &total);
            s.spawn(async move {
                rt.sleep(ms(word.len() as u64)).await;
                total.fetch_add(word.len(), SeqCst);
                Ok::<_, ()>(())
            });
        }
        Ok(words.len())
    });
    assert_eq!(counted.await, Ok(3));
    assert_eq!(total.into_inner(), 6, "it did not wait for its children");
}

async fn the_first_failure_drops_the_others_before_it_is_returned(rt: Rt, _: Arc<dyn Net>) {
    let alive = AtomicUsize::new(0);
    let ended: Result<(), &str> = scope(async |s| {
        let _living = Living::new(&alive);
        for n in 0..5 {
            let (rt, alive) = (&rt, &alive);
            s.spawn(async move {
                let _living = Living::new(alive);
                if n == 3 {
                    rt.sleep(ms(2)).await;
                    return Err::<(), _>("no");
                }
                pending().await
            });
        }
        pending().await
    })
    .await;
    assert_eq!((ended, alive.load(SeqCst)), (Err("no"), 0));
}

#[test]
fn they_overlap() {
    TestRuntime::run_seeds(8, |rt| async move {
        let started = rt.now();
        let sum = scope(async |s| {
            let slow = [30, 10, 20].map(|n| {
                let rt = &rt;
                s.spawn(async move {
                    rt.sleep(ms(n)).await;
                    Ok::<_, ()>(n)
                })
            });
            let mut sum = 0;
            for child in slow {
                sum += child.await.unwrap();
            }
            Ok(sum)
        });
        assert_eq!(sum.await, Ok(60));
        assert_eq!(rt.now() - started, ms(30));
    });
}

#[test]
fn the_bodys_own_failure_drops_the_children() {
    let alive = AtomicUsize::new(0);
    let ended: Result<(), _> = future::block_on(scope(async |s| {
        let living = Living::new(&alive);
        s.spawn(async move {
            let _living = living;
            pending::<Result<(), _>>().await
        });
        future::yield_now().await;
        Err("body")
    }));
    assert_eq!((ended, alive.load(SeqCst)), (Err("body"), 0));
}

#[test]
fn children_spawn_children() {
    fn tree<'env>(
        s: ScopeSpawner<'env, ()>,
        count: &'env AtomicUsize,
        depth: u32,
    ) -> future::Boxed<()>
    where
        'env: 'static,
    {
        Box::pin(async move {
            count.fetch_add(1, SeqCst);
            if depth > 0 {
                for _ in 0..2 {
                    let inner = s.clone();
                    s.spawn(async move {
                        tree(inner, count, depth - 1).await;
                        Ok(())
                    });
                }
            }
        })
    }
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let ended = future::block_on(scope(async |s| {
        tree(s, &COUNT, 9).await;
        Ok::<_, ()>(())
    }));
    assert_eq!(ended, Ok(()));
    assert_eq!(COUNT.load(SeqCst), 1023);
}

#[test]
fn a_panic_drops_the_others_and_goes_on() {
    for in_body in [false, true] {
        let alive = AtomicUsize::new(0);
        let mut scoped = Box::pin(scope(async |s| {
            let _living = Living::new(&alive);
            for n in 0..3 {
                let living = Living::new(&alive);
                s.spawn(async move {
                    let _living = living;
                    assert!(n != 1 || in_body, "boo");
                    pending::<Result<(), ()>>().await
                });
            }
            assert!(!in_body, "boo");
            pending::<Result<(), ()>>().await
        }));
        let caught = catch_unwind(AssertUnwindSafe(|| future::block_on(&mut scoped)));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"boo"));
        assert_eq!(alive.load(SeqCst), 0);
    }
}

#[test]
fn a_handle_outside_says_that_there_will_be_no_output() {
    let kept = Cell::new(None);
    let ended: Result<(), _> = future::block_on(scope(|s| {
        kept.set(Some(s.spawn(async { pending::<Result<u8, _>>().await })));
        async { Err("no") }
    }));
    assert_eq!(ended, Err("no"));
    let handle = kept.take().unwrap();
    assert_eq!(future::block_on(handle), Err(ChildEnded::Cancelled));
}

#[test]
fn a_scope_that_has_ended_takes_no_children() {
    let kept = Cell::new(None);
    let ended = future::block_on(scope(|s: ScopeSpawner<'_, ()>| {
        kept.set(Some(s));
        async { Ok(1) }
    }));
    assert_eq!(ended, Ok(1));
    let late = kept
        .take()
        .unwrap()
        .spawn(async { unreachable!("it began") });
    let late: Result<(), _> = future::block_on(late);
    assert_eq!(late, Err(ChildEnded::Cancelled));
}

#[test]
fn endless_spawning_lets_others_run() {
    TestRuntime::run(|rt| async move {
        fn forever(s: ScopeSpawner<'_, ()>) {
            let inner = s.clone();
            s.spawn(async move {
                forever(inner);
                Ok(())
            });
        }
        let endless = scope(async |s| {
            forever(s);
            pending::<Result<(), ()>>().await
        });
        let breath = async {
            for _ in 0..10 {
                future::yield_now().await;
            }
            rt.now()
        };
        let endless = async {
            let _ = endless.await;
        };
        let breath = async {
            let _ = breath.await;
        };
        future::or(endless, breath).await;
    });
}

#[test]
fn the_scope_around_reaches_the_children() {
    TestRuntime::run(|rt| async move {
        let deadline = rt.now() + ms(5);
        let seen = fail_after(
            &rt,
            ms(5),
            scope(async |s| {
                let child = s.spawn(async { Ok::<_, ()>(effective_deadline()) });
                Ok(child.await.unwrap())
            }),
        );
        assert_eq!(seen.await.unwrap(), Ok(Some(deadline)));
    });
}

#[test]
fn a_wake_of_one_child_polls_no_other() {
    let polls = AtomicUsize::new(0);
    TestRuntime::run(|rt| {
        let polls = &polls;
        async move {
            let ended = scope(async |s| {
                for n in 0..1000 {
                    let mut timer = rt.sleep(ms(n));
                    s.spawn(poll_fn(move |cx| {
                        polls.fetch_add(1, SeqCst);
                        std::pin::Pin::new(&mut timer).poll(cx).map(Ok::<_, ()>)
                    }));
                }
                Ok(())
            });
            assert_eq!(ended.await, Ok(()));
        }
    });
    assert!(polls.load(SeqCst) <= 2000, "{} polls", polls.load(SeqCst));
}

#[test]
fn dropping_it_at_any_poll_drops_every_child() {
    drop_after_every_poll(|rt, cut| async move {
        let alive = AtomicUsize::new(0);
        let scoped = scope(async |s| {
            let _living = Living::new(&alive);
            let children = [3, 1, 2].map(|n| {
                let (rt, alive) = (&rt, &alive);
                let inner = s.clone();
                s.spawn(async move {
                    let _living = Living::new(alive);
                    rt.sleep(ms(n)).await;
                    let grandchild = inner.spawn(async move {
                        let _living = Living::new(alive);
                        rt.sleep(ms(n)).await;
                        Ok::<_, ()>(())
                    });
                    grandchild.await.unwrap();
                    Ok(())
                })
            });
            for child in children {
                child.await.unwrap();
            }
            Ok(())
        });
        cut.apply(scoped).await;
        assert_eq!(alive.load(SeqCst), 0);
    });
}

#[test]
fn it_can_be_sent() {
    fn check<T: Send>(_: &T) {}
    check(&scope(async |s: ScopeSpawner<'_, ()>| {
        s.spawn(poll_fn(|_| Poll::Ready(Ok(()))));
        Ok(())
    }));
}
