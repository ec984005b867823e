use crate::Operation;

/// Operations by name. What it says is checked when it is run.
#[derive(Clone, Debug, Default)]
pub struct OperationGraph {
    pub(crate) operations: Vec<(String, Operation)>,
}

impl OperationGraph {
    /// Begins with nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an operation.
    #[must_use]
    pub fn add_operation(mut self, name: impl Into<String>, operation: Operation) -> Self {
        self.operations.push((name.into(), operation));
        self
    }

    /// The names of the operations, in the order they were added.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.operations.iter().map(|(name, _)| name.as_str())
    }
}
