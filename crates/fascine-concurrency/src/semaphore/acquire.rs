use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::{AcquireError, Semaphore, SemaphoreGuard, SemaphoreGuardArc};
use crate::ticket::Ticket;
use crate::wait_queue::{Closed, MAX_PERMITS};

/// The future of [`Semaphore::acquire`] and [`Semaphore::acquire_many`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Acquire<'a> {
    semaphore: &'a Semaphore,
    ticket: Ticket,
}

impl<'a> Acquire<'a> {
    #[inline]
    pub(super) fn new(semaphore: &'a Semaphore, permits: usize) -> Self {
        Self {
            semaphore,
            ticket: Ticket::new(permits),
        }
    }
}

impl<'a> Future for Acquire<'a> {
    type Output = Result<SemaphoreGuard<'a>, AcquireError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let semaphore = self.semaphore;
        ready!(poll(semaphore, &mut self.ticket, cx))?;
        let permits = self.ticket.wanted();
        Poll::Ready(Ok(SemaphoreGuard::new(semaphore, permits)))
    }
}

impl Drop for Acquire<'_> {
    #[inline]
    fn drop(&mut self) {
        self.ticket.give_up(&self.semaphore.queue);
    }
}

/// The future of [`Semaphore::acquire_arc`] and [`Semaphore::acquire_many_arc`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct AcquireArc {
    semaphore: Arc<Semaphore>,
    ticket: Ticket,
}

impl AcquireArc {
    pub(super) fn new(semaphore: Arc<Semaphore>, permits: usize) -> Self {
        Self {
            semaphore,
            ticket: Ticket::new(permits),
        }
    }
}

impl Future for AcquireArc {
    type Output = Result<SemaphoreGuardArc, AcquireError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { semaphore, ticket } = &mut *self;
        ready!(poll(semaphore, ticket, cx))?;
        let guard = SemaphoreGuardArc::new(Arc::clone(semaphore), ticket.wanted());
        Poll::Ready(Ok(guard))
    }
}

impl Drop for AcquireArc {
    fn drop(&mut self) {
        self.ticket.give_up(&self.semaphore.queue);
    }
}

#[inline]
fn poll(
    semaphore: &Semaphore,
    ticket: &mut Ticket,
    cx: &Context<'_>,
) -> Poll<Result<(), AcquireError>> {
    let wanted = ticket.wanted();
    if wanted > MAX_PERMITS {
        return Poll::Ready(Err(AcquireError::TooMany { wanted }));
    }
    ticket
        .poll(&semaphore.queue, cx)
        .map_err(|Closed| AcquireError::Closed)
}
