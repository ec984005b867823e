//! Starting several things and ending them together.

mod barrier;
mod bounded_map;
mod capacity_limiter;
mod completion_stream;
mod condition;
mod deadline;
mod event;
mod gather;
mod lock;
mod naive;
mod once_cell;
mod probe;
mod queue;
mod semaphore;
mod task_group;
mod wakes;
