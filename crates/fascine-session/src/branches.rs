use std::collections::{BTreeMap, HashMap};

use fascine_branch::Branch;

use crate::{BranchId, BranchKey};

/// The branches of a session: ids grow, so they are in the order in which they were added.
#[derive(Clone, Debug)]
pub(crate) struct Branches {
    all: BTreeMap<BranchId, Branch>,
    names: HashMap<String, BranchId>,
    default: BranchId,
}

/// Why the branches of a session cannot be changed that way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BranchesError {
    /// The default branch cannot be removed.
    #[error("branch `{name}` is the default: set another one before it is removed")]
    Default {
        /// Its name.
        name: String,
    },
    /// There is one of that name.
    #[error("there is a branch `{name}` already")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// There is none of that id or name.
    #[error("there is no branch `{key}`")]
    Unknown {
        /// What was looked for.
        key: BranchKey,
    },
}

impl Branches {
    pub(crate) fn new(default: Branch) -> Self {
        let id = BranchId::next();
        Self {
            names: HashMap::from([(default.name().to_owned(), id)]),
            all: BTreeMap::from([(id, default)]),
            default: id,
        }
    }

    pub(crate) fn add(&mut self, branch: Branch) -> Result<BranchId, BranchesError> {
        self.check_free(branch.name())?;
        let id = BranchId::next();
        self.names.insert(branch.name().to_owned(), id);
        self.all.insert(id, branch);
        Ok(id)
    }

    pub(crate) fn check_free(&self, name: &str) -> Result<(), BranchesError> {
        match self.names.contains_key(name) {
            true => Err(BranchesError::Duplicate {
                name: name.to_owned(),
            }),
            false => Ok(()),
        }
    }

    pub(crate) fn remove(&mut self, key: BranchKey) -> Result<Branch, BranchesError> {
        let unknown = BranchesError::Unknown { key: key.clone() };
        let id = self.id(&key).ok_or(unknown.clone())?;
        if id == self.default {
            let name = self.default().name().to_owned();
            return Err(BranchesError::Default { name });
        }
        let removed = self.all.remove(&id).ok_or(unknown)?;
        self.names.remove(removed.name());
        Ok(removed)
    }

    pub(crate) fn set_default(&mut self, key: BranchKey) -> Result<(), BranchesError> {
        self.default = self.id(&key).ok_or(BranchesError::Unknown { key })?;
        Ok(())
    }

    pub(crate) fn find(&self, key: &BranchKey) -> Option<&Branch> {
        self.all.get(&self.id(key)?)
    }

    pub(crate) fn default(&self) -> &Branch {
        &self.all[&self.default]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (BranchId, &Branch)> {
        self.all.iter().map(|(id, branch)| (*id, branch))
    }

    fn id(&self, key: &BranchKey) -> Option<BranchId> {
        match key {
            BranchKey::Id(id) => self.all.contains_key(id).then_some(*id),
            BranchKey::Name(name) => self.names.get(name).copied(),
        }
    }
}
