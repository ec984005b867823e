//! Graphs of steps: order, conditions, failures, cancellation, time.

mod asking;
mod asking_within;
mod building;
mod checkpoints;
mod costs;
mod data;
mod drawing;
mod fallbacks;
mod gauge;
mod growing;
mod joins;
mod memory;
mod nested_ends;
mod nested_sharing;
mod nesting;
mod outcomes;
mod running;
mod settings;
mod simulated;
mod simulator;
mod sketch;
mod state;
mod streaming;
mod suspending;
mod typed;
mod unanswered;
