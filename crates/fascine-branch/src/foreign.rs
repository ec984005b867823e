use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fascine_rt::Panic;
use futures_lite::FutureExt;

/// Calls what others wrote: a panic of theirs is an error here.
pub(crate) fn call<T>(foreign: impl FnOnce() -> T) -> Result<T, Panic> {
    catch_unwind(AssertUnwindSafe(foreign)).map_err(Panic::new)
}

/// Awaits what others wrote: a panic of theirs is an error here. The future is not polled after it.
pub(crate) async fn await_it<T>(foreign: impl Future<Output = T>) -> Result<T, Panic> {
    let ended = AssertUnwindSafe(foreign).catch_unwind().await;
    ended.map_err(Panic::new)
}
