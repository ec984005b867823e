use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// A branch of a session. No two branches of a program have the same, in whatever sessions they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BranchId(u64);

impl BranchId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Display for BranchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Which branch of a session is meant: its [`BranchId`] or its name. Complete by definition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BranchKey {
    /// The one with this id.
    Id(BranchId),
    /// The one with this name.
    Name(String),
}

impl From<BranchId> for BranchKey {
    fn from(id: BranchId) -> Self {
        Self::Id(id)
    }
}

impl From<&str> for BranchKey {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<&String> for BranchKey {
    fn from(name: &String) -> Self {
        Self::Name(name.clone())
    }
}

impl From<String> for BranchKey {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}

impl fmt::Display for BranchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}
