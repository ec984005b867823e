use std::future::{Future, poll_fn};
use std::num::NonZeroU32;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use fascine_rt::{Rt, Sleep};

use crate::RetryBudget;

mod delay;
mod latencies;

use delay::Delay;
pub use delay::{HedgeDelay, PercentileError};

/// Makes a slow call once more, and takes whichever answer comes first.
///
/// It masks slowness, not failure. The first success wins, and every other call has been dropped when it is returned. A
/// call that fails while another one runs is waited out; if all that were begun have failed, the first error is
/// returned and no further call is made: repeating is [`Retry`](crate::Retry)'s.
///
/// More than one call may reach the other side, so it is for calls that may be made twice: you say so with
/// [`Idempotent`]. It costs the other side work, so there is a [`RetryBudget`]: with an overloaded service everything is
/// slow, and hedging everything would finish it off. Clones share the budget and what was learned of latencies.
///
/// # Defaults
///
/// - one more call at most
/// - a budget of 10 % more calls, and 10 in reserve
///
/// # Examples
///
/// ```
/// # use fascine_resilience::{Hedge, HedgeDelay, Idempotent};
/// # use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let hedge = Hedge::new(&rt, HedgeDelay::Fixed(Duration::from_millis(100)));
/// let started = rt.now();
/// let answer = hedge.run(Idempotent(|nth| {
///     let rt = &rt;
///     // The first call hangs for a minute; the second takes 5 ms.
///     async move {
///         rt.sleep(if nth == 0 { Duration::from_secs(60) } else { Duration::from_millis(5) }).await;
///         Ok::<_, ()>(nth)
///     }
/// }));
/// assert_eq!(answer.await.unwrap().value, 1);
/// assert_eq!(rt.now() - started, Duration::from_millis(105));
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Hedge {
    rt: Rt,
    delay: Delay,
    extra: NonZeroU32,
    budget: RetryBudget,
}

/// Marks a call that may be made more than once, at the same time, without doing harm.
#[derive(Clone, Copy, Debug)]
pub struct Idempotent<C>(pub C);

/// An answer, and what it took to get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hedged<T> {
    /// What the fastest call returned.
    pub value: T,
    /// Which call that was, from 0.
    pub winner: u32,
    /// How many calls were begun.
    pub calls: u32,
}

impl Hedge {
    /// Makes a policy that begins another call after a delay.
    #[must_use]
    pub fn new(rt: &Rt, delay: HedgeDelay) -> Self {
        Self {
            rt: rt.clone(),
            delay: Delay::new(delay),
            extra: NonZeroU32::MIN,
            budget: RetryBudget::default(),
        }
    }

    /// Sets how many calls are begun at most beside the first, each a delay after the one before.
    #[must_use]
    pub fn with_extra(mut self, extra: NonZeroU32) -> Self {
        self.extra = extra;
        self
    }

    /// Sets the budget that further calls are taken from, shared with all other policies that lead to the same service.
    #[must_use]
    pub fn with_budget(mut self, budget: RetryBudget) -> Self {
        self.budget = budget;
        self
    }

    /// Makes a call, and another one if it is slow.
    ///
    /// `call` gets the number of the call, from 0.
    ///
    /// # Errors
    ///
    /// The first error, if every call that was begun failed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops all its calls. What it took of the budget is not given back: the calls were made.
    pub async fn run<T, E, F>(&self, call: Idempotent<impl Fn(u32) -> F>) -> Result<Hedged<T>, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let Idempotent(call) = call;
        self.budget.deposit();
        let watch = self.delay.watch(&self.rt);
        let mut first = pin!(Some(call(0)));
        let mut legs = Legs {
            extras: Vec::new(),
            begun: 1,
            error: None,
        };
        let mut timer = Timer::Unset;
        let won = poll_fn(|cx| {
            loop {
                if let Some(ended) = ready_leg(&mut first, &mut legs, cx) {
                    return Poll::Ready(ended);
                }
                ready!(self.poll_timer(&mut timer, &legs, cx));
                let nth = legs.begun;
                legs.begun += 1;
                legs.extras.push((nth, Box::pin(call(nth))));
            }
        });
        let (winner, outcome) = won.await;
        if outcome.is_ok() {
            // If another call won, the first took longer than this: what is learned is never too little.
            watch.record();
        }
        outcome.map(|value| Hedged {
            value,
            winner,
            calls: legs.begun,
        })
    }

    /// Ready when another call is to be begun: it is paid for then.
    fn poll_timer<F>(
        &self,
        timer: &mut Timer,
        legs: &Legs<F, impl Sized>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        loop {
            match timer {
                Timer::Unset if legs.begun > self.extra.get() => *timer = Timer::Never,
                Timer::Unset => match self.delay.now(&self.rt) {
                    Some(Duration::ZERO) => {
                        if self.budget.try_withdraw(self.rt.now()) {
                            return Poll::Ready(());
                        }
                        *timer = Timer::Never;
                    }
                    Some(delay) => *timer = Timer::Set(self.rt.sleep(delay)),
                    None => *timer = Timer::Never,
                },
                Timer::Set(sleep) => {
                    ready!(Pin::new(sleep).poll(cx));
                    if self.budget.try_withdraw(self.rt.now()) {
                        *timer = Timer::Unset;
                        return Poll::Ready(());
                    }
                    *timer = Timer::Never;
                }
                Timer::Never => return Poll::Pending,
            }
        }
    }
}

/// The calls beside the first, which alone is not on the heap.
struct Legs<F, E> {
    extras: Vec<(u32, Pin<Box<F>>)>,
    begun: u32,
    error: Option<(u32, E)>,
}

enum Timer {
    Unset,
    Set(Sleep),
    /// No further call is to be begun.
    Never,
}

/// Polls each call; gives the first success, or the first error when no call is left.
fn ready_leg<T, E, F>(
    first: &mut Pin<&mut Option<F>>,
    legs: &mut Legs<F, E>,
    cx: &mut Context<'_>,
) -> Option<(u32, Result<T, E>)>
where
    F: Future<Output = Result<T, E>>,
{
    if let Some(call) = first.as_mut().as_pin_mut()
        && let Poll::Ready(outcome) = call.poll(cx)
    {
        first.set(None);
        match outcome {
            Ok(value) => {
                legs.extras.clear();
                return Some((0, Ok(value)));
            }
            Err(error) => legs.error = legs.error.take().or(Some((0, error))),
        }
    }
    let mut index = 0;
    while let Some((nth, call)) = legs.extras.get_mut(index) {
        let nth = *nth;
        match call.as_mut().poll(cx) {
            Poll::Pending => index += 1,
            Poll::Ready(Ok(value)) => {
                first.set(None);
                legs.extras.clear();
                return Some((nth, Ok(value)));
            }
            Poll::Ready(Err(error)) => {
                drop(legs.extras.remove(index));
                legs.error = legs.error.take().or(Some((nth, error)));
            }
        }
    }
    let is_over = first.is_none() && legs.extras.is_empty();
    let failed = if is_over { legs.error.take() } else { None };
    failed.map(|(nth, error)| (nth, Err(error)))
}
