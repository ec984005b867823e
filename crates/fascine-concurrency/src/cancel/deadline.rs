use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use fascine_rt::Rt;
use pin_project_lite::pin_project;

use crate::cancel::place::{Limit, Place};
use crate::cancel::reason::Abandoned;
use crate::cancel::scoped::{Parent, Scoped};

/// Runs a future for `duration` at most, counted from its first poll; `Duration::MAX` sets no limit.
///
/// The deadline is ambient while the future runs: see [`effective_deadline`](crate::effective_deadline). A nearer
/// deadline further out wins, and is then not reported by this one. A future that ends in the poll in which its time
/// runs out has ended in time; one that never has to wait ends in time whatever the limit. Shields inside are waited
/// for.
///
/// The clock is read when the deadline is first needed, and a timer is armed when the future first has to wait, unless
/// a nearer deadline further out makes it needless: a future that is ready at once costs neither.
///
/// Use [`CancelScope`](crate::CancelScope) for a deadline that moves, or to cancel from elsewhere.
///
/// # Errors
///
/// [`Elapsed`] when the time ran out; the future has been dropped by then.
///
/// # Cancel safety
///
/// Dropping it drops the future.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::fail_after;
/// # use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let answer = fail_after(&rt, Duration::from_secs(1), async { 42 }).await;
/// assert_eq!(answer, Ok(42));
/// # });
/// ```
pub fn fail_after<F: Future>(rt: &Rt, duration: Duration, future: F) -> FailAfter<F> {
    FailAfter::new(rt, Limit::After(duration), false, future)
}

/// Runs a future until `deadline` at most; the same as [`fail_after`] otherwise.
///
/// # Errors
///
/// [`Elapsed`] when the deadline passed; the future has been dropped by then.
///
/// # Cancel safety
///
/// Dropping it drops the future.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::fail_at;
/// # use std::{future::pending, time::Duration};
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let deadline = rt.now() + Duration::from_secs(1);
/// assert!(fail_at(&rt, deadline, pending::<()>()).await.is_err());
/// assert_eq!(rt.now(), deadline);
/// # });
/// ```
pub fn fail_at<F: Future>(rt: &Rt, deadline: Instant, future: F) -> FailAfter<F> {
    FailAfter::new(rt, Limit::At(deadline), false, future)
}

/// Runs a future that no cancelling from further out may cut, for `duration` at most: clean-up that has to be done,
/// but not for ever.
///
/// The same as [`fail_after`] around a future, inside a [`shield`](crate::shield).
///
/// # Errors
///
/// [`Elapsed`] when the time ran out; the future has been dropped by then.
///
/// # Cancel safety
///
/// Dropping it drops the future: a shield holds off scopes, not its owner.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::{move_on_after, shield_for};
/// # use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let started = rt.now();
/// let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));
/// move_on_after(&rt, second, async {
///     let saved = shield_for(&rt, 10 * second, rt.sleep(5 * second)).await;
///     assert!(saved.is_ok(), "it had its ten seconds");
///     rt.sleep(minute).await;
/// })
/// .await;
/// assert_eq!(rt.now() - started, 5 * second);
/// # });
/// ```
pub fn shield_for<F: Future>(rt: &Rt, duration: Duration, future: F) -> FailAfter<F> {
    FailAfter::new(rt, Limit::After(duration), true, future)
}

/// Runs a future for `duration` at most and goes on without its output then; the same as [`fail_after`] otherwise.
///
/// The output is `None` if the time ran out.
///
/// # Cancel safety
///
/// Dropping it drops the future.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::move_on_after;
/// # use std::{future::pending, time::Duration};
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// assert_eq!(move_on_after(&rt, Duration::from_secs(1), async { 1 }).await, Some(1));
/// assert_eq!(move_on_after(&rt, Duration::from_secs(1), pending::<u8>()).await, None);
/// # });
/// ```
pub fn move_on_after<F: Future>(rt: &Rt, duration: Duration, future: F) -> MoveOn<F> {
    MoveOn {
        inner: fail_after(rt, duration, future),
    }
}

/// Runs a future until `deadline` at most and goes on without its output then; the same as [`fail_at`] otherwise.
///
/// # Cancel safety
///
/// Dropping it drops the future.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::move_on_at;
/// # use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let deadline = rt.now() + Duration::from_secs(2);
/// // Both have to be done by the same time.
/// assert!(move_on_at(&rt, deadline, rt.sleep(Duration::from_secs(1))).await.is_some());
/// assert!(move_on_at(&rt, deadline, rt.sleep(Duration::from_secs(3))).await.is_none());
/// # });
/// ```
pub fn move_on_at<F: Future>(rt: &Rt, deadline: Instant, future: F) -> MoveOn<F> {
    MoveOn {
        inner: fail_at(rt, deadline, future),
    }
}

/// The time of a [`fail_after`], [`fail_at`] or [`shield_for`] ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the deadline passed{}", Abandoned(*.abandoned))]
pub struct Elapsed {
    abandoned: usize,
}

impl Elapsed {
    /// How much blocking work goes on, on its threads, although nobody waits for it any more: see
    /// [`run_sync`](crate::run_sync).
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::{fail_after, run_sync};
    /// # use std::{sync::mpsc, time::Duration};
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let (release, held) = mpsc::channel::<()>();
    /// let slow = run_sync(&rt, move || held.recv());
    /// let elapsed = fail_after(&rt, Duration::from_millis(5), slow).await.unwrap_err();
    /// assert_eq!(elapsed.abandoned(), 1);
    /// drop(release); // The work ends now, and nobody hears of it.
    /// # });
    /// ```
    #[must_use]
    pub fn abandoned(&self) -> usize {
        self.abandoned
    }
}

pin_project! {
    /// The future of [`fail_after`], [`fail_at`] and [`shield_for`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct FailAfter<F> {
        #[pin]
        scoped: Scoped<F>,
        // `None` once it is needed elsewhere.
        rt: Option<Rt>,
        limit: Limit,
        is_shield: bool,
    }
}

impl<F> FailAfter<F> {
    fn new(rt: &Rt, limit: Limit, is_shield: bool, future: F) -> Self {
        Self {
            scoped: Scoped::new(future),
            rt: Some(rt.clone()),
            limit,
            is_shield,
        }
    }
}

impl<F: Future> Future for FailAfter<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let fresh = || Place::new(this.rt.take(), *this.limit, *this.is_shield);
        let polled = this.scoped.as_mut().poll(cx, Parent::Ambient, fresh);
        // Only its deadline can end it: it has no handle and nothing to clean up.
        polled.map_err(|_| Elapsed {
            abandoned: this.scoped.node().map_or(0, |node| node.abandoned()),
        })
    }
}

pin_project! {
    /// The future of [`move_on_after`] and [`move_on_at`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct MoveOn<F> {
        #[pin]
        inner: FailAfter<F>,
    }
}

impl<F: Future> Future for MoveOn<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().inner.poll(cx).map(Result::ok)
    }
}
