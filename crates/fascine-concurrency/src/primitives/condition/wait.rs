use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::Condition;
use crate::primitives::lock::{Lock, LockGuard, LockGuardArc};
use crate::primitives::waiters::{Left, Place, poll_place};
use crate::raw::{Claim, Claiming, Handle};
use crate::sync::lock;

/// The future of [`Condition::wait`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct ConditionWait<'a, 'l, T: ?Sized>(Wait<'a, T, &'l Lock<T>>);

impl<'a, 'l, T: ?Sized> ConditionWait<'a, 'l, T> {
    pub(super) fn new(condition: &'a Condition, guard: LockGuard<'l, T>) -> Self {
        Self(Wait::new(condition, guard.0))
    }
}

impl<'l, T: ?Sized> Future for ConditionWait<'_, 'l, T> {
    type Output = LockGuard<'l, T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx).map(LockGuard)
    }
}

/// The future of [`Condition::wait_arc`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct ConditionWaitArc<'a, T: ?Sized>(Wait<'a, T, Arc<Lock<T>>>);

impl<'a, T: ?Sized> ConditionWaitArc<'a, T> {
    pub(super) fn new(condition: &'a Condition, guard: LockGuardArc<T>) -> Self {
        Self(Wait::new(condition, guard.0))
    }
}

impl<T: ?Sized> Future for ConditionWaitArc<'_, T> {
    type Output = LockGuardArc<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx).map(LockGuardArc)
    }
}

/// What both of them do.
struct Wait<'a, T: ?Sized, H: Handle<T>> {
    condition: &'a Condition,
    stage: Stage<T, H>,
}

enum Stage<T: ?Sized, H: Handle<T>> {
    Ended,
    Holds(Claim<T, H>),
    /// It was notified.
    Locks(Claiming<T, H>),
    Waits(H, Place),
}

impl<'a, T: ?Sized, H: Handle<T>> Wait<'a, T, H> {
    fn new(condition: &'a Condition, claim: Claim<T, H>) -> Self {
        Self {
            condition,
            stage: Stage::Holds(claim),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Claim<T, H>> {
        let waiters = &self.condition.waiters;
        loop {
            match &mut self.stage {
                Stage::Holds(claim) => {
                    let handle = claim.handle().clone();
                    let waker = cx.waker().clone();
                    let place = lock(waiters).join((), waker);
                    // Unlocks, after it has joined; this wakes whoever waits for the lock.
                    self.stage = Stage::Waits(handle, place);
                    return Poll::Pending;
                }
                Stage::Waits(handle, place) => {
                    ready!(poll_place(waiters, |waiters| waiters, *place, cx));
                    self.stage = Stage::Locks(Claiming::new(handle.clone()));
                }
                Stage::Locks(claiming) => {
                    let claim = ready!(Pin::new(claiming).poll(cx));
                    self.stage = Stage::Ended;
                    return Poll::Ready(claim);
                }
                Stage::Ended => panic!("`Condition::wait` was polled after it had ended"),
            }
        }
    }
}

impl<T: ?Sized, H: Handle<T>> Drop for Wait<'_, T, H> {
    fn drop(&mut self) {
        let was_notified = match self.stage {
            Stage::Waits(_, place) => {
                // The waker goes after the lock.
                let left = lock(&self.condition.waiters).leave(place);
                matches!(left, Left::Granted(()))
            }
            Stage::Locks(_) => true,
            Stage::Ended | Stage::Holds(_) => false,
        };
        if was_notified {
            self.condition.notify(1);
        }
    }
}

impl<T: ?Sized, H: Handle<T>> fmt::Debug for Wait<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.stage {
            Stage::Ended => "ended",
            Stage::Holds(_) => "holds the lock",
            Stage::Locks(_) => "was notified",
            Stage::Waits(..) => "waits",
        })
    }
}
