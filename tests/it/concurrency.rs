//! Starting several things and ending them together.

mod bounded_map;
mod completion_stream;
mod gather;
mod groups;
mod probe;
mod scope;
mod scopes;
