use std::future::Future;
use std::io;
use std::sync::Arc;

use async_executor::Executor;
use fascine::http::{AsyncIoNet, Net, TokioNet};
use fascine::rt::{AsyncStd, Embedded, Rt, Smol, Tokio};

use crate::args::RuntimeName;

/// Runs `job` to its end on the runtime of that name, with the sockets that belong to it.
///
/// # Errors
///
/// When the operating system refuses the threads of the runtime.
pub(crate) fn block_on<F: Future>(
    name: RuntimeName,
    job: impl FnOnce(Rt, Arc<dyn Net>) -> F,
) -> io::Result<F::Output> {
    Ok(match name {
        RuntimeName::Smol => Smol.block_on(job(Rt::new(Smol), Arc::new(AsyncIoNet))),
        RuntimeName::AsyncStd => AsyncStd.block_on(job(Rt::new(AsyncStd), Arc::new(AsyncIoNet))),
        RuntimeName::Tokio => {
            let runtime = Arc::new(
                tokio::runtime::Builder::new_multi_thread()
                    .enable_all()
                    .build()?,
            );
            let adapter = Tokio::of(&runtime);
            let net = Arc::new(TokioNet::new(runtime.handle().clone()));
            adapter.block_on(job(Rt::new(adapter.clone()), net))
        }
        RuntimeName::Embedded => {
            let adapter = Embedded::new(Arc::new(Executor::new()));
            adapter.block_on(job(Rt::new(adapter.clone()), Arc::new(AsyncIoNet)))
        }
    })
}
