use crate::Output;

/// What follows when a step has failed for good, its retries among it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum OnError {
    /// The steps behind it run, and get the error instead of an output.
    Continue,
    /// The run is cancelled.
    FailFast,
    /// The steps behind it get this instead; in the report it has failed all the same.
    Fallback(Output),
    /// The steps behind it that want no failures are skipped; the rest of the run goes on.
    #[default]
    SkipDependents,
}
