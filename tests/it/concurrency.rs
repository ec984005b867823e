//! Starting several things and ending them together.

mod barrier;
mod bounded_map;
mod bounded_stream;
mod capacity_limiter;
mod completion_stream;
mod condition;
mod dropped;
mod event;
mod gather;
mod groups;
mod join;
mod lock;
mod naive;
mod once_cell;
mod polling;
mod probe;
mod queue;
mod race;
mod scope;
mod scopes;
mod semaphore;
mod wakers;
mod wakes;
