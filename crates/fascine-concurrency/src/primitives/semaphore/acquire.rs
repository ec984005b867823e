use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::{AcquireError, Semaphore, SemaphoreGuard, SemaphoreGuardArc};
use crate::primitives::ticket::Ticket;
use crate::primitives::wait_queue::{Closed, MAX_PERMITS};

/// The future of [`Semaphore::acquire`] and [`Semaphore::acquire_many`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Acquire<'a> {
    semaphore: &'a Semaphore,
    permits: usize,
    ticket: Ticket,
}

impl<'a> Acquire<'a> {
    #[inline]
    pub(super) fn new(semaphore: &'a Semaphore, permits: usize) -> Self {
        Self {
            semaphore,
            permits,
            ticket: Ticket::Start,
        }
    }
}

impl<'a> Future for Acquire<'a> {
    type Output = Result<SemaphoreGuard<'a>, AcquireError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self {
            semaphore,
            permits,
            ticket,
        } = &mut *self;
        ready!(poll(semaphore, *permits, ticket, cx))?;
        Poll::Ready(Ok(SemaphoreGuard::new(semaphore, *permits)))
    }
}

impl Drop for Acquire<'_> {
    #[inline]
    fn drop(&mut self) {
        self.ticket.give_up(&self.semaphore.queue, self.permits);
    }
}

/// The future of [`Semaphore::acquire_arc`] and [`Semaphore::acquire_many_arc`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct AcquireArc {
    semaphore: Arc<Semaphore>,
    permits: usize,
    ticket: Ticket,
}

impl AcquireArc {
    pub(super) fn new(semaphore: Arc<Semaphore>, permits: usize) -> Self {
        Self {
            semaphore,
            permits,
            ticket: Ticket::Start,
        }
    }
}

impl Future for AcquireArc {
    type Output = Result<SemaphoreGuardArc, AcquireError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self {
            semaphore,
            permits,
            ticket,
        } = &mut *self;
        ready!(poll(semaphore, *permits, ticket, cx))?;
        let guard = SemaphoreGuardArc::new(Arc::clone(semaphore), *permits);
        Poll::Ready(Ok(guard))
    }
}

impl Drop for AcquireArc {
    fn drop(&mut self) {
        self.ticket.give_up(&self.semaphore.queue, self.permits);
    }
}

#[inline]
fn poll(
    semaphore: &Semaphore,
    wanted: usize,
    ticket: &mut Ticket,
    cx: &Context<'_>,
) -> Poll<Result<(), AcquireError>> {
    if wanted > MAX_PERMITS {
        return Poll::Ready(Err(AcquireError::TooMany { wanted }));
    }
    ticket
        .poll(&semaphore.queue, wanted, cx)
        .map_err(|Closed| AcquireError::Closed)
}
