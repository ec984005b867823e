use std::error::Error;
use std::fmt;

use fascine_message::{Message, Usage};

use crate::{Accumulator, ModelFailure};

/// An answer that broke off after some of it had been given out.
///
/// It is never begun again behind the consumer's back: what was read would be read twice.
#[derive(Debug)]
#[non_exhaustive]
pub struct Interrupted {
    /// What had come.
    pub partial: Message,
    /// What it had cost, as far as the provider had said.
    pub usage: Usage,
    /// Whether the partial answer is text alone, so that a model can be asked to go on from there.
    pub resumable: bool,
    /// What broke it; `None` when the stream ended in good order, without the provider's word that this was all.
    pub cause: Option<ModelFailure>,
}

impl Interrupted {
    /// Makes the end of an answer of which so much had come.
    #[must_use]
    pub fn new(so_far: &Accumulator, cause: Option<ModelFailure>) -> Self {
        Self {
            partial: so_far.message(),
            usage: so_far.usage(),
            resumable: so_far.is_text(),
            cause,
        }
    }
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let characters = self.partial.text().chars().count();
        write!(f, "the answer broke off after {characters} characters")
    }
}

impl Error for Interrupted {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.cause.as_ref()?)
    }
}
