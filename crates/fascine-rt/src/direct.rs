use std::any::Any;
use std::future::Future;

use crate::Runtime;

/// Runs a future on one of the adapters of this crate as it is; gives it back if the runtime is somebody else's, who
/// takes boxes. A box costs as much again as what a small task costs otherwise.
#[allow(
    unused_variables,
    reason = "a build without adapters has nobody to ask"
)]
pub(crate) fn spawn<F>(runtime: &dyn Runtime, future: F) -> Result<(), F>
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime: &dyn Any = runtime;
    #[cfg(feature = "smol")]
    if let Some(runtime) = runtime.downcast_ref::<crate::Smol>() {
        runtime.run(future);
        return Ok(());
    }
    #[cfg(feature = "tokio")]
    if let Some(runtime) = runtime.downcast_ref::<crate::Tokio>() {
        runtime.run(future);
        return Ok(());
    }
    #[cfg(feature = "async-executor")]
    if let Some(runtime) = runtime.downcast_ref::<crate::Embedded>() {
        runtime.run(future);
        return Ok(());
    }
    #[cfg(feature = "async-std")]
    if let Some(runtime) = runtime.downcast_ref::<crate::AsyncStd>() {
        runtime.run(future);
        return Ok(());
    }
    Err(future)
}
