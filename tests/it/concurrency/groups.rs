//! Tasks that run in parallel and end together.

mod chaos;
mod failing;
mod growing;
mod handles;
mod limits;
mod scoped;
mod starting;
