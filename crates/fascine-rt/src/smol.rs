use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use crate::alarm;
use crate::{BoxFuture, Runtime, enter_block_on};

/// The global executor of smol.
///
/// It runs on its own threads (`SMOL_THREADS`, one by default), which start at the first use and live as long as the
/// process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Smol;

impl Smol {
    /// Runs `future` on this thread until it ends.
    ///
    /// # Panics
    ///
    /// When called from async code.
    #[track_caller]
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let _entered = enter_block_on();
        smol::block_on(future)
    }

    /// Runs `future` in the background; whoever passes it knows what ends it.
    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    pub(crate) fn run(self, future: impl Future<Output = ()> + Send + 'static) {
        smol::spawn(future).detach();
    }
}

impl Runtime for Smol {
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
        smol::unblock(work).detach();
    }

    fn drive(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        smol::block_on(future);
    }
}
