use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use fascine_concurrency::effective_deadline;
use fascine_rt::Sleep;

use crate::rate_limiter::{Inner, Waiter};
use crate::{LimitError, Reservation};

/// The future of [`RateLimiter::acquire`](crate::RateLimiter::acquire).
#[must_use = "futures do nothing unless they are awaited"]
pub struct Acquire {
    limiter: Arc<Inner>,
    amounts: Result<Vec<u64>, LimitError>,
    place: Option<u64>,
    /// Of the first in the queue alone.
    timer: Option<(Instant, Sleep)>,
}

impl Acquire {
    pub(crate) fn new(limiter: Arc<Inner>, amounts: Result<Vec<u64>, LimitError>) -> Self {
        Self {
            limiter,
            amounts,
            place: None,
            timer: None,
        }
    }
}

impl Future for Acquire {
    type Output = Result<Reservation, LimitError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let amounts = match &this.amounts {
            Ok(amounts) => amounts,
            Err(error) => return Poll::Ready(Err(error.clone())),
        };
        loop {
            let now = this.limiter.rt.now();
            let mut state = this.limiter.lock();
            let first = match this.place {
                Some(place) => state
                    .queue
                    .first_key_value()
                    .is_none_or(|(id, _)| *id == place),
                None => state.queue.is_empty(),
            };
            let ready_at = if first {
                state.ready_at(now, amounts)
            } else {
                now
            };
            if first && ready_at <= now {
                let taken = state.take(now, amounts);
                let left = this
                    .place
                    .take()
                    .and_then(|place| state.queue.remove(&place));
                let next = state.first_waker();
                drop(state);
                drop(left);
                if let Some(next) = next {
                    next.wake();
                }
                return Poll::Ready(Ok(Reservation::new(Arc::clone(&this.limiter), taken)));
            }
            if let Some(place) = this.place {
                let replaced = state
                    .queue
                    .get_mut(&place)
                    .and_then(|waiter| match &waiter.waker {
                        Some(waker) if waker.will_wake(cx.waker()) => None,
                        _ => waiter.waker.replace(cx.waker().clone()),
                    });
                drop(state);
                drop(replaced);
            } else {
                let at = state.foresee(now, amounts);
                let capacity = this.limiter.capacity;
                if effective_deadline().is_some_and(|deadline| at >= deadline) {
                    let wait = at.saturating_duration_since(now);
                    return Poll::Ready(Err(LimitError::Deadline { wait }));
                }
                if state.queue.len() >= capacity {
                    return Poll::Ready(Err(LimitError::QueueFull { capacity }));
                }
                let place = state.next_waiter;
                state.next_waiter += 1;
                let waker = Some(cx.waker().clone());
                state.queue.insert(
                    place,
                    Waiter {
                        amounts: amounts.clone(),
                        waker,
                    },
                );
                this.place = Some(place);
            }
            if !first {
                return Poll::Pending;
            }
            if this.timer.as_ref().is_none_or(|(at, _)| *at != ready_at) {
                this.timer = Some((ready_at, this.limiter.rt.sleep_until(ready_at)));
            }
            if let Some((_, timer)) = &mut this.timer
                && Pin::new(timer).poll(cx).is_pending()
            {
                return Poll::Pending;
            }
            // The time has come, on this clock: look again.
            this.timer = None;
        }
    }
}

impl Drop for Acquire {
    fn drop(&mut self) {
        let Some(place) = self.place else { return };
        let mut state = self.limiter.lock();
        let left = state.queue.remove(&place);
        let next = state.first_waker();
        drop(state);
        drop(left);
        // If this was the first, the next one has to take over its timer; if not, the first looks again in vain.
        if let Some(next) = next {
            next.wake();
        }
    }
}

impl fmt::Debug for Acquire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquire")
            .field("amounts", &self.amounts)
            .finish_non_exhaustive()
    }
}
