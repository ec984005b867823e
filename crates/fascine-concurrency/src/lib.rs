//! Structured concurrency: start several things, end them together, on any runtime.
//!
//! | you have | you want | use |
//! |---|---|---|
//! | a list of futures | all their outputs, or the first failure | [`gather`] |
//! | many items, a limit | the outputs in the order of the items | [`bounded_map`] |
//! | futures that come and go | each output as it ends | [`CompletionStream`] |
//! | work that should run in parallel | all of it ended when you go on | [`TaskGroup`] |
//! | a future | no longer than this | [`fail_after`], [`fail_at`] |
//! | a value | one task at a time at it | [`Lock`], and [`Condition`] to wait for changes |
//! | something scarce | so many at a time | [`Semaphore`]; [`CapacityLimiter`] if the number changes |
//! | items | from some tasks to others | [`Queue`] |
//! | something that happens once | to wait for it | [`Event`]; [`OnceCell`] for a value |
//! | tasks in rounds | none ahead of the others | [`Barrier`] |
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

mod barrier;
mod bounded_map;
mod cancel;
mod capacity_limiter;
mod children;
mod completion_stream;
mod condition;
mod event;
mod gather;
mod group;
mod lock;
mod once_cell;
mod outcome;
mod queue;
#[cfg(all(test, shuttle))]
mod random_model;
mod raw;
mod scope;
mod semaphore;
mod sync;
mod ticket;
mod wait_queue;
mod waiters;
mod wake_list;
mod wakers;

pub use barrier::{Barrier, BarrierWait, BarrierWaitResult};
pub use bounded_map::{BoundedMap, bounded_map};
pub use cancel::{
    CancelReason, CancelScope, Cancelled, Closing, Elapsed, FailAfter, MoveOn, Run, RunSync,
    ScopeEnded, ScopeHandle, Shield, block_on, checkpoint, closing, effective_deadline, fail_after,
    fail_at, is_closing, move_on_after, move_on_at, run_sync, shield, shield_for,
};
pub use capacity_limiter::{
    Borrower, CapacityError, CapacityGuard, CapacityGuardArc, CapacityLimiter, CapacityStatistics,
};
pub use completion_stream::CompletionStream;
pub use condition::{Condition, ConditionWait, ConditionWaitArc};
pub use event::{Event, EventWait};
pub use gather::{Gather, gather};
pub use group::{
    ChildEnded, ChildError, ChildHandle, GroupEnded, GroupFull, GroupHandle, JoinErrors, Ready,
    Spawner, Start, StartError, TaskGroup,
};
pub use lock::{Lock, LockGuard, LockGuardArc, Locking, LockingArc};
pub use once_cell::OnceCell;
pub use queue::{Get, GetError, Items, Put, PutError, Queue, QueueStatistics};
pub use scope::{Scope, ScopeSpawner, ScopedHandle, scope};
pub use semaphore::{
    Acquire, AcquireArc, AcquireError, Semaphore, SemaphoreGuard, SemaphoreGuardArc,
    SemaphoreStatistics,
};

/// The pages' examples compile and run.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../docs/from-anyio.md")]
    mod from_anyio {}
    #[doc = include_str!("../../../docs/from-tokio.md")]
    mod from_tokio {}
}
