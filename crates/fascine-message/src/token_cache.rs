use std::sync::OnceLock;

/// What the first two counters made of a message: it never changes, so neither do they.
#[derive(Clone, Debug, Default)]
pub(crate) struct TokenCache([OnceLock<(u64, u64)>; 2]);

impl TokenCache {
    pub(crate) fn get_or_count(&self, counter: u64, count: impl FnOnce() -> u64) -> u64 {
        for slot in &self.0 {
            match slot.get() {
                Some((owner, tokens)) if *owner == counter => return *tokens,
                Some(_) => {}
                None => {
                    let tokens = count();
                    // Whoever was faster holds the slot, with the same count if it is the same counter.
                    let _ = slot.set((counter, tokens));
                    return tokens;
                }
            }
        }
        count()
    }
}
