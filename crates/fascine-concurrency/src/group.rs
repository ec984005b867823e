//! Groups of tasks, spawned on a runtime.

mod census;
mod child_handle;
mod group_handle;
mod join_errors;
mod member;
#[cfg(all(test, shuttle))]
mod model;
mod results;
mod shared;
mod slot;
mod spawner;
mod start;
mod task_group;

pub use child_handle::{ChildEnded, ChildHandle};
pub use group_handle::GroupHandle;
pub use join_errors::{ChildError, JoinErrors};
pub use slot::GroupFull;
pub use spawner::{GroupEnded, Spawner};
pub use start::{Ready, Start, StartError};
pub use task_group::TaskGroup;
