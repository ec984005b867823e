use fascine_message::Usage;

/// What a service has done so far.
///
/// Each call ends in one way: `answered + failed + cancelled + deadline` are all the calls but those that are going on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Calls that were let in.
    pub calls: u64,
    /// Requests that were sent; among them are repeated ones, and those of other models that the service
    /// [falls back](crate::ModelServiceBuilder::fallback) to.
    pub requests: u64,
    /// Requests that repeated one before them.
    pub retries: u64,
    /// Calls that gave an answer.
    pub answered: u64,
    /// Calls that failed.
    pub failed: u64,
    /// Calls whose future or stream was dropped before its end.
    pub cancelled: u64,
    /// Calls that could not be answered before their deadline.
    pub deadline: u64,
    /// The tokens of the answers, as far as the providers counted them.
    pub usage: Usage,
}
