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

mod ambient;
mod bounded_map;
mod bounded_stream;
mod bounded_unordered;
mod children;
mod completion_stream;
mod deadline;
mod entrance;
mod first_ok;
mod fixed_children;
mod gather;
mod join;
mod join_all;
mod join_array;
mod join_errors;
mod join_tuple;
mod limit;
#[cfg(all(test, any(loom, shuttle)))]
mod model_gate;
mod panics;
mod partition;
mod quorum;
mod race;
mod raw;
mod ready_list;
mod siblings;
mod source;
mod sync;
mod task_group;
mod turn;
mod window;

pub use ambient::effective_deadline;
pub use bounded_map::{BoundedMap, BoundedMapAll, bounded_map, bounded_map_all};
pub use bounded_stream::{BoundedStream, bounded_map_stream};
pub use bounded_unordered::{BoundedUnordered, bounded_map_unordered};
pub use completion_stream::CompletionStream;
pub use deadline::{Elapsed, FailAfter, fail_after, fail_at};
pub use entrance::{Closed, Pusher};
pub use first_ok::{FirstOk, FirstOkError, first_ok};
pub use gather::{Gather, gather};
pub use join::{Join, TryJoin, join, try_join};
pub use join_all::{JoinAll, gather_all, join_all};
pub use join_errors::{ChildError, JoinErrors};
pub use limit::{ZeroLimit, at_most};
pub use partition::{Partition, Partitioned};
pub use quorum::{Quorum, QuorumError, quorum};
pub use race::{Empty, Race, race};
pub use source::{FromIter, FromStream, IntoSource, Source, from_stream};
pub use task_group::TaskGroup;
