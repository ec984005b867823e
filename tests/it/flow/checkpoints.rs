//! Runs that are recorded, and taken up again.

mod answers;
mod effects;
mod forks;
mod nesting;
mod resuming;
mod stores;
