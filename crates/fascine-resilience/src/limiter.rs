//! Rate limits: several quotas held at once, and a queue for those that do not fit in yet.

mod acquire;
mod builder;
mod credit;
mod few;
mod fixed_cycle;
mod inner;
mod keyed;
mod limit_error;
mod memory_store;
mod meter;
mod queue;
mod quota;
mod quota_store;
mod rate_limiter;
mod reservation;
mod settings;
mod sliding_window;
mod state;
mod store;
mod tick;
mod token_bucket;

pub use acquire::Acquire;
pub use builder::RateLimiterBuilder;
pub use keyed::{KeyedRateLimiter, KeysFull};
pub use limit_error::LimitError;
pub use memory_store::MemoryStore;
pub use quota::{Quota, QuotaError, Strategy};
pub use quota_store::QuotaStore;
pub use rate_limiter::RateLimiter;
pub use reservation::Reservation;
