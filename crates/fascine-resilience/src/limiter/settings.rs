use std::time::Duration;

/// What a limiter was told when it was built.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) queue_capacity: usize,
    /// How often a waiter may be passed by a smaller one.
    pub(crate) overtaking: u32,
    /// How often a waiter may be passed by one of higher priority.
    pub(crate) priority_bound: u32,
    pub(crate) max_pause: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            queue_capacity: 1000,
            overtaking: 0,
            priority_bound: 100,
            max_pause: Duration::from_secs(60 * 60),
        }
    }
}
