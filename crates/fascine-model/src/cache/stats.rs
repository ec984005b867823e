use fascine_message::Usage;

/// What a cache has done so far.
///
/// Calls that share one are counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Answers that were there.
    pub hits: u64,
    /// Answers that were not.
    pub misses: u64,
    /// Answers that were kept.
    pub stored: u64,
    /// Times the store failed: a look-up that failed is a miss as well, an answer that could not be kept is given all
    /// the same.
    pub errors: u64,
    /// What the hits had cost when they were made.
    pub saved: Usage,
}
