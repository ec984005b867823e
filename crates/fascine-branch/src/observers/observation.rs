use std::sync::Weak;

use crate::observers::hub::Hub;

/// That somebody is told what happens in a branch, made by [`Branch::observe`](crate::Branch::observe).
///
/// It ends when this is dropped: no event of a later turn reaches the handler. A handler that runs just then, on another
/// thread, runs to its end.
#[derive(Debug)]
#[must_use = "the observation ends when it is dropped: keep it, or call `detach`"]
pub struct Observation {
    hub: Weak<Hub>,
    id: u64,
}

impl Observation {
    pub(crate) fn new(hub: Weak<Hub>, id: u64) -> Self {
        Self { hub, id }
    }

    /// Which observation of its branch it is.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Lets it go on for as long as there is the branch, or a fork that took its observers over.
    pub fn detach(mut self) {
        self.hub = Weak::new();
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        if let Some(hub) = self.hub.upgrade() {
            hub.remove(self.id);
        }
    }
}
