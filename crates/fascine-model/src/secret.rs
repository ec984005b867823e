use std::env::VarError;
use std::fmt;

use zeroize::Zeroizing;

/// A key that is shown nowhere and wiped from memory when it is dropped.
#[derive(Clone)]
pub struct ApiKey(Zeroizing<String>);

/// A key is not in the environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiKeyError {
    /// The variable has no text in it.
    #[error("the environment variable {variable} is empty")]
    Empty {
        /// Its name.
        variable: String,
    },
    /// There is no such variable.
    #[error("the environment variable {variable} is not set")]
    Missing {
        /// Its name.
        variable: String,
    },
    /// The variable is not Unicode.
    #[error("the environment variable {variable} is not Unicode")]
    NotUnicode {
        /// Its name.
        variable: String,
    },
}

impl ApiKey {
    /// Wraps a key.
    pub fn new(key: impl Into<String>) -> Self {
        Self(Zeroizing::new(key.into()))
    }

    /// Reads a key from the environment; white space around it is no part of it.
    ///
    /// # Errors
    ///
    /// [`ApiKeyError`] when the variable is missing, empty or not Unicode.
    ///
    /// ```
    /// use fascine_model::{ApiKey, ApiKeyError};
    ///
    /// let error = ApiKey::from_env("NOBODY_SETS_THIS").unwrap_err();
    /// assert!(matches!(error, ApiKeyError::Missing { variable } if variable == "NOBODY_SETS_THIS"));
    /// ```
    pub fn from_env(variable: &str) -> Result<Self, ApiKeyError> {
        Self::from_variable(variable, std::env::var(variable))
    }

    fn from_variable(name: &str, value: Result<String, VarError>) -> Result<Self, ApiKeyError> {
        let variable = name.to_owned();
        match value.map(Zeroizing::new) {
            Err(VarError::NotPresent) => Err(ApiKeyError::Missing { variable }),
            Err(VarError::NotUnicode(_)) => Err(ApiKeyError::NotUnicode { variable }),
            Ok(key) if key.trim().is_empty() => Err(ApiKeyError::Empty { variable }),
            Ok(key) => Ok(Self::new(key.trim())),
        }
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_has_a_key_or_says_why_not() {
        let read = |value| ApiKey::from_variable("KEY", value);
        assert_eq!(read(Ok(" sk-1\n".to_owned())).unwrap().reveal(), "sk-1");
        let variable = || "KEY".to_owned();
        for (value, expected) in [
            (
                Ok(" \n".to_owned()),
                ApiKeyError::Empty {
                    variable: variable(),
                },
            ),
            (
                Err(VarError::NotPresent),
                ApiKeyError::Missing {
                    variable: variable(),
                },
            ),
            (
                Err(VarError::NotUnicode("x".into())),
                ApiKeyError::NotUnicode {
                    variable: variable(),
                },
            ),
        ] {
            assert_eq!(read(value).unwrap_err(), expected);
        }
    }
}
