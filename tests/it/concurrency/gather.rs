use std::future::{pending, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use fascine::concurrency::gather;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::{self, yield_now};

use super::probe::{Gate, Probe};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_gathering_can_be_a_task,
    outputs_come_in_the_order_of_the_input,
}

async fn a_gathering_can_be_a_task(rt: fascine::rt::Rt, _: Arc<dyn fascine::http::Net>) {
    let children = (0..50_u64).map(|n| {
        let rt = rt.clone();
        async move { rt.spawn(async move { n }).await }
    });
    let task = rt.spawn(gather(children.collect::<Vec<_>>()));
    assert_eq!(task.await.unwrap().unwrap(), (0..50).collect::<Vec<_>>());
}

async fn outputs_come_in_the_order_of_the_input(
    rt: fascine::rt::Rt,
    _: Arc<dyn fascine::http::Net>,
) {
    let outputs = gather([3_u64, 1, 2].map(|n| {
        let rt = &rt;
        async move {
            rt.sleep(Duration::from_millis(n)).await;
            Ok::<_, ()>(n)
        }
    }));
    assert_eq!(outputs.await, Ok(vec![3, 1, 2]));
}

#[test]
fn nothing_gathers_to_nothing() {
    let nothing: [future::Ready<Result<(), ()>>; 0] = [];
    assert_eq!(future::block_on(gather(nothing)), Ok(vec![]));
}

#[test]
fn the_first_failure_drops_the_others_before_it_is_returned() {
    let probe = Probe::default();
    let mut futures: Vec<_> = (0..5)
        .map(|_| probe.watch(Box::pin(pending()) as future::BoxedLocal<Result<(), &str>>))
        .collect();
    futures.push(probe.watch(Box::pin(ready(Err("no")))));
    let mut gathered = pin!(gather(futures));
    let outcome = future::block_on(&mut gathered);
    assert_eq!((outcome, probe.alive.get()), (Err("no"), 0));
}

#[test]
fn a_panic_drops_the_others_and_goes_on() {
    let probe = Probe::default();
    let calm = probe.watch(Box::pin(pending()) as future::BoxedLocal<Result<(), ()>>);
    let boo = async { if true { panic!("boo") } else { Ok(()) } };
    let panics = probe.watch(Box::pin(boo) as future::BoxedLocal<_>);
    let mut gathered = gather([calm, panics]);
    let caught = catch_unwind(AssertUnwindSafe(|| future::block_on(&mut gathered))).unwrap_err();
    assert_eq!(caught.downcast_ref(), Some(&"boo"));
    assert_eq!(probe.alive.get(), 0);
}

#[test]
fn two_thousand_children_woken_one_by_one_are_polled_twice_each() {
    const COUNT: usize = 2000;
    let probe = Probe::default();
    let gates: Vec<Gate> = (0..COUNT).map(|_| Gate::default()).collect();
    let children = gates.iter().map(|gate| {
        let gate = gate.clone();
        probe.watch(async move {
            gate.await;
            Ok::<_, ()>(())
        })
    });
    TestRuntime::run(|_| async {
        let opening = async {
            for gate in &gates {
                gate.open();
                yield_now().await;
            }
        };
        let (outputs, ()) = future::zip(gather(children), opening).await;
        assert_eq!(outputs.unwrap().len(), COUNT);
    });
    // Once at the beginning, and once when it was woken.
    assert_eq!(probe.polls.get(), 2 * COUNT);
}

#[test]
fn a_child_that_wakes_itself_for_ever_lets_the_caller_breathe() {
    let restless = poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::<Result<(), ()>>::Pending
    });
    TestRuntime::run(|rt| async move {
        let mut gathered = gather([restless]);
        let breath = async {
            for _ in 0..10 {
                yield_now().await;
            }
            rt.now()
        };
        future::or(
            async {
                let _ = (&mut gathered).await;
            },
            async {
                breath.await;
            },
        )
        .await;
    });
}

#[test]
fn children_may_borrow_from_the_caller() {
    let words = ["a", "bc", "def"].map(str::to_owned);
    let lengths = gather(words.iter().map(|word| async { Ok::<_, ()>(word.len()) }));
    assert_eq!(future::block_on(lengths), Ok(vec![1, 2, 3]));
}

#[test]
fn dropping_it_at_any_poll_drops_every_child() {
    drop_after_every_poll(|rt, cut| async move {
        let probe = Probe::default();
        let children = (1..5_u64).map(|n| {
            let rt = rt.clone();
            probe.watch(async move {
                rt.sleep(Duration::from_millis(n)).await;
                Ok::<_, ()>(())
            })
        });
        cut.apply(gather(children)).await;
        assert_eq!(probe.alive.get(), 0);
    });
}

#[test]
fn polling_it_after_its_end_says_so() {
    let mut gathered = gather([ready(Ok::<_, ()>(1))]);
    assert!(future::block_on(&mut gathered).is_ok());
    let again = catch_unwind(AssertUnwindSafe(|| future::block_on(&mut gathered)));
    let panic = again.unwrap_err();
    let message = panic.downcast_ref::<String>().map(String::as_str);
    assert_eq!(message, Some("a future was polled after it had ended"));
}

#[test]
fn a_panic_while_the_others_are_dropped_after_a_panic_aborts_nothing() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    let probe = Probe::default();
    let boxed = |future| Box::pin(future) as future::BoxedLocal<Result<(), ()>>;
    let bomb = Bomb;
    let children = [
        boxed(Box::pin(async move {
            let _bomb = bomb;
            pending().await
        }) as future::BoxedLocal<_>),
        boxed(Box::pin(probe.watch(pending()))),
        boxed(Box::pin(async {
            if true { panic!("polled") } else { Ok(()) }
        })),
    ];
    let mut gathered = gather(children);
    let caught = catch_unwind(AssertUnwindSafe(|| future::block_on(&mut gathered))).unwrap_err();
    assert_eq!(caught.downcast_ref(), Some(&"dropped"));
    assert_eq!(
        probe.alive.get(),
        0,
        "a sibling of the one that panicked is left"
    );
}

#[test]
fn it_is_as_sendable_as_its_children() {
    fn assert_send<T: Send>(_: &T) {}
    let boxed: Vec<future::Boxed<Result<u8, std::io::Error>>> = vec![Box::pin(ready(Ok(1)))];
    let gathered = gather(boxed);
    assert_send(&gathered);
    let word = String::from("borrowed");
    let task = async {
        let lengths = gather([&word, &word].map(|word| async move { Ok::<_, ()>(word.len()) }));
        lengths.await
    };
    assert_send(&task);
    assert_eq!(future::block_on(task), Ok(vec![8, 8]));
    assert_eq!(future::block_on(gathered).unwrap(), [1]);
}

#[test]
fn sixty_four_orders_give_one_result() {
    TestRuntime::run_seeds(64, |rt| async move {
        let children = (0..6_u64).map(|n| {
            let (rt, other) = (rt.clone(), rt.clone());
            async move {
                let task = rt.spawn(async move { other.sleep(Duration::from_millis(n % 3)).await });
                task.await.map(|()| n)
            }
        });
        assert_eq!(gather(children).await.unwrap(), [0, 1, 2, 3, 4, 5]);
    });
}
