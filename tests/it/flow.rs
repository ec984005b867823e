//! Graphs of steps: order, conditions, failures, cancellation, time.
