//! The runtimes of this build, and tests that run on each of them.

use std::future::Future;
use std::sync::Arc;

use fascine::http::{MemoryNet, Net};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use fascine_testing::conformance::Host;

/// Makes one test of each async function for every runtime of this build.
///
/// The functions take the runtime, and the network that goes with it: sockets on a real runtime, memory on the test
/// runtime.
macro_rules! on_every_runtime {
    ($($name:ident,)*) => {
        $(mod $name {
            #[test]
            fn test_runtime() {
                $crate::runtimes::on_test_runtime(super::$name);
            }

            #[cfg(feature = "smol")]
            #[test]
            fn smol() {
                $crate::runtimes::on($crate::runtimes::SmolHost, super::$name);
            }

            #[cfg(feature = "async-std")]
            #[test]
            fn async_std() {
                $crate::runtimes::on($crate::runtimes::AsyncStdHost, super::$name);
            }

            #[cfg(feature = "tokio")]
            #[test]
            fn tokio_current_thread() {
                $crate::runtimes::on($crate::runtimes::TokioHost::current_thread(), super::$name);
            }

            #[cfg(feature = "tokio")]
            #[test]
            fn tokio_multi_thread() {
                $crate::runtimes::on($crate::runtimes::TokioHost::multi_thread(), super::$name);
            }

            #[cfg(feature = "async-executor")]
            #[test]
            fn embedded() {
                $crate::runtimes::on($crate::runtimes::EmbeddedHost::new(), super::$name);
            }
        })*
    };
}
pub(crate) use on_every_runtime;

/// A runtime with a network.
pub(crate) trait NetHost: Host {
    fn net(&self) -> Arc<dyn Net>;
}

pub(crate) fn on_test_runtime<F: Future<Output = ()>>(test: impl Fn(Rt, Arc<dyn Net>) -> F) {
    TestRuntime::run_seeds(4, |rt| test(rt, Arc::new(MemoryNet::new())));
}

#[allow(
    dead_code,
    reason = "a build without runtimes has only the test runtime"
)]
pub(crate) fn on<F: Future<Output = ()>>(host: impl NetHost, test: impl Fn(Rt, Arc<dyn Net>) -> F) {
    host.block_on(test(host.rt(), host.net()));
}

pub(crate) struct TestHost(pub(crate) TestRuntime);

impl Host for TestHost {
    fn rt(&self) -> Rt {
        self.0.rt()
    }

    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.0.block_on(future)
    }
}

#[cfg(feature = "smol")]
pub(crate) use smol::SmolHost;
#[cfg(feature = "smol")]
mod smol {
    use fascine::http::AsyncIoNet;
    use fascine::rt::Smol;

    use super::*;

    pub(crate) struct SmolHost;

    impl Host for SmolHost {
        const ENDS_WITH_HOST: bool = false;

        fn rt(&self) -> Rt {
            Rt::new(Smol)
        }

        fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
            Smol.block_on(future)
        }
    }

    impl NetHost for SmolHost {
        fn net(&self) -> Arc<dyn Net> {
            Arc::new(AsyncIoNet)
        }
    }
}

#[cfg(feature = "async-std")]
pub(crate) use async_std::AsyncStdHost;
#[cfg(feature = "async-std")]
mod async_std {
    use fascine::http::AsyncIoNet;
    use fascine::rt::AsyncStd;

    use super::*;

    pub(crate) struct AsyncStdHost;

    impl Host for AsyncStdHost {
        const ENDS_WITH_HOST: bool = false;

        fn rt(&self) -> Rt {
            Rt::new(AsyncStd)
        }

        fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
            AsyncStd.block_on(future)
        }
    }

    impl NetHost for AsyncStdHost {
        fn net(&self) -> Arc<dyn Net> {
            Arc::new(AsyncIoNet)
        }
    }
}

#[cfg(feature = "tokio")]
pub(crate) use tokio::TokioHost;
#[cfg(feature = "tokio")]
mod tokio {
    use ::tokio::runtime::{Builder, Runtime};
    use fascine::http::TokioNet;
    use fascine::rt::Tokio;

    use super::*;

    pub(crate) struct TokioHost(Arc<Runtime>);

    impl TokioHost {
        pub(crate) fn current_thread() -> Self {
            Self(Arc::new(
                Builder::new_current_thread().enable_all().build().unwrap(),
            ))
        }

        pub(crate) fn multi_thread() -> Self {
            let mut builder = Builder::new_multi_thread();
            Self(Arc::new(
                builder.worker_threads(2).enable_all().build().unwrap(),
            ))
        }
    }

    impl Host for TokioHost {
        fn rt(&self) -> Rt {
            Rt::new(Tokio::of(&self.0))
        }

        fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
            Tokio::of(&self.0).block_on(future)
        }
    }

    impl NetHost for TokioHost {
        fn net(&self) -> Arc<dyn Net> {
            Arc::new(TokioNet::new(self.0.handle().clone()))
        }
    }
}

#[cfg(feature = "async-executor")]
pub(crate) use embedded::{EmbeddedHost, HostThreads};
#[cfg(feature = "async-executor")]
mod embedded {
    use async_executor::Executor;
    use fascine::http::AsyncIoNet;
    use fascine::rt::Embedded;
    use futures_lite::future;

    use super::*;

    /// An executor that nobody drives but `block_on`.
    pub(crate) struct EmbeddedHost(Embedded);

    impl EmbeddedHost {
        pub(crate) fn new() -> Self {
            Self(Embedded::new(Arc::new(Executor::new())))
        }
    }

    impl Host for EmbeddedHost {
        fn rt(&self) -> Rt {
            Rt::new(self.0.clone())
        }

        fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
            self.0.block_on(future)
        }
    }

    impl NetHost for EmbeddedHost {
        fn net(&self) -> Arc<dyn Net> {
            Arc::new(AsyncIoNet)
        }
    }

    /// An executor that the host drives on threads of its own, as an engine or an editor would.
    pub(crate) struct HostThreads {
        rt: Rt,
        stop: Option<async_channel::Sender<()>>,
        threads: Vec<std::thread::JoinHandle<()>>,
    }

    impl HostThreads {
        pub(crate) fn new() -> Self {
            let executor = Arc::new(Executor::new());
            let (stop, stopped) = async_channel::bounded::<()>(1);
            let threads = (0..2).map(|_| {
                let (executor, stopped) = (Arc::clone(&executor), stopped.clone());
                std::thread::spawn(move || {
                    let _ = future::block_on(executor.run(stopped.recv()));
                })
            });
            let threads = threads.collect();
            Self {
                rt: Rt::new(Embedded::new(executor)),
                stop: Some(stop),
                threads,
            }
        }
    }

    impl Host for HostThreads {
        fn rt(&self) -> Rt {
            self.rt.clone()
        }

        fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
            let _entered = fascine::rt::enter_block_on();
            future::block_on(future)
        }
    }

    impl Drop for HostThreads {
        fn drop(&mut self) {
            self.stop = None;
            for thread in self.threads.drain(..) {
                thread.join().unwrap();
            }
        }
    }
}
