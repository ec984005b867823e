//! Starting several things and ending them together.

mod bounded_map;
mod bounded_stream;
mod completion_stream;
mod deadline;
mod dropped;
mod gather;
mod join;
mod probe;
mod race;
mod task_group;
mod wakes;
