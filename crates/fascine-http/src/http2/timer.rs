use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use fascine_rt::Rt;

/// The clock and the timers of a runtime as hyper wants them.
pub(crate) struct Timer(pub(crate) Rt);

impl hyper::rt::Timer for Timer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(Sleep(Mutex::new(self.0.sleep(duration))))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(Sleep(Mutex::new(self.0.sleep_until(deadline))))
    }

    fn now(&self) -> Instant {
        self.0.now()
    }
}

/// A timer that can be shared, as hyper wants it. It never is, so the lock is never taken.
struct Sleep(Mutex<fascine_rt::Sleep>);

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        Pin::new(timer).poll(cx)
    }
}

impl hyper::rt::Sleep for Sleep {}
