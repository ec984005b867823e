use std::borrow::Borrow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use fascine_rt::Sleep;
use pin_project_lite::pin_project;

use crate::retry::nesting;
use crate::{Attempted, BeforeRetry, Delays, Retry, RetryError, Verdict};

pin_project! {
    /// The future of [`Retryable::retry`](crate::Retryable::retry).
    ///
    /// Whoever succeeds at the first try without waiting pays for no clock, no randomness and no allocation.
    ///
    /// # Errors
    ///
    /// [`RetryError`] with the last error and the reason for giving up.
    ///
    /// # Panics
    ///
    /// When it is polled after it has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the call in progress, or ends the wait; no further call is made.
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Retried<P, C, F, K, H> {
        policy: P,
        call: C,
        classify: K,
        notify: H,
        attempts: u32,
        // Set when the first call has to wait, or has failed: until then no time has passed.
        started: Option<Instant>,
        // On the heap, because few calls need it and all of them are moved.
        delays: Option<Box<Delays>>,
        #[pin]
        step: Step<F>,
    }
}

pin_project! {
    #[project = StepProjection]
    enum Step<F> {
        Calling { #[pin] future: F },
        Ended,
        Next,
        Waiting { timer: Sleep },
    }
}

impl<P, C, F, K, H> Retried<P, C, F, K, H> {
    #[inline]
    pub(super) fn new(policy: P, call: C, classify: K, notify: H) -> Self {
        Self {
            policy,
            call,
            classify,
            notify,
            attempts: 0,
            started: None,
            delays: None,
            step: Step::Next,
        }
    }

    /// Sets after which errors to call again; the others end it.
    pub fn when<T, E>(
        self,
        mut is_transient: impl FnMut(&E) -> bool,
    ) -> Retried<P, C, F, impl FnMut(&E) -> Verdict, H>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.classify(move |error| match is_transient(error) {
            true => Verdict::Retry,
            false => Verdict::Stop,
        })
    }

    /// Sets what each error means; in place of [`when`](Self::when).
    pub fn classify<T, E, K2>(self, classify: K2) -> Retried<P, C, F, K2, H>
    where
        F: Future<Output = Result<T, E>>,
        K2: FnMut(&E) -> Verdict,
    {
        Retried::new(self.policy, self.call, classify, self.notify)
    }

    /// Sets what to do before each wait, with the error that led to it; the policy's own hook is called first.
    pub fn notify<T, E, H2>(self, notify: H2) -> Retried<P, C, F, K, H2>
    where
        F: Future<Output = Result<T, E>>,
        H2: FnMut(&E, &BeforeRetry),
    {
        Retried::new(self.policy, self.call, self.classify, notify)
    }

    /// What [`Future::poll`] does, with all that is known about a success.
    #[inline]
    pub(super) fn poll_attempted<T, E>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Attempted<T>, RetryError<E>>>
    where
        P: Borrow<Retry>,
        C: FnMut() -> F,
        F: Future<Output = Result<T, E>>,
        K: FnMut(&E) -> Verdict,
        H: FnMut(&E, &BeforeRetry),
    {
        let mut this = self.project();
        let policy = (*this.policy).borrow();
        loop {
            let outcome = match this.step.as_mut().project() {
                StepProjection::Next => {
                    if *this.attempts == 0 {
                        policy.began();
                    }
                    *this.attempts = this.attempts.saturating_add(1);
                    let future = (this.call)();
                    this.step.set(Step::Calling { future });
                    continue;
                }
                StepProjection::Calling { future } => match nesting::attempt(|| future.poll(cx)) {
                    Poll::Ready(outcome) => outcome,
                    Poll::Pending => {
                        this.started.get_or_insert_with(|| policy.now());
                        return Poll::Pending;
                    }
                },
                StepProjection::Waiting { timer } => {
                    ready!(Pin::new(timer).poll(cx));
                    this.step.set(Step::Next);
                    continue;
                }
                StepProjection::Ended => panic!("`Retried` was polled after it had ended"),
            };
            this.step.set(Step::Ended);
            let attempts = *this.attempts;
            let error = match outcome {
                Ok(value) => {
                    let elapsed = this.started.map_or(Duration::ZERO, |started| {
                        policy.now().saturating_duration_since(started)
                    });
                    return Poll::Ready(Ok(Attempted {
                        value,
                        attempts,
                        elapsed,
                    }));
                }
                Err(error) => error,
            };
            let now = policy.now();
            let elapsed = now.saturating_duration_since(*this.started.get_or_insert(now));
            let delays = this.delays.get_or_insert_with(|| Box::new(policy.delays()));
            let verdict = (this.classify)(&error);
            let delay = match policy.wait_after(attempts, now, elapsed, verdict, delays) {
                Ok(delay) => delay,
                Err(reason) => {
                    return Poll::Ready(Err(RetryError {
                        error,
                        attempts,
                        elapsed,
                        reason,
                    }));
                }
            };
            let before = BeforeRetry {
                attempts,
                delay,
                elapsed,
            };
            policy.notify(&before);
            (this.notify)(&error, &before);
            drop(error);
            if delay.is_zero() {
                // A call that fails at once must leave the thread to others, and be cancellable.
                this.step.set(Step::Next);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let timer = policy.sleep(delay);
            this.step.set(Step::Waiting { timer });
        }
    }
}

impl<T, E, P, C, F, K, H> Future for Retried<P, C, F, K, H>
where
    P: Borrow<Retry>,
    C: FnMut() -> F,
    F: Future<Output = Result<T, E>>,
    K: FnMut(&E) -> Verdict,
    H: FnMut(&E, &BeforeRetry),
{
    type Output = Result<T, RetryError<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let attempted = ready!(self.poll_attempted(cx));
        Poll::Ready(attempted.map(|attempted| attempted.value))
    }
}

impl<P: fmt::Debug, C, F, K, H> fmt::Debug for Retried<P, C, F, K, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retried")
            .field("policy", &self.policy)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// Every error may pass.
pub(super) fn classify_all<E>(_: &E) -> Verdict {
    Verdict::Retry
}

pub(super) fn silent<E>(_: &E, _: &BeforeRetry) {}
