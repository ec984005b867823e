use std::cell::RefCell;
use std::error::Error;
use std::future::{Future, pending, ready};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Waker};
use std::time::Duration;

use fascine::concurrency::{Empty, FirstOkError, QuorumError, Race, first_ok, quorum, race};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::{self, BoxedLocal};

use super::probe::{Gate, Probe};

fn n(needed: usize) -> NonZeroUsize {
    NonZeroUsize::new(needed).unwrap()
}

fn boxed<T>(future: impl Future<Output = T> + 'static) -> BoxedLocal<T> {
    Box::pin(future)
}

#[test]
fn the_first_to_end_wins_and_the_losers_are_gone_before() {
    TestRuntime::run(|rt| async move {
        let probe = Probe::default();
        let (rt, started) = (&rt, rt.now());
        let racers = [30, 10, 20].map(|ms| {
            probe.watch(async move {
                rt.sleep(Duration::from_millis(ms)).await;
                ms
            })
        });
        let mut raced = race(racers);
        assert_eq!((&mut raced).await, Ok(10));
        assert_eq!(
            (rt.now() - started, probe.alive.get()),
            (Duration::from_millis(10), 0)
        );
    });
}

#[test]
fn nobody_to_race_is_an_error() {
    let nobody: [future::Ready<()>; 0] = [];
    assert_eq!(future::block_on(race(nobody)), Err(Empty));
    let nobody: [future::Ready<()>; 0] = [];
    assert_eq!(future::block_on(race(nobody).biased()), Err(Empty));
}

#[test]
fn each_of_those_that_are_ready_wins_equally_often() {
    let mut wins = [0_u32; 7];
    for _ in 0..7000 {
        wins[future::block_on(race((0..7).map(ready))).unwrap()] += 1;
    }
    assert!(
        wins.iter().all(|wins| (950..1050).contains(wins)),
        "{wins:?}"
    );
}

#[test]
fn a_caller_with_a_rhythm_of_its_own_is_treated_fairly() {
    // Two races in turn, of which only one is counted: a plain counter would always begin at the same racer.
    let mut wins = [0_u32; 2];
    for _ in 0..1000 {
        wins[future::block_on(race((0..2).map(ready))).unwrap()] += 1;
        let _ = future::block_on(race((0..2).map(ready)));
    }
    assert!(
        wins.iter().all(|wins| (450..550).contains(wins)),
        "{wins:?}"
    );
}

/// Of four racers that wait; the race is made fair or biased first.
fn winner_when_3_1_and_2_were_woken(
    made: impl FnOnce(Race<BoxedLocal<usize>>) -> Race<BoxedLocal<usize>>,
) -> Result<usize, Empty> {
    let gates: Vec<Gate> = (0..4).map(|_| Gate::default()).collect();
    let racers = gates.iter().cloned().enumerate().map(|(index, gate)| {
        boxed(async move {
            gate.await;
            index
        })
    });
    let mut raced = made(race(racers));
    assert_eq!(future::block_on(future::poll_once(&mut raced)), None);
    for index in [3, 1, 2] {
        gates[index].open();
    }
    future::block_on(raced)
}

#[test]
fn the_earliest_wins_a_biased_race_when_several_were_woken() {
    assert_eq!(winner_when_3_1_and_2_were_woken(Race::biased), Ok(1));
}

#[test]
fn the_first_woken_wins_a_fair_race() {
    assert_eq!(winner_when_3_1_and_2_were_woken(|fair| fair), Ok(3));
}

#[test]
fn a_failure_wins_a_race_too() {
    let racers = [
        boxed(pending::<Result<u8, &str>>()),
        boxed(ready(Err("no"))),
    ];
    assert_eq!(future::block_on(race(racers)), Ok(Err("no")));
}

#[test]
fn a_panic_drops_the_losers_and_goes_on() {
    let probe = Probe::default();
    let racers = [
        boxed(probe.watch(pending::<()>())),
        boxed(async { panic!("boo") }),
    ];
    let mut raced = race(racers);
    let caught = catch_unwind(AssertUnwindSafe(|| future::block_on(&mut raced))).unwrap_err();
    assert_eq!(
        (caught.downcast_ref(), probe.alive.get()),
        (Some(&"boo"), 0)
    );
}

#[test]
fn what_was_decided_stays_decided() {
    let mut raced = race([ready(1)]);
    assert_eq!(future::block_on(&mut raced), Ok(1));
    let mut again = raced.biased();
    assert!(catch_unwind(AssertUnwindSafe(|| future::block_on(&mut again))).is_err());
    let mut hopeless = quorum(n(2), [ready(Ok::<_, ()>(1))]);
    assert!(future::block_on(&mut hopeless).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| future::block_on(&mut hopeless))).is_err());
}

#[test]
fn the_first_success_wins_over_earlier_failures() {
    TestRuntime::run(|rt| async move {
        let rt = &rt;
        let probe = Probe::default();
        let attempts = [(1, Err("one")), (3, Ok(3)), (2, Err("two")), (9, Ok(9))];
        let attempts = attempts.map(|(seconds, outcome)| {
            probe.watch(async move {
                rt.sleep(Duration::from_secs(seconds)).await;
                outcome
            })
        });
        let mut first = first_ok(attempts);
        assert_eq!((&mut first).await, Ok(3));
        assert_eq!(probe.alive.get(), 0);
    });
}

