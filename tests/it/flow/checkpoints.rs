//! Runs that are recorded, and taken up again.

mod effects;
mod forks;
mod resuming;
mod stores;
