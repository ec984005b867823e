use std::collections::HashMap;

use crate::step::Step;
use crate::step_id::Key;
use crate::{GraphError, StepKey};

/// The numbers of the steps by their names.
pub(crate) struct Names<'a> {
    steps: &'a [Step],
    numbers: HashMap<&'a str, u32>,
}

impl<'a> Names<'a> {
    /// Every step has a name, and no two have the same.
    pub(crate) fn new(steps: &'a [Step]) -> Result<Self, GraphError> {
        if steps.len() >= u32::MAX as usize {
            return Err(GraphError::TooLarge);
        }
        let mut numbers = HashMap::with_capacity(steps.len());
        for (number, step) in (0..).zip(steps) {
            if step.name.is_empty() {
                return Err(GraphError::EmptyName);
            }
            if numbers.insert(&*step.name, number).is_some() {
                let name = step.name.to_string();
                return Err(GraphError::DuplicateStep { name });
            }
        }
        Ok(Self { steps, numbers })
    }

    pub(crate) fn find(&self, key: &StepKey) -> Option<u32> {
        match &key.0 {
            Key::Name(name) => self.named(name),
            Key::Number(number) => self.numbered(*number),
        }
    }

    pub(crate) fn named(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
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
        match &key.0 {
            Key::Name(name) => name.to_string(),
            Key::Number(number) => match self.steps.get(*number as usize) {
                Some(step) => step.name.to_string(),
                None => format!("#{number}"),
            },
        }
    }
}
