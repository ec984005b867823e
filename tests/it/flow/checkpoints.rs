//! Runs that are recorded, and taken up again.

mod changes;
mod effects;
mod forks;
mod nesting;
mod resuming;
mod stores;
mod undecided;
