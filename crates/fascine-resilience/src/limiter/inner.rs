use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use fascine_concurrency::Wakers;
use fascine_rt::Rt;

use crate::LimitError;
use crate::limiter::credit::{Credit, Packed};
use crate::limiter::few::Few;
use crate::limiter::queue::Place;
use crate::limiter::state::State;
use crate::sync::{Mutex, MutexGuard, lock};

/// What the limiter, its reservations and its waiters share.
///
/// No waker is woken, cloned or dropped while the lock is held.
pub(crate) struct Inner {
    credit: Credit,
    /// Whether somebody waited lately: whoever comes then need not try without a waker first. A guess, and so not part
    /// of the models.
    crowded: AtomicBool,
    state: Mutex<State>,
    names: Box<[String]>,
    pub(crate) rt: Rt,
}

impl Inner {
    pub(crate) fn new(rt: Rt, names: Box<[String]>, state: State) -> Self {
        Self {
            credit: Credit::none(),
            crowded: AtomicBool::new(false),
            state: Mutex::new(state),
            names,
            rt,
        }
    }

    /// For what has nothing to do with what was taken.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Locks the state, with all that has been spent on credit in it, and reads the clock.
    #[inline]
    pub(crate) fn open(&self) -> (MutexGuard<'_, State>, Instant) {
        let left = self.credit.take_back();
        let now = self.rt.now();
        let mut state = lock(&self.state);
        if let Some(left) = left {
            state.take_back(now, left);
        }
        (state, now)
    }

    /// Changes something, and wakes those who gain by it.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut State, Instant, &mut Wakers) -> T,
    ) -> T {
        let mut wakers = Wakers::default();
        let (mut state, now) = self.open();
        let changed = change(&mut state, now, &mut wakers);
        self.crowded.store(state.waiting() > 0, Ordering::Relaxed);
        drop(state);
        wakers.wake();
        changed
    }

    #[inline]
    pub(crate) fn is_crowded(&self) -> bool {
        self.crowded.load(Ordering::Relaxed)
    }

    /// The position of a quota.
    #[inline]
    pub(crate) fn index(&self, quota: &str) -> Option<usize> {
        self.names.iter().position(|name| name == quota)
    }

    /// The amount of each quota, in their order.
    #[inline]
    pub(crate) fn amounts(&self, cost: &[(&str, u64)]) -> Result<Few, LimitError> {
        let mut amounts = Few::zeros(self.names.len());
        for (quota, amount) in cost {
            let Some(index) = self.index(quota) else {
                return Err(unknown(quota));
            };
            amounts[index] = amounts[index].saturating_add(*amount);
        }
        Ok(amounts)
    }

    #[inline]
    pub(crate) fn spend_credit(&self, cost: &[(&str, u64)]) -> bool {
        let mut packed = Packed::ZERO;
        for (quota, amount) in cost {
            let index = self.index(quota);
            match index.and_then(|index| packed.plus(index, *amount)) {
                Some(more) => packed = more,
                None => return false,
            }
        }
        self.credit.spend(packed)
    }

    pub(crate) fn spend(&self, cost: &[(&str, u64)]) -> Result<(), LimitError> {
        let amounts = self.amounts(cost)?;
        let mut tickets = Few::zeros(amounts.len());
        let (mut state, now) = self.open();
        if state.try_take(now, &amounts, &mut tickets) {
            if let Some(credit) = state.lend(now) {
                self.credit.lend(credit);
            }
            return Ok(());
        }
        drop(state);
        self.try_take_again(&amounts, &mut tickets)
    }

    /// Takes all amounts if they fit and nobody waits.
    #[inline]
    pub(crate) fn take(&self, amounts: &Few, tickets: &mut Few) -> bool {
        let (mut state, now) = self.open();
        state.try_take(now, amounts, tickets)
    }

    #[inline]
    pub(crate) fn try_take(&self, amounts: &Few, tickets: &mut Few) -> Result<(), LimitError> {
        match self.take(amounts, tickets) {
            true => Ok(()),
            false => self.try_take_again(amounts, tickets),
        }
    }

    /// When these amounts could be had behind all that wait now.
    pub(crate) fn foresee(&self, amounts: &Few, priority: u8) -> Instant {
        let (mut state, now) = self.open();
        state.foresee(now, amounts, priority)
    }

    /// When whoever has that place is granted what it waits for.
    pub(crate) fn foresee_place(&self, place: Place) -> Instant {
        let (mut state, now) = self.open();
        state.foresee_place(now, place)
    }

    /// Somebody waits whose time has come, or there is a reason to be told.
    #[cold]
    pub(crate) fn try_take_again(
        &self,
        amounts: &Few,
        tickets: &mut Few,
    ) -> Result<(), LimitError> {
        let mut wakers = Wakers::default();
        let (mut state, now) = self.open();
        state.grant_what_is_due(now, &mut wakers, None);
        let taken = match state.try_take(now, amounts, tickets) {
            true => Ok(()),
            false => Err(state.why_not(now, amounts)),
        };
        drop(state);
        wakers.wake();
        taken
    }
}

#[cold]
pub(crate) fn unknown(quota: &str) -> LimitError {
    LimitError::UnknownQuota {
        quota: quota.to_owned(),
    }
}
