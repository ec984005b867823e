use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// The name of a step. A graph and the reports of all its runs share one text: a clone costs nothing to speak of.
///
/// ```
/// use fascine_flow::StepName;
///
/// let name = StepName::from("load");
/// assert_eq!(name, "load");
/// assert_eq!(name.to_string(), "load");
/// assert!(name.starts_with('l'));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepName(Arc<str>);

impl StepName {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for StepName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for StepName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for StepName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl PartialEq<str> for StepName {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other
    }
}

impl PartialEq<&str> for StepName {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == **other
    }
}

impl PartialEq<String> for StepName {
    fn eq(&self, other: &String) -> bool {
        *self.0 == **other
    }
}

impl PartialEq<StepName> for str {
    fn eq(&self, other: &StepName) -> bool {
        *self == *other.0
    }
}

impl PartialEq<StepName> for &str {
    fn eq(&self, other: &StepName) -> bool {
        **self == *other.0
    }
}

impl PartialEq<StepName> for String {
    fn eq(&self, other: &StepName) -> bool {
        **self == *other.0
    }
}

impl From<Arc<str>> for StepName {
    fn from(name: Arc<str>) -> Self {
        Self(name)
    }
}

impl From<&str> for StepName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl From<String> for StepName {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

impl From<StepName> for Arc<str> {
    fn from(name: StepName) -> Self {
        name.0
    }
}

impl From<StepName> for String {
    fn from(name: StepName) -> Self {
        (*name.0).to_owned()
    }
}
