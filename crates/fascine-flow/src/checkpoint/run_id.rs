use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The name of a run: of 1 to 128 letters, digits, `-`, `_` and `.` of ASCII, the first of them a letter or a digit. So
/// it can be the name of a file.
///
/// ```
/// use fascine_flow::RunId;
///
/// let run: RunId = "report-2026-11-26".parse()?;
/// assert_eq!(run.as_str(), "report-2026-11-26");
/// assert!("../report".parse::<RunId>().is_err());
/// # Ok::<_, fascine_flow::RunIdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(Arc<str>);

impl RunId {
    /// Checks the name.
    ///
    /// # Errors
    ///
    /// [`RunIdError`] says what is wrong with it.
    pub fn new(name: impl Into<Arc<str>>) -> Result<Self, RunIdError> {
        let name = name.into();
        if name.is_empty() || name.len() > MAX {
            return Err(RunIdError::Length { length: name.len() });
        }
        let allowed = |(at, c): &(usize, char)| {
            c.is_ascii_alphanumeric() || (*at > 0 && matches!(c, '-' | '_' | '.'))
        };
        match name.char_indices().find(|place| !allowed(place)) {
            None => Ok(Self(name)),
            Some((at, found)) => Err(RunIdError::Character { found, at }),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no [`RunId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunIdError {
    /// It has a character that is not allowed there.
    #[error("{found:?} is not allowed at byte {at} of the id of a run")]
    Character {
        /// The character.
        found: char,
        /// Where it is.
        at: usize,
    },
    /// It is empty or too long.
    #[error("the id of a run has 1 to {MAX} bytes, not {length}")]
    Length {
        /// How many bytes it has.
        length: usize,
    },
}

impl FromStr for RunId {
    type Err = RunIdError;

    fn from_str(name: &str) -> Result<Self, RunIdError> {
        Self::new(name)
    }
}

impl TryFrom<String> for RunId {
    type Error = RunIdError;

    fn try_from(name: String) -> Result<Self, RunIdError> {
        Self::new(name)
    }
}

impl From<RunId> for String {
    fn from(run: RunId) -> Self {
        run.0.as_ref().to_owned()
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

const MAX: usize = 128;
