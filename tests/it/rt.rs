//! The runtime seam: tasks, timers, blocking work.
