//! Futures made of futures: no runtime, no spawning, nothing that has to be `'static`.

mod bounded_map;
mod bounded_stream;
mod bounded_unordered;
mod children;
mod completion_stream;
mod entrance;
mod first_ok;
mod fixed_children;
mod gather;
mod join;
mod join_all;
mod join_array;
mod join_tuple;
mod limit;
#[cfg(all(test, any(loom, shuttle)))]
mod model_gate;
mod panics;
mod partition;
mod quorum;
mod race;
pub(crate) mod ready_list;
mod source;
mod turn;
mod window;

pub use bounded_map::{BoundedMap, BoundedMapAll, bounded_map, bounded_map_all};
pub use bounded_stream::{BoundedStream, bounded_map_stream};
pub use bounded_unordered::{BoundedUnordered, bounded_map_unordered};
pub use completion_stream::CompletionStream;
pub use entrance::{Closed, Pusher};
pub use first_ok::{FirstOk, FirstOkError, first_ok};
pub use gather::{Gather, gather};
pub use join::{Join, TryJoin, join, try_join};
pub use join_all::{JoinAll, gather_all, join_all};
pub use limit::{ZeroLimit, at_most};
pub use partition::{Partition, Partitioned};
pub use quorum::{Quorum, QuorumError, quorum};
pub use race::{Empty, Race, race};
pub use source::{FromIter, FromStream, IntoSource, Source, from_stream};
