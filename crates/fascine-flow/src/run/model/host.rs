use std::future::pending;
use std::time::Instant;

use fascine_rt::{BoxFuture, Runtime};

pub(super) use checker::{block_on, check, spawn};

/// A runtime whose tasks are the checker's threads.
#[derive(Debug)]
pub(super) struct Host;

impl Runtime for Host {
    fn spawn(&self, future: BoxFuture<()>) {
        drop(spawn(move || block_on(future)));
    }

    fn sleep_until(&self, _: Instant) -> BoxFuture<()> {
        Box::pin(pending()) // No time passes here.
    }

    #[expect(clippy::disallowed_methods, reason = "nothing depends on it")]
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        drop(spawn(work));
    }
}

#[cfg(loom)]
mod checker {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake, Waker};

    use loom::sync::Notify;
    use loom::thread::JoinHandle;

    pub(crate) fn check(model: impl Fn() + Send + Sync + 'static) {
        let mut builder = loom::model::Builder::new();
        // A whole run has many switches: with three it takes an hour.
        builder.preemption_bound = Some(2);
        builder.check(model);
    }

    pub(crate) fn spawn<T: 'static>(work: impl FnOnce() -> T + 'static) -> JoinHandle<T> {
        loom::thread::spawn(work)
    }

    struct Parent(Notify);

    impl Wake for Parent {
        fn wake(self: Arc<Self>) {
            self.0.notify();
        }
    }

    /// Runs a future; a wake that is lost leaves it waiting for ever, which the checker reports.
    pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
        let parent = Arc::new(Parent(Notify::new()));
        let waker = Waker::from(Arc::clone(&parent));
        let mut future = pin!(future);
        loop {
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(output) => return output,
                Poll::Pending => parent.0.wait(),
            }
        }
    }
}

#[cfg(all(shuttle, not(loom)))]
mod checker {
    pub(crate) use shuttle::future::block_on;
    pub(crate) use shuttle::thread::spawn;

    pub(crate) fn check(model: impl Fn() + Send + Sync + 'static) {
        shuttle::check_random(model, SCHEDULES);
    }

    const SCHEDULES: usize = 5000;
}
