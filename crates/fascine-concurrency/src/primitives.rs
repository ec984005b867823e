//! What tasks share: fair, first come first served, on one queue of waiters. No runtime.

mod barrier;
mod capacity_limiter;
mod condition;
mod event;
pub(crate) mod lock;
mod once_cell;
mod queue;
#[cfg(all(test, shuttle))]
mod random_model;
mod semaphore;
pub(crate) mod ticket;
pub(crate) mod wait_queue;
mod waiters;
mod wakers;

pub use barrier::{Barrier, BarrierWait, BarrierWaitResult};
pub use capacity_limiter::{
    Borrower, CapacityError, CapacityGuard, CapacityGuardArc, CapacityLimiter, CapacityStatistics,
};
pub use condition::{Condition, ConditionWait, ConditionWaitArc};
pub use event::{Event, EventWait};
pub use lock::{Lock, LockGuard, LockGuardArc, Locking, LockingArc};
pub use once_cell::OnceCell;
pub use queue::{Get, GetError, Items, Put, PutError, Queue, QueueStatistics};
pub use semaphore::{
    Acquire, AcquireArc, AcquireError, Semaphore, SemaphoreGuard, SemaphoreGuardArc,
    SemaphoreStatistics,
};
pub use wakers::Wakers;
