//! What calls took, cost and came to, in bounded memory.

mod distribution;
mod recorder;
mod snapshot;

pub use distribution::Distribution;
pub use recorder::{CallRecord, Metrics, Outcome};
pub use snapshot::MetricsSnapshot;
