/// What a cache on the way of a request is to do.
///
/// Complete by definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CacheUse {
    /// Nothing: the model is asked, for this call alone, and the answer is not kept.
    Bypass,
    /// Ask the model, and keep its answer in the place of the one that is there.
    Refresh,
    /// Give the answer that is there; ask the model if there is none.
    #[default]
    Use,
}
