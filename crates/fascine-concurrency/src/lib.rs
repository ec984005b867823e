//! Structured concurrency: start several things, end them together, on any runtime.
//!
//! | you have | you want | use |
//! |---|---|---|
//! | a list of futures | all their outputs, or the first failure | [`gather`] |
//! | many items, a limit | the outputs in the order of the items | [`bounded_map`] |
//! | futures that come and go | each output as it ends | [`CompletionStream`] |
//! | work that should run in parallel | all of it ended when you go on | [`TaskGroup`] |
//! | a future | no longer than this | [`fail_after`], [`fail_at`] |
//!
//! The combinators need no runtime: they poll what they hold, may borrow from the caller's stack, and run anywhere.
//! Only what spawns or sleeps takes an [`Rt`](fascine_rt::Rt).
//!
//! ```
//! use fascine_concurrency::{bounded_map, fail_after, gather};
//! use std::num::NonZeroUsize;
//! use std::time::Duration;
//! # fascine_testing::TestRuntime::run(|rt| async move {
//!
//! let sums: Result<Vec<u32>, ()> = gather([2, 3].map(|n| async move { Ok(n + 1) })).await;
//! assert_eq!(sums, Ok(vec![3, 4]));
//!
//! let limit = NonZeroUsize::new(2).unwrap();
//! let squares: Result<Vec<u64>, ()> =
//!     bounded_map(1..=4, limit, |n| async move { Ok(n * n) }).await;
//! assert_eq!(squares, Ok(vec![1, 4, 9, 16]));
//!
//! let slow = fail_after(&rt, Duration::from_millis(10), rt.sleep(Duration::from_secs(1))).await;
//! assert!(slow.is_err());
//! # });
//! ```

mod bounded_map;
mod cancel;
mod children;
mod completion_stream;
mod gather;
mod group;
mod outcome;
mod raw;
mod scope;
mod sync;
mod wake_list;

pub use bounded_map::{BoundedMap, bounded_map};
pub use cancel::{
    CancelReason, CancelScope, Cancelled, Closing, Elapsed, FailAfter, MoveOn, Run, RunSync,
    ScopeEnded, ScopeHandle, Shield, block_on, checkpoint, closing, effective_deadline, fail_after,
    fail_at, is_closing, move_on_after, move_on_at, run_sync, shield, shield_for,
};
pub use completion_stream::CompletionStream;
pub use gather::{Gather, gather};
pub use group::{
    ChildEnded, ChildError, ChildHandle, GroupEnded, GroupHandle, JoinErrors, Ready, Spawner,
    Start, StartError, TaskGroup,
};
pub use scope::{Scope, ScopeSpawner, ScopedHandle, scope};

/// The pages' examples compile and run.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../docs/from-anyio.md")]
    mod from_anyio {}
    #[doc = include_str!("../../../docs/from-tokio.md")]
    mod from_tokio {}
}
