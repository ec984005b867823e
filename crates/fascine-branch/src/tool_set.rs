use std::collections::BTreeMap;
use std::sync::Arc;

use fascine_model::ToolSpec;

use crate::Tool;

/// Tools by name. A clone costs nothing.
#[derive(Clone, Debug, Default)]
pub struct ToolSet(Arc<BTreeMap<String, Arc<dyn Tool>>>);

impl ToolSet {
    /// Begins with none.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tool; one of the same name is replaced.
    #[must_use]
    pub fn with(mut self, tool: impl Tool) -> Self {
        let name = tool.spec().name.clone();
        Arc::make_mut(&mut self.0).insert(name, Arc::new(tool));
        self
    }

    /// Leaves out the tools whose names do not fit.
    #[must_use]
    pub fn only(mut self, fits: impl Fn(&str) -> bool) -> Self {
        if self.0.keys().any(|name| !fits(name)) {
            Arc::make_mut(&mut self.0).retain(|name, _| fits(name));
        }
        self
    }

    /// The tool of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.0.get(name)
    }

    /// How they are described to a model, by name.
    pub fn specs(&self) -> impl Iterator<Item = &ToolSpec> {
        self.0.values().map(|tool| tool.spec())
    }

    /// Returns whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
