use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::BoxFuture;

/// A timer, made by [`Rt::sleep`](crate::Rt::sleep) and [`Rt::sleep_until`](crate::Rt::sleep_until).
#[must_use = "a timer does nothing unless it is awaited"]
pub struct Sleep {
    /// `None` for a deadline that never comes: no timer is armed for it.
    timer: Option<BoxFuture<()>>,
}

impl Sleep {
    pub(crate) fn until(timer: BoxFuture<()>) -> Self {
        Self { timer: Some(timer) }
    }

    pub(crate) fn never() -> Self {
        Self { timer: None }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.timer {
            Some(timer) => timer.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep")
            .field("never", &self.timer.is_none())
            .finish_non_exhaustive()
    }
}