#[test]
fn all_failures_come_in_the_order_of_the_input() {
    TestRuntime::run_seeds(64, |rt| async move {
        let rt = &rt;
        let attempts = [3, 1, 2].map(|seconds| async move {
            rt.sleep(Duration::from_secs(seconds)).await;
            Err::<(), _>(std::io::Error::other(seconds.to_string()))
        });
        let error = first_ok(attempts).await.unwrap_err();
        assert_eq!(error.to_string(), "none of 3 futures succeeded");
        assert_eq!(error.source().unwrap().to_string(), "3");
        let errors: Vec<_> = error
            .into_errors()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(errors, ["3", "1", "2"]);
    });
}

#[test]
fn nobody_to_succeed_is_an_error() {
    let nobody: [future::Ready<Result<(), ()>>; 0] = [];
    assert_eq!(future::block_on(first_ok(nobody)), Err(FirstOkError::Empty));
}

#[test]
fn successes_at_once_are_shared_out_unless_it_is_biased() {
    let mut wins = [0_u32; 4];
    for _ in 0..4000 {
        wins[future::block_on(first_ok((0..4).map(|n| ready(Ok::<_, ()>(n))))).unwrap()] += 1;
    }
    assert!(
        wins.iter().all(|wins| (950..1050).contains(wins)),
        "{wins:?}"
    );
    let biased = first_ok([Err(0), Ok(1), Ok(2)].map(ready)).biased();
    assert_eq!(future::block_on(biased), Ok(1));
}

#[test]
fn a_quorum_is_reached_by_the_first_successes() {
    TestRuntime::run(|rt| async move {
        let rt = &rt;
        let probe = Probe::default();
        let votes = [(5, true), (1, false), (3, true), (2, true), (9, true)];
        let votes = votes.map(|(seconds, yes)| {
            probe.watch(async move {
                rt.sleep(Duration::from_secs(seconds)).await;
                yes.then_some(seconds).ok_or(seconds)
            })
        });
        let mut reached = quorum(n(3), votes);
        assert_eq!((&mut reached).await.unwrap(), [(3, 2), (2, 3), (0, 5)]);
        assert_eq!(probe.alive.get(), 0);
    });
}

#[test]
fn a_quorum_fails_as_soon_as_it_is_impossible() {
    TestRuntime::run(|rt| async move {
        let rt = &rt;
        let probe = Probe::default();
        let votes = [(9, true), (2, false), (1, true), (3, false)];
        let votes = votes.map(|(seconds, yes)| {
            probe.watch(async move {
                rt.sleep(Duration::from_secs(seconds)).await;
                yes.then_some(seconds).ok_or(seconds)
            })
        });
        let started = rt.now();
        let mut failed = quorum(n(3), votes);
        let error = (&mut failed).await.unwrap_err();
        assert_eq!(rt.now() - started, Duration::from_secs(3));
        let impossible = QuorumError::Impossible {
            errors: vec![(1, 2), (3, 3)],
            needed: 3,
            succeeded: 1,
        };
        assert_eq!((error, probe.alive.get()), (impossible, 0));
    });
}

#[test]
fn a_quorum_of_more_than_there_are_fails_before_anything_is_polled() {
    let probe = Probe::default();
    let votes = [(); 2].map(|()| probe.watch(ready(Ok::<u8, u8>(1))));
    let mut few = quorum(n(usize::MAX), votes);
    let error = future::block_on(&mut few).unwrap_err();
    let too_few = QuorumError::TooFew {
        futures: 2,
        needed: usize::MAX,
    };
    assert_eq!(
        (error, probe.polls.get(), probe.alive.get()),
        (too_few, 0, 0)
    );
}

#[test]
fn dropping_them_at_any_poll_drops_every_child() {
    drop_after_every_poll(|rt, cut| async move {
        let probe = Probe::default();
        let rt = &rt;
        let tries = |outcomes: [Result<u64, u64>; 4]| {
            outcomes.map(|outcome| {
                probe.watch(async move {
                    let (Ok(ms) | Err(ms)) = outcome;
                    rt.sleep(Duration::from_millis(ms)).await;
                    outcome
                })
            })
        };
        let all = async {
            let _ = race(tries([Ok(4), Ok(3), Ok(5), Ok(6)])).await;
            let _ = first_ok(tries([Err(1), Err(2), Ok(4), Ok(3)])).await;
            let _ = quorum(n(2), tries([Ok(1), Err(2), Ok(3), Err(4)])).await;
        };
        cut.apply(all).await;
        assert_eq!(probe.alive.get(), 0);
    });
}

#[test]
fn racers_may_borrow_and_be_sent() {
    fn assert_send<T: Send>(future: T) -> T {
        future
    }
    let word = String::from("word");
    let raced = assert_send(race([async { word.len() }]));
    assert_eq!(future::block_on(raced), Ok(4));
    let boxed: Vec<future::Boxed<Result<u8, u8>>> = vec![Box::pin(ready(Ok(1)))];
    assert_eq!(future::block_on(assert_send(first_ok(boxed))), Ok(1));
}

#[test]
fn the_rest_of_a_race_is_dropped_in_the_order_of_the_input() {
    struct Tell<'a>(usize, &'a RefCell<Vec<usize>>);
    impl Drop for Tell<'_> {
        fn drop(&mut self) {
            self.1.borrow_mut().push(self.0);
        }
    }
    let dropped = RefCell::new(Vec::new());
    let racers = (0..3).map(|index| {
        let tell = Tell(index, &dropped);
        Box::pin(async move {
            let _tell = tell;
            pending::<()>().await;
        }) as Pin<Box<dyn Future<Output = ()> + '_>>
    });
    let raced = race(racers);
    {
        let mut raced = pin!(raced);
        assert!(
            raced
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
    }
    assert_eq!(*dropped.borrow(), [0, 1, 2]);
}
