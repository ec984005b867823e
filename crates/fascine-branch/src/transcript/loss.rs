use super::TranscriptError;

/// What becomes of what a format has no place for.
///
/// Complete by definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnLoss {
    /// It is left out, and listed.
    List,
    /// It is an error.
    #[default]
    Refuse,
}

/// What was converted, and what was lost on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Converted<T> {
    /// What was converted.
    pub value: T,
    /// What was left out; nothing if losses were refused.
    pub lost: Vec<Loss>,
}

/// Something that a format has no place for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loss {
    /// In which message, counted from 0 as they were before.
    pub index: usize,
    /// In which field of it.
    pub field: String,
    /// What it is.
    pub what: String,
}

/// Keeps the list, or refuses.
pub(super) struct Losses {
    on_loss: OnLoss,
    list: Vec<Loss>,
}

impl Losses {
    pub(super) fn new(on_loss: OnLoss) -> Self {
        Self {
            on_loss,
            list: Vec::new(),
        }
    }

    pub(super) fn add(
        &mut self,
        index: usize,
        field: impl Into<String>,
        what: impl Into<String>,
    ) -> Result<(), TranscriptError> {
        let loss = Loss {
            index,
            field: field.into(),
            what: what.into(),
        };
        match self.on_loss {
            OnLoss::List => self.list.push(loss),
            OnLoss::Refuse => {
                let Loss { index, field, what } = loss;
                return Err(TranscriptError::Lossy { index, field, what });
            }
        }
        Ok(())
    }

    pub(super) fn with<T>(self, value: T) -> Converted<T> {
        Converted {
            value,
            lost: self.list,
        }
    }
}
