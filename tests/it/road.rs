//! The whole road: every crate in one job.
