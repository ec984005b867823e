use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use fascine_concurrency::effective_deadline;
use fascine_rt::Sleep;

use crate::limiter::few::Few;
use crate::limiter::inner::Inner;
use crate::limiter::queue::Place;
use crate::limiter::state::{Turn, Wish};
use crate::{LimitError, Reservation};

/// The future of [`RateLimiter::acquire`](crate::RateLimiter::acquire), and what
/// [`RateLimiter::reserve`](crate::RateLimiter::reserve) gives, which has its place in the queue already.
#[must_use = "futures do nothing unless they are awaited"]
pub struct Acquire {
    limiter: Arc<Inner>,
    stage: Stage,
    priority: u8,
    /// Of the first in the queue alone, and so not part of every waiter.
    timer: Option<Box<(Instant, Sleep)>>,
}

enum Stage {
    Done,
    Granted(Box<Reservation>),
    Queued(Few, Place),
    Refused(Box<LimitError>),
    Start(Few),
}

impl Acquire {
    pub(crate) fn new(limiter: Arc<Inner>, amounts: Result<Few, LimitError>) -> Self {
        Self {
            limiter,
            stage: match amounts {
                Ok(amounts) => Stage::Start(amounts),
                Err(error) => Stage::Refused(Box::new(error)),
            },
            priority: 0,
            timer: None,
        }
    }

    /// Queues before all that have a lower priority, as often as the
    /// [limiter allows](crate::RateLimiterBuilder::with_priority_bound) that they are passed. The default is 0, the
    /// lowest; it has no effect once the future has been polled.
    ///
    /// # Examples
    ///
    /// ```
    /// use fascine_concurrency::join;
    /// use fascine_resilience::{Quota, RateLimiter};
    /// use std::time::Duration;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// let limiter = RateLimiter::new(&rt, [Quota::new("requests", 1, Duration::from_secs(1))?])?;
    /// limiter.try_spend(&[("requests", 1)]).unwrap();
    /// let after = |priority| {
    ///     let acquire = limiter.acquire(&[("requests", 1)]).with_priority(priority);
    ///     let rt = rt.clone();
    ///     async move {
    ///         acquire.await.unwrap().commit();
    ///         rt.now()
    ///     }
    /// };
    /// let (batch, urgent) = join((after(0), after(9))).await;
    /// assert!(urgent < batch);
    /// # Ok::<_, fascine_resilience::QuotaError>(())
    /// # }).unwrap();
    /// ```
    pub fn with_priority(mut self, priority: u8) -> Self {
        self.priority = priority;
        self
    }

    /// Takes a place in the queue now, or what was asked for; whoever polls it later is woken.
    pub(crate) fn enter_now(mut self) -> Result<Self, LimitError> {
        let mut cx = Context::from_waker(Waker::noop());
        match self.enter(&mut cx) {
            Poll::Ready(granted) => self.stage = Stage::Granted(Box::new(granted?)),
            Poll::Pending => {}
        }
        Ok(self)
    }

    /// When it can be granted at the earliest, behind those that are ahead now; the present if it has been, or if that
    /// is not known.
    ///
    /// It comes earlier if somebody gives something back, and later if somebody settles for more than was reserved, a
    /// quota or a pause is changed, or amounts do not fit together without a gap.
    #[must_use]
    pub fn ready_at(&self) -> Instant {
        match &self.stage {
            Stage::Start(amounts) => self.limiter.foresee(amounts, self.priority),
            Stage::Queued(_, place) => self.limiter.foresee_place(*place),
            Stage::Done | Stage::Granted(_) | Stage::Refused(_) => self.limiter.rt.now(),
        }
    }

    fn granted(&mut self, amounts: Few, tickets: Few) -> Reservation {
        self.timer = None;
        Reservation::new(Arc::clone(&self.limiter), amounts, tickets)
    }

