//! Tasks that run in parallel and end together.

mod chaos;
mod failing;
mod growing;
mod handles;
mod limits;
mod scoped;
mod starting;

use std::time::Duration;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
