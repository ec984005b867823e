//! Graphs of steps: order, conditions, failures, cancellation, time.

mod building;
mod data;
mod drawing;
mod fallbacks;
mod joins;
mod memory;
mod outcomes;
mod running;
mod settings;
mod simulated;
mod sketch;
mod state;
mod typed;
