use std::future::Future;
use std::time::Duration;

use fascine_rt::Rt;
use futures_lite::future;

use crate::{Phase, TransportError};

/// Gives a phase of an exchange so much time; `Duration::MAX` is all the time in the world.
pub(crate) async fn timeout<T>(
    rt: &Rt,
    phase: Phase,
    after: Duration,
    work: impl Future<Output = Result<T, TransportError>>,
) -> Result<T, TransportError> {
    if after == Duration::MAX {
        return work.await;
    }
    let expired = async {
        rt.sleep(after).await;
        Err(TransportError::Timeout { phase, after })
    };
    future::or(work, expired).await
}
