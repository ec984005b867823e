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

mod cancel;
mod combinators;
mod group;
mod outcome;
mod primitives;
mod raw;
mod scope;
mod sync;

pub use cancel::{
    CancelReason, CancelScope, Cancelled, Closing, Elapsed, FailAfter, MoveOn, Run, RunSync,
    ScopeEnded, ScopeHandle, Shield, block_on, checkpoint, closing, effective_deadline, fail_after,
    fail_at, is_closing, move_on_after, move_on_at, run_sync, shield, shield_for,
};
pub use combinators::{
    BoundedMap, BoundedMapAll, BoundedStream, BoundedUnordered, Closed, CompletionStream, Empty,
    FirstOk, FirstOkError, FromIter, FromStream, Gather, IntoSource, Join, JoinAll, Partition,
    Partitioned, Pusher, Quorum, QuorumError, Race, Source, TryJoin, ZeroLimit, at_most,
    bounded_map, bounded_map_all, bounded_map_stream, bounded_map_unordered, first_ok, from_stream,
    gather, gather_all, join, join_all, quorum, race, try_join,
};
pub use group::{
    ChildEnded, ChildError, ChildHandle, GroupEnded, GroupFull, GroupHandle, JoinErrors, Ready,
    Spawner, Start, StartError, TaskGroup,
};
pub use primitives::{
    Acquire, AcquireArc, AcquireError, Barrier, BarrierWait, BarrierWaitResult, Borrower,
    CapacityError, CapacityGuard, CapacityGuardArc, CapacityLimiter, CapacityStatistics, Condition,
    ConditionWait, ConditionWaitArc, Event, EventWait, Get, GetError, Items, Lock, LockGuard,
    LockGuardArc, Locking, LockingArc, OnceCell, Put, PutError, Queue, QueueStatistics, Semaphore,
    SemaphoreGuard, SemaphoreGuardArc, SemaphoreStatistics, Wakers,
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
