//! Starting several things and ending them together.

mod barrier;
mod bounded_map;
mod capacity_limiter;
mod completion_stream;
mod condition;
mod event;
mod gather;
mod groups;
mod lock;
mod naive;
mod once_cell;
mod probe;
mod queue;
mod scope;
mod scopes;
mod semaphore;
mod wakes;
