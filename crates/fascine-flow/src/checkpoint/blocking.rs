use std::future::Future;

use fascine_rt::Rt;

use super::CheckpointError;

/// Does something where it may block, once the future is polled.
pub(super) fn blocking<T: Send + 'static>(
    rt: &Rt,
    action: &'static str,
    work: impl FnOnce() -> Result<T, CheckpointError> + Send + 'static,
) -> impl Future<Output = Result<T, CheckpointError>> + Send + 'static {
    let rt = rt.clone();
    async move {
        let worked = rt.unblock(work).await;
        worked.unwrap_or_else(|error| Err(CheckpointError::store(action, error)))
    }
}
