//! Starting several things and ending them together.

mod bounded_map;
mod completion_stream;
mod deadline;
mod gather;
mod probe;
mod semaphore;
mod task_group;
mod wakes;
