//! Graphs of steps: order, conditions, failures, cancellation, time.

mod building;
mod drawing;
mod running;
mod simulated;
