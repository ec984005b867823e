//! Structured concurrency: start several things, end them together, on any runtime.
//!
//! | you have | you want | use |
//! |---|---|---|
//! | a list of futures | all their outputs, or the first failure | [`gather`] |
//! | | every result, failures too | [`gather_all`] and [`Partition`]; [`join_all`] if none can fail |
//! | | the first that ends, or succeeds | [`race`], [`first_ok`] |
//! | | so many successes | [`quorum`] |
//! | a few futures of different types | all their outputs | [`join`], [`try_join`] |
//! | many items, a limit | the outputs in the order of the items | [`bounded_map`], [`bounded_map_all`] |
//! | | a stream of them, in constant memory | [`bounded_map_stream`], [`bounded_map_unordered`] |
//! | futures that come and go | each output as it ends | [`CompletionStream`] |
//! | work that borrows | all of it ended when you go on | [`scope`](fn@scope) |
//! | work that should run in parallel | all of it ended when you go on | [`TaskGroup`] |
//! | a future | no longer than this | [`fail_after`], [`move_on_after`] |
//! | a part of a program | to cancel it, move its deadline, clean up after it | [`CancelScope`] |
//! | | to finish it whatever is cancelled | [`shield`](fn@shield), [`shield_for`] |
//! | a value | one task at a time at it | [`Lock`], and [`Condition`] to wait for changes |
//! | something scarce | so many at a time | [`Semaphore`]; [`CapacityLimiter`] if the number changes |
//! | items | from some tasks to others | [`Queue`] |
//! | something that happens once | to wait for it | [`Event`]; [`OnceCell`] for a value |
//! | tasks in rounds | none ahead of the others | [`Barrier`] |
//! | blocking work | to stop waiting for it | [`run_sync`] |
//! | no async code around | to call some | [`block_on`] |
//!
//! The combinators and the primitives need no runtime: they poll what they hold, may borrow from the caller's stack, and
//! run anywhere. Only what spawns or sleeps takes an [`Rt`](fascine_rt::Rt).
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
mod bounded_stream;
mod bounded_unordered;
mod cancel;
mod capacity_limiter;
mod children;
mod completion_stream;
mod condition;
mod entrance;
mod event;
mod first_ok;
mod fixed_children;
mod gather;
mod group;
mod join;
mod join_all;
mod join_array;
mod join_tuple;
mod limit;
mod lock;
#[cfg(all(test, any(loom, shuttle)))]
mod model_gate;
mod once_cell;
mod outcome;
mod panics;
mod partition;
mod queue;
mod quorum;
mod race;
#[cfg(all(test, shuttle))]
mod random_model;
mod raw;
mod ready_list;
mod scope;
mod semaphore;
mod source;
mod sync;
mod ticket;
mod turn;
mod wait_queue;
mod waiters;
mod wakers;
mod window;

pub use barrier::{Barrier, BarrierWait, BarrierWaitResult};
pub use bounded_map::{BoundedMap, BoundedMapAll, bounded_map, bounded_map_all};
pub use bounded_stream::{BoundedStream, bounded_map_stream};
pub use bounded_unordered::{BoundedUnordered, bounded_map_unordered};
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
pub use entrance::{Closed, Pusher};
pub use event::{Event, EventWait};
pub use first_ok::{FirstOk, FirstOkError, first_ok};
pub use gather::{Gather, gather};
pub use group::{
    ChildEnded, ChildError, ChildHandle, GroupEnded, GroupFull, GroupHandle, JoinErrors, Ready,
    Spawner, Start, StartError, TaskGroup,
};
pub use join::{Join, TryJoin, join, try_join};
pub use join_all::{JoinAll, gather_all, join_all};
pub use limit::{ZeroLimit, at_most};
pub use lock::{Lock, LockGuard, LockGuardArc, Locking, LockingArc};
pub use once_cell::OnceCell;
pub use partition::{Partition, Partitioned};
pub use queue::{Get, GetError, Items, Put, PutError, Queue, QueueStatistics};
pub use quorum::{Quorum, QuorumError, quorum};
pub use race::{Empty, Race, race};
pub use scope::{Scope, ScopeSpawner, ScopedHandle, scope};
pub use semaphore::{
    Acquire, AcquireArc, AcquireError, Semaphore, SemaphoreGuard, SemaphoreGuardArc,
    SemaphoreStatistics,
};
pub use source::{FromIter, FromStream, IntoSource, Source, from_stream};

/// The pages' examples compile and run.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../docs/from-anyio.md")]
    mod from_anyio {}
    #[doc = include_str!("../../../docs/from-tokio.md")]
    mod from_tokio {}
}
