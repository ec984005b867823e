use crate::structured::{Fit, Misfit};
use crate::{Incomplete, Reply};

/// An answer that is data.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Answer<T> {
    /// The data.
    pub value: T,
    /// The turn it was given in, with the usage of every request.
    pub reply: Reply,
    /// How many times the model was asked again because its answer did not fit.
    pub re_asked: u32,
}

/// What is made of an answer that does not fit, after all the times that the model was asked again. Complete by
/// definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HandleValidation {
    /// The operation fails with [`BranchError::Invalid`](crate::BranchError::Invalid), and nothing is stored.
    #[default]
    Raise,
    /// The answer is stored, and the outcome is [`Outcome::None`].
    ReturnNone,
    /// The answer is stored, and the outcome is [`Outcome::Incomplete`]: what there is, and what is missing.
    ReturnValue,
}

/// What an answer came to. Complete by definition.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<T> {
    /// It does not fit; this is what there is of it.
    Incomplete(Incomplete),
    /// It does not fit, and nobody wants what there is of it.
    None,
    /// It fits.
    Valid(T),
}

impl<T> Outcome<T> {
    /// The value, if it fits.
    #[must_use]
    pub fn valid(self) -> Option<T> {
        match self {
            Self::Valid(value) => Some(value),
            Self::Incomplete(_) | Self::None => None,
        }
    }

    /// Returns whether it fits.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        matches!(self, Self::Valid(_))
    }

    /// Applies the policy; gives back what has to be raised.
    pub(crate) fn of(
        judged: Result<Fit<T>, Misfit>,
        handle: HandleValidation,
    ) -> Result<Self, Misfit> {
        match (judged, handle) {
            (Ok(fit), _) => Ok(Self::Valid(fit.value)),
            (Err(misfit), HandleValidation::Raise) => Err(misfit),
            (Err(_), HandleValidation::ReturnNone) => Ok(Self::None),
            (Err(misfit), HandleValidation::ReturnValue) => Ok(Self::Incomplete(misfit.incomplete)),
        }
    }
}
