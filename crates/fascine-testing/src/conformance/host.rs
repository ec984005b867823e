use std::future::Future;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use fascine_rt::Rt;
use futures_lite::future;

/// A runtime under test, and what drives it.
pub trait Host {
    /// Whether the tasks of this runtime are dropped with its host; not so for runtimes that live as long as the
    /// process.
    const ENDS_WITH_HOST: bool = true;

    /// The runtime.
    fn rt(&self) -> Rt;

    /// Runs a future on this thread until it ends.
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T;
}

/// Says when it is dropped.
pub(crate) struct Flag(Sender<()>);

impl Flag {
    pub(crate) fn new() -> (Self, Receiver<()>) {
        let (sender, dropped) = channel();
        (Self(sender), dropped)
    }
}

impl Drop for Flag {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

/// Waits until something has happened, asking now and then.
pub(crate) async fn until(rt: &Rt, mut happened: impl FnMut() -> bool) {
    for _ in 0..20_000 {
        if happened() {
            return;
        }
        future::yield_now().await;
        rt.sleep(Duration::from_millis(1)).await;
    }
    panic!("it did not happen");
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
