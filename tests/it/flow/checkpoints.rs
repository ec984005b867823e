//! Runs that are recorded, and taken up again.

mod answers;
mod changes;
mod effects;
mod files;
mod forks;
mod killing;
mod nesting;
mod resuming;
mod shapes;
mod stores;
mod undecided;
