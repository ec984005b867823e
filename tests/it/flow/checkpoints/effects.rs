//! What steps did, to be counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use fascine::flow::RunId;

/// How often each step was really run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effects(Arc<Mutex<BTreeMap<String, u32>>>);

impl Effects {
    pub(crate) fn add(&self, step: &str) {
        *self.0.lock().unwrap().entry(step.to_owned()).or_default() += 1;
    }

    pub(crate) fn of(&self, step: &str) -> u32 {
        self.0.lock().unwrap().get(step).copied().unwrap_or(0)
    }

    pub(crate) fn all(&self) -> BTreeMap<String, u32> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

pub(crate) fn run_id(name: &str) -> RunId {
    RunId::new(name).unwrap()
}
