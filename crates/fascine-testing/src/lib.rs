//! Time and failure under your control, for tests of async code.
//!
//! [`TestRuntime`] runs everything on one thread under a virtual clock: when nothing can run, the clock jumps to the
//! next timer, so an hour of timers takes milliseconds and a test that waits for something that can never happen
//! panics with the list of stuck tasks instead of hanging. The order in which runnable tasks are polled comes from a
//! seed: [`TestRuntime::run_seeds`] tries many orders, and a failing test prints the seed that failed.
//!
//! ```
//! use fascine_testing::TestRuntime;
//! use std::time::Duration;
//!
//! TestRuntime::run(|rt| async move {
//!     let started = rt.now();
//!     let slow = rt.spawn({
//!         let rt = rt.clone();
//!         async move { rt.sleep(Duration::from_secs(3600)).await }
//!     });
//!     slow.await.unwrap();
//!     assert_eq!(rt.now() - started, Duration::from_secs(3600));
//! });
//! ```
//!
//! [`drop_after_every_poll`] proves that a future may be dropped at each of its await points, and [`conformance!`]
//! holds a runtime, one of ours or your own, to the laws that all of them share.

mod clock;
mod drop_after;
mod executor;
mod handle;
mod task_waker;
mod test_runtime;

pub mod conformance;

pub use drop_after::{Cut, drop_after_every_poll, drop_after_every_poll_with_seeds};
pub use test_runtime::TestRuntime;

/// The page's example compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/testing.md")]
mod testing_page {}
