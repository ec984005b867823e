use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use fascine::concurrency::{Borrower, CapacityError, CapacityGuard, CapacityLimiter};
use proptest::prelude::*;

use crate::concurrency::wakes::Wakes;

#[derive(Clone, Debug)]
enum Step {
    Acquire(Option<u64>, usize),
    Drop(usize),
    GiveBack(usize),
    Poll(usize),
    Release(u64),
    SetTotal(usize),
    TryAcquire(Option<u64>, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let borrower = prop::option::of(0_u64..4);
    prop_oneof![
        6 => (borrower.clone(), 0_usize..4).prop_map(|(who, weight)| Step::Acquire(who, weight)),
        3 => (borrower, 0_usize..4).prop_map(|(who, weight)| Step::TryAcquire(who, weight)),
        3 => (0_usize..6).prop_map(Step::Drop),
        5 => (0_usize..6).prop_map(Step::GiveBack),
        5 => (0_usize..6).prop_map(Step::Poll),
        2 => (0_u64..4).prop_map(Step::Release),
        3 => (0_usize..6).prop_map(Step::SetTotal),
    ]
}

type Acquire<'a> = Pin<Box<dyn Future<Output = Result<CapacityGuard<'a>, CapacityError>> + 'a>>;

/// A limiter that anybody can see is right: a list of all loans, with who may go on.
#[derive(Debug, Default)]
struct Naive {
    total: usize,
    /// Futures, in order.
    waits: VecDeque<Loan>,
    /// Guards.
    held: Vec<Loan>,
}

#[derive(Clone, Copy, Debug)]
struct Loan {
    borrower: Option<u64>,
    weight: usize,
    granted: bool,
    given_back: bool,
}

impl Naive {
    fn loans(&self) -> impl Iterator<Item = &Loan> {
        self.waits.iter().chain(&self.held)
    }

    fn borrowed(&self) -> usize {
        let held = self.loans().filter(|loan| loan.granted && !loan.given_back);
        held.map(|loan| loan.weight).sum()
    }

    fn waiting(&self) -> usize {
        self.waits.iter().filter(|loan| !loan.granted).count()
    }

    fn settle(&mut self) {
        while let Some(first) = self.waits.iter().position(|loan| !loan.granted)
            && self.borrowed() + self.waits[first].weight <= self.total
        {
            self.waits[first].granted = true;
        }
    }

    fn check(&self, borrower: Option<u64>, weight: usize) -> Result<Loan, CapacityError> {
        let same =
            |loan: &&Loan| borrower.is_some() && loan.borrower == borrower && !loan.given_back;
        if let (Some(loan), Some(number)) = (self.loans().find(same), borrower) {
            let borrower = Borrower::from(number);
            return Err(match loan.granted {
                true => CapacityError::AlreadyHolds { borrower },
                false => CapacityError::AlreadyWaits { borrower },
            });
        }
        if weight > 0 && (self.waiting() > 0 || self.borrowed() + weight > self.total) {
            return Err(CapacityError::Unavailable);
        }
        Ok(Loan {
            borrower,
            weight,
            granted: true,
            given_back: false,
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn it_does_what_a_naive_one_does(
        total in 0_usize..6,
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let limiter = &CapacityLimiter::new(total);
        let mut naive = Naive { total, ..Naive::default() };
        let mut waits: VecDeque<(Acquire<'_>, Arc<Wakes>)> = VecDeque::new();
        let mut guards: Vec<CapacityGuard<'_>> = Vec::new();
        for step in steps {
            match step {
                Step::Acquire(borrower, weight) => {
                    let mut acquire: Acquire<'_> = match borrower.map(Borrower::from) {
                        Some(borrower) => Box::pin(limiter.acquire_many_on_behalf_of(borrower, weight)),
                        None => Box::pin(async move { Ok(limiter.acquire_many(weight).await) }),
                    };
                    let wakes = Wakes::new();
                    match (wakes.poll(&mut acquire), naive.check(borrower, weight)) {
                        (Poll::Ready(Ok(guard)), Ok(loan)) => {
                            guards.push(guard);
                            naive.held.push(loan);
                        }
                        (Poll::Ready(Err(error)), Err(expected)) => prop_assert_eq!(error, expected),
                        (Poll::Pending, Err(CapacityError::Unavailable)) => {
                            waits.push_back((acquire, wakes));
                            let loan = Loan { borrower, weight, granted: false, given_back: false };
                            naive.waits.push_back(loan);
                        }
                        (polled, expected) => prop_assert!(false, "{:?}, not {:?}", polled, expected),
                    }
                }
                Step::TryAcquire(borrower, weight) => {
                    let got = match borrower.map(Borrower::from) {
                        Some(borrower) => limiter.try_acquire_many_on_behalf_of(borrower, weight),
                        None => limiter.try_acquire_many(weight),
                    };
                    match (got, naive.check(borrower, weight)) {
                        (Ok(guard), Ok(loan)) => {
                            guards.push(guard);
                            naive.held.push(loan);
                        }
                        (Err(error), Err(expected)) => prop_assert_eq!(error, expected),
                        (got, expected) => prop_assert!(false, "{:?}, not {:?}", got, expected),
                    }
                }
                Step::Poll(nth) if nth < waits.len() => match waits[nth].1.clone().poll(&mut waits[nth].0) {
                    Poll::Ready(Ok(guard)) => {
                        guards.push(guard);
                        waits.remove(nth);
                        let loan = naive.waits.remove(nth).unwrap();
                        prop_assert!(loan.granted);
                        naive.held.push(loan);
                    }
                    Poll::Ready(Err(error)) => prop_assert!(false, "{:?}", error),
                    Poll::Pending => prop_assert!(!naive.waits[nth].granted),
                },
                Step::Drop(nth) if nth < waits.len() => {
                    waits.remove(nth);
                    naive.waits.remove(nth);
                }
                Step::GiveBack(nth) if nth < guards.len() => {
                    drop(guards.remove(nth));
                    naive.held.remove(nth);
                }
                Step::Release(number) => {
                    let borrower = Borrower::from(number);
                    let held = naive.waits.iter_mut().chain(&mut naive.held);
                    let mut held = held.filter(|loan| loan.granted && !loan.given_back);
                    let expected = match held.find(|loan| loan.borrower == Some(number)) {
                        Some(loan) => {
                            loan.given_back = true;
                            Ok(())
                        }
                        None => Err(CapacityError::HoldsNone { borrower }),
                    };
                    prop_assert_eq!(limiter.release_on_behalf_of(borrower), expected);
                }
                Step::SetTotal(total) => {
                    naive.total = total;
                    limiter.set_total(total);
                }
                Step::Poll(_) | Step::Drop(_) | Step::GiveBack(_) => {}
            }
            naive.settle();
            let statistics = limiter.statistics();
            prop_assert_eq!(statistics.borrowed, naive.borrowed());
            prop_assert_eq!(statistics.waiting, naive.waiting());
            for ((_, wakes), loan) in waits.iter().zip(&naive.waits) {
                prop_assert_eq!(wakes.count(), usize::from(loan.granted));
            }
        }
        drop(waits);
        drop(guards);
        prop_assert_eq!(limiter.borrowed(), 0);
        prop_assert_eq!(limiter.statistics().borrowers, []);
    }
}
