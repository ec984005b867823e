/// What the job looks at: ten hours of some service.
pub(crate) const READINGS: &str = include_str!("readings.csv");