    /// Takes a place in the queue, unless there is an answer already.
    fn enter(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reservation, LimitError>> {
        let amounts = match mem::replace(&mut self.stage, Stage::Done) {
            Stage::Start(amounts) => amounts,
            Stage::Refused(error) => return Poll::Ready(Err(*error)),
            Stage::Granted(reservation) => return Poll::Ready(Ok(*reservation)),
            Stage::Done => panic!("`Acquire` polled after it has completed"),
            queued @ Stage::Queued(..) => {
                self.stage = queued;
                return self.look(cx);
            }
        };
        let mut tickets = Few::zeros(amounts.len());
        if !self.limiter.is_crowded() && self.limiter.take(&amounts, &mut tickets) {
            return Poll::Ready(Ok(self.granted(amounts, tickets)));
        }
        let mut waker = Some(cx.waker().clone());
        let wish = Wish {
            amounts: &amounts,
            priority: self.priority,
            deadline: effective_deadline(),
        };
        let mut place = None;
        let turn = self.limiter.change(|state, now, wakers| {
            let (turn, entered) = state.enter(now, &wish, &mut waker, wakers);
            // To be given up even if somebody's waker panics.
            place = entered;
            turn
        });
        if let Some(place) = place {
            self.stage = Stage::Queued(amounts, place);
            return match turn {
                Turn::Behind => Poll::Pending,
                _ => self.look(cx),
            };
        }
        match turn {
            Turn::Granted(tickets) => Poll::Ready(Ok(self.granted(amounts, tickets))),
            Turn::Refused(error) => Poll::Ready(Err(error)),
            Turn::First(_) | Turn::Behind | Turn::NeedsWaker => {
                unreachable!("who has no place is granted or refused")
            }
        }
    }
}

impl Future for Acquire {
    type Output = Result<Reservation, LimitError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.enter(cx)
    }
}

impl Acquire {
    fn look(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reservation, LimitError>> {
        let this = self;
        let mut fresh = None;
        loop {
            let Stage::Queued(amounts, place) = &this.stage else {
                unreachable!("it has entered")
            };
            let wish = Wish {
                amounts,
                priority: this.priority,
                deadline: effective_deadline(),
            };
            let place = *place;
            let turn = this.limiter.change(|state, now, wakers| {
                let waker = (cx.waker(), &mut fresh);
                state.look(now, place, &wish, waker, wakers)
            });
            match turn {
                Turn::Granted(tickets) => {
                    let Stage::Queued(amounts, _) = mem::replace(&mut this.stage, Stage::Done)
                    else {
                        unreachable!("it was just looked at")
                    };
                    return Poll::Ready(Ok(this.granted(amounts, tickets)));
                }
                Turn::Refused(error) => {
                    // One whose time ran out has its place yet.
                    if let LimitError::TooLarge { .. } = error {
                        this.stage = Stage::Done;
                    }
                    this.leave();
                    return Poll::Ready(Err(error));
                }
                Turn::NeedsWaker => fresh = Some(cx.waker().clone()),
                Turn::Behind => {
                    this.timer = None;
                    return Poll::Pending;
                }
                Turn::First(at) => {
                    if this.timer.as_ref().is_none_or(|timer| timer.0 != at) {
                        let timer = this.limiter.rt.sleep_until(at);
                        this.timer = Some(Box::new((at, timer)));
                    }
                    if let Some(timer) = &mut this.timer
                        && Pin::new(&mut timer.1).poll(cx).is_pending()
                    {
                        return Poll::Pending;
                    }
                    // The time has come, on this clock: look again.
                    this.timer = None;
                }
            }
        }
    }

    fn leave(&mut self) {
        // What was granted and not fetched gives itself back.
        let Stage::Queued(amounts, place) = mem::replace(&mut self.stage, Stage::Done) else {
            return;
        };
        let left = self
            .limiter
            .change(|state, now, wakers| state.leave(now, place, &amounts, wakers));
        drop(left);
        self.timer = None;
    }
}

impl Drop for Acquire {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for Acquire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Done => "done",
            Stage::Granted(_) => "granted",
            Stage::Queued(..) => "queued",
            Stage::Refused(_) => "refused",
            Stage::Start(_) => "start",
        };
        f.debug_struct("Acquire")
            .field("stage", &stage)
            .field("priority", &self.priority)
            .finish_non_exhaustive()
    }
}
