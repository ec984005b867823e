//! Graphs of steps: order, conditions, failures, cancellation, time.

mod building;
mod running;
mod simulated;
