//! Random operations, and the same on a model so simple that anybody can see that it is right.

mod capacity_limiter;
mod queue;
mod semaphore;
