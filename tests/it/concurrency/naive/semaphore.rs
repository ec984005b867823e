use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Poll;

use fascine::concurrency::{AcquireArc, AcquireError, Semaphore, SemaphoreGuardArc};
use proptest::prelude::*;

use crate::concurrency::wakes::Wakes;

#[derive(Clone, Debug)]
enum Step {
    Acquire(usize),
    AddPermits(usize),
    Close,
    Drop(usize),
    Forget(usize),
    GiveBack(usize),
    Poll(usize),
    TryAcquire(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let small = 0_usize..5;
    prop_oneof![
        6 => small.clone().prop_map(Step::Acquire),
        3 => small.clone().prop_map(Step::TryAcquire),
        4 => (0_usize..8).prop_map(Step::Drop),
        6 => (0_usize..8).prop_map(Step::GiveBack),
        6 => (0_usize..8).prop_map(Step::Poll),
        2 => small.prop_map(Step::AddPermits),
        1 => (0_usize..8).prop_map(Step::Forget),
        1 => Just(Step::Close),
    ]
}

/// A semaphore that anybody can see is right.
#[derive(Debug, Default)]
struct Naive {
    available: usize,
    closed: bool,
    /// What each future wants, and whether it may go on.
    futures: VecDeque<(usize, Option<Result<(), AcquireError>>)>,
}

impl Naive {
    fn settle(&mut self) {
        for (wanted, outcome) in self
            .futures
            .iter_mut()
            .filter(|(_, outcome)| outcome.is_none())
        {
            if self.closed {
                *outcome = Some(Err(AcquireError::Closed));
            } else if *wanted <= self.available {
                self.available -= *wanted;
                *outcome = Some(Ok(()));
            } else {
                break;
            }
        }
    }

    fn waiting(&self) -> usize {
        self.futures
            .iter()
            .filter(|(_, outcome)| outcome.is_none())
            .count()
    }

    fn try_acquire(&mut self, wanted: usize) -> Result<(), AcquireError> {
        if self.closed {
            return Err(AcquireError::Closed);
        }
        if wanted > 0 && (self.waiting() > 0 || wanted > self.available) {
            return Err(AcquireError::Unavailable);
        }
        self.available -= wanted;
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn it_does_what_a_naive_one_does(permits in 0_usize..6, steps in prop::collection::vec(step(), 1..60)) {
        let semaphore = Arc::new(Semaphore::new(permits));
        let mut naive = Naive { available: permits, ..Naive::default() };
        let mut futures: VecDeque<(AcquireArc, Arc<Wakes>)> = VecDeque::new();
        let mut guards: Vec<SemaphoreGuardArc> = Vec::new();
        for step in steps {
            match step {
                Step::Acquire(wanted) => {
                    let (mut acquire, wakes) = (semaphore.acquire_many_arc(wanted), Wakes::new());
                    match (wakes.poll(&mut acquire), naive.try_acquire(wanted)) {
                        (Poll::Ready(Ok(guard)), Ok(())) => guards.push(guard),
                        (Poll::Ready(Err(error)), Err(expected)) => prop_assert_eq!(error, expected),
                        (Poll::Pending, Err(AcquireError::Unavailable)) => {
                            futures.push_back((acquire, wakes));
                            naive.futures.push_back((wanted, None));
                        }
                        (polled, expected) => prop_assert!(false, "{:?}, not {:?}", polled, expected),
                    }
                }
                Step::TryAcquire(wanted) => {
                    let got = semaphore.try_acquire_many_arc(wanted);
                    prop_assert_eq!(got.as_ref().map(drop).map_err(|error| *error), naive.try_acquire(wanted));
                    guards.extend(got);
                }
                Step::Drop(nth) if nth < futures.len() => {
                    futures.remove(nth);
                    if let Some((wanted, Some(Ok(())))) = naive.futures.remove(nth) {
                        naive.available += wanted;
                    }
                }
                Step::Poll(nth) if nth < futures.len() => {
                    let (acquire, wakes) = &mut futures[nth];
                    match (wakes.poll(acquire), naive.futures[nth].1) {
                        (Poll::Pending, None) => {}
                        (Poll::Ready(got), Some(expected)) => {
                            prop_assert_eq!(got.as_ref().map(drop).map_err(|error| *error), expected);
                            guards.extend(got);
                            futures.remove(nth);
                            naive.futures.remove(nth);
                        }
                        (polled, expected) => prop_assert!(false, "{:?}, not {:?}", polled, expected),
                    }
                }
                Step::GiveBack(nth) if nth < guards.len() => {
                    let guard = guards.remove(nth);
                    naive.available += guard.permits();
                    drop(guard);
                }
                Step::Forget(nth) if nth < guards.len() => guards.remove(nth).forget(),
                Step::AddPermits(more) => {
                    semaphore.add_permits(more).unwrap();
                    naive.available += more;
                }
                Step::Close => {
                    prop_assert_eq!(semaphore.close(), !naive.closed);
                    naive.closed = true;
                }
                Step::Drop(_) | Step::Poll(_) | Step::GiveBack(_) | Step::Forget(_) => {}
            }
            naive.settle();
            let statistics = semaphore.statistics();
            prop_assert_eq!(statistics.available, naive.available);
            prop_assert_eq!(statistics.waiting, naive.waiting());
            for ((_, wakes), (_, outcome)) in futures.iter().zip(&naive.futures) {
                prop_assert_eq!(wakes.count(), usize::from(outcome.is_some()));
            }
        }
        let held: usize = guards.iter().map(SemaphoreGuardArc::permits).sum();
        drop(futures);
        drop(guards);
        let statistics = semaphore.statistics();
        prop_assert_eq!(statistics.available, statistics.total);
        prop_assert!(held <= statistics.total);
    }
}
