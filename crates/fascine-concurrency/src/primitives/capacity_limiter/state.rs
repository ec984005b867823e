use std::collections::BTreeMap;
use std::task::Waker;

use super::{Borrower, CapacityError, CapacityStatistics};
use crate::primitives::waiters::{Left, Place, Waiters};
use crate::primitives::wakers::Wakers;

/// What is inside a limiter's mutex: a state machine without locks, which wakes and drops nothing.
///
/// The invariant, between any two calls: the first waiter does not fit. `borrowed` is more than `total` only if `total`
/// was lowered since.
pub(super) struct State {
    total: usize,
    borrowed: usize,
    /// Of the borrowers that are somebody, what each has.
    stakes: BTreeMap<Borrower, Stake>,
    pub(super) waiters: Waiters<Wish, Loan>,
    next_serial: u64,
}

/// What somebody asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    borrower: Option<Borrower>,
    weight: usize,
}

/// What somebody was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Loan {
    borrower: Option<Borrower>,
    weight: usize,
    /// Tells two loans to one borrower apart: the first may have been given back without its guard.
    serial: u64,
}

#[derive(Clone, Copy, Debug)]
enum Stake {
    Holds(Loan),
    Waits,
}

impl State {
    pub(super) const fn new(total: usize) -> Self {
        Self {
            total,
            borrowed: 0,
            stakes: BTreeMap::new(),
            waiters: Waiters::new(),
            next_serial: 0,
        }
    }

    pub(super) fn borrow(&mut self, wish: Wish) -> Result<Loan, CapacityError> {
        if let Some(borrower) = wish.borrower {
            match self.stakes.get(&borrower) {
                Some(Stake::Holds(_)) => return Err(CapacityError::AlreadyHolds { borrower }),
                Some(Stake::Waits) => return Err(CapacityError::AlreadyWaits { borrower }),
                None => {}
            }
        }
        if wish.weight == 0 || (self.waiters.is_empty() && self.fits(wish.weight)) {
            Ok(self.lend(wish))
        } else {
            Err(CapacityError::Unavailable)
        }
    }

    pub(super) fn join(&mut self, wish: Wish, waker: Waker) -> Place {
        if let Some(borrower) = wish.borrower {
            self.stakes.insert(borrower, Stake::Waits);
        }
        self.waiters.join(wish, waker)
    }

    pub(super) fn leave(&mut self, place: Place, wakers: &mut Wakers) -> Left<Wish, Loan> {
        let left = self.waiters.leave(place);
        match &left {
            Left::Granted(loan) => self.give_back(*loan, wakers),
            Left::Waiting(wish, _) => {
                if let Some(borrower) = wish.borrower {
                    self.stakes.remove(&borrower);
                }
                // Whoever stood behind it may want less.
                self.hand_over(wakers);
            }
        }
        left
    }

    /// Takes a loan back, unless that was done already.
    pub(super) fn give_back(&mut self, loan: Loan, wakers: &mut Wakers) {
        if let Some(borrower) = loan.borrower {
            match self.stakes.get(&borrower) {
                Some(Stake::Holds(held)) if *held == loan => self.stakes.remove(&borrower),
                _ => return,
            };
        }
        self.borrowed -= loan.weight;
        self.hand_over(wakers);
    }

    pub(super) fn give_back_for(
        &mut self,
        borrower: Borrower,
        wakers: &mut Wakers,
    ) -> Result<(), CapacityError> {
        match self.stakes.get(&borrower) {
            Some(Stake::Holds(loan)) => {
                self.give_back(*loan, wakers);
                Ok(())
            }
            Some(Stake::Waits) | None => Err(CapacityError::HoldsNone { borrower }),
        }
    }

    pub(super) fn set_total(&mut self, total: usize, wakers: &mut Wakers) {
        self.total = total;
        self.hand_over(wakers);
    }

    pub(super) fn total(&self) -> usize {
        self.total
    }

    pub(super) fn borrowed(&self) -> usize {
        self.borrowed
    }

    pub(super) fn statistics(&self) -> CapacityStatistics {
        let holders = self.stakes.iter();
        CapacityStatistics {
            total: self.total,
            borrowed: self.borrowed,
            waiting: self.waiters.len(),
            borrowers: holders
                .filter(|(_, stake)| matches!(stake, Stake::Holds(_)))
                .map(|(borrower, _)| *borrower)
                .collect(),
        }
    }

    fn hand_over(&mut self, wakers: &mut Wakers) {
        while let Some(&wish) = self.waiters.first()
            && self.fits(wish.weight)
        {
            let loan = self.lend(wish);
            if let Ok((_, waker)) = self.waiters.grant_first(loan) {
                wakers.push(waker);
            }
        }
    }

    fn fits(&self, weight: usize) -> bool {
        let sum = self.borrowed.checked_add(weight);
        sum.is_some_and(|sum| sum <= self.total)
    }

    fn lend(&mut self, wish: Wish) -> Loan {
        let loan = Loan {
            borrower: wish.borrower,
            weight: wish.weight,
            serial: self.next_serial,
        };
        self.next_serial += 1;
        self.borrowed += wish.weight;
        if let Some(borrower) = wish.borrower {
            self.stakes.insert(borrower, Stake::Holds(loan));
        }
        loan
    }
}

impl Wish {
    pub(super) const fn of(borrower: Borrower, weight: usize) -> Self {
        Self {
            borrower: Some(borrower),
            weight,
        }
    }

    pub(super) const fn of_nobody(weight: usize) -> Self {
        Self {
            borrower: None,
            weight,
        }
    }
}

impl Loan {
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    pub(super) fn borrower(&self) -> Option<Borrower> {
        self.borrower
    }
}
