use std::hash::BuildHasher;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::blocks::Blocks;
use crate::step::Step;
use crate::step_id::Key;
use crate::{GraphError, StepKey};

/// Where to look for the steps by their names.
pub(crate) struct Index {
    /// Numbers alone: the names are in the steps.
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Index {
    /// Every step has a name, and no two have the same.
    pub(crate) fn new(steps: &Blocks<Step>) -> Result<Self, GraphError> {
        if steps.len() >= u32::MAX as usize {
            return Err(GraphError::TooLarge);
        }
        let hasher = DefaultHashBuilder::default();
        let name = |number: &u32| &*steps[*number as usize].name;
        let mut numbers = HashTable::with_capacity(steps.len());
        for (number, step) in (0..).zip(steps) {
            if step.name.is_empty() {
                return Err(GraphError::EmptyName);
            }
            let is_same = |other: &u32| *name(other) == *step.name;
            let hash = |number: &u32| hasher.hash_one(name(number));
            match numbers.entry(hasher.hash_one(&*step.name), is_same, hash) {
                Entry::Vacant(entry) => entry.insert(number),
                Entry::Occupied(_) => {
                    let name = step.name.to_string();
                    return Err(GraphError::DuplicateStep { name });
                }
            };
        }
        Ok(Self { numbers, hasher })
    }
}

/// The numbers of the steps by their names.
pub(crate) struct Names<'a> {
    steps: &'a Blocks<Step>,
    index: &'a Index,
}

impl<'a> Names<'a> {
    pub(crate) fn new(steps: &'a Blocks<Step>, index: &'a Index) -> Self {
        Self { steps, index }
    }

    pub(crate) fn find(&self, key: &StepKey) -> Option<u32> {
        match &key.0 {
            Key::Name(name) => self.named(name),
            Key::Number(number) => self.numbered(*number),
        }
    }

    pub(crate) fn named(&self, name: &str) -> Option<u32> {
        let is_it = |number: &u32| *self.steps[*number as usize].name == *name;
        let hash = self.index.hasher.hash_one(name);
        self.index.numbers.find(hash, is_it).copied()
    }

    pub(crate) fn numbered(&self, number: u32) -> Option<u32> {
        (number < self.steps.len() as u32).then_some(number)
    }

    /// The steps that are to play that role.
    pub(crate) fn all(&self, keys: &[StepKey], role: &str) -> Result<Vec<u32>, GraphError> {
        let find = |key| {
            let unknown = || GraphError::UnknownRole {
                name: self.text(key),
                role: role.to_owned(),
            };
            self.find(key).ok_or_else(unknown)
        };
        keys.iter().map(find).collect()
    }

    /// What to call the step in an error.
    pub(crate) fn text(&self, key: &StepKey) -> String {
        let step = self.find(key).map(|number| &self.steps[number as usize]);
        step.map_or_else(|| key.text(), |step| step.name.to_string())
    }
}
