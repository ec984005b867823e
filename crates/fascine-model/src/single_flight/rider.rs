use std::fmt;
use std::sync::Arc;

/// A call that may share another's: by its number, and who is told the number of the call that it shares.
#[derive(Clone)]
pub(crate) struct Rider {
    number: u64,
    shares: Arc<dyn Fn(u64) + Send + Sync>,
}

impl Rider {
    pub(crate) fn new(number: u64, shares: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self {
            number,
            shares: Arc::new(shares),
        }
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// It takes part in what was begun by this call, which may be itself.
    pub(crate) fn takes_part(&self, begun_by: Option<u64>) {
        if let Some(number) = begun_by.filter(|number| *number != self.number) {
            (self.shares)(number);
        }
    }
}

impl fmt::Debug for Rider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rider").field(&self.number).finish()
    }
}
