//! The runtime seam: the laws of tasks, timers and blocking work, on every runtime of this build.

use fascine_testing::{TestRuntime, conformance};

use crate::runtimes;

conformance!(test_runtime, runtimes::TestHost(TestRuntime::new()));
conformance!(
    #[cfg(feature = "smol")]
    smol,
    runtimes::SmolHost
);
conformance!(
    #[cfg(feature = "async-std")]
    async_std,
    runtimes::AsyncStdHost
);
conformance!(
    #[cfg(feature = "tokio")]
    tokio_current_thread,
    runtimes::TokioHost::current_thread()
);
conformance!(
    #[cfg(feature = "tokio")]
    tokio_multi_thread,
    runtimes::TokioHost::multi_thread()
);
conformance!(
    #[cfg(feature = "async-executor")]
    embedded,
    runtimes::EmbeddedHost::new()
);
conformance!(
    #[cfg(feature = "async-executor")]
    embedded_on_host_threads,
    runtimes::HostThreads::new()
);
