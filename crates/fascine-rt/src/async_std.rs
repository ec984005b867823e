use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use crate::alarm;
use crate::{BoxFuture, Runtime, enter_block_on};

/// The global executor of async-std.
///
/// async-std is unmaintained (RUSTSEC-2025-0052); this adapter serves programs that live on it. New programs take
/// `Smol`, which stands on the same reactor.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsyncStd;

impl AsyncStd {
    /// Runs `future` on this thread until it ends.
    ///
    /// # Panics
    ///
    /// When called from async code.
    #[track_caller]
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let _entered = enter_block_on();
        async_std::task::block_on(future)
    }

    /// Runs `future` in the background; whoever passes it knows what ends it.
    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    pub(crate) fn run(self, future: impl Future<Output = ()> + Send + 'static) {
        drop(async_std::task::spawn(future)); // Dropping the handle detaches.
    }
}

impl Runtime for AsyncStd {
    fn spawn(&self, future: BoxFuture<()>) {
        self.run(future);
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<()> {
        Box::pin(alarm::until(deadline))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        drop(async_std::task::spawn_blocking(work));
    }

    fn drive(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        async_std::task::block_on(future);
    }
}
