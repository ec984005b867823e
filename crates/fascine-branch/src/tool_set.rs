use std::collections::BTreeMap;
use std::sync::Arc;

use fascine_concurrency::Semaphore;
use fascine_model::ToolSpec;

use crate::{Tool, ToolLimits, ToolSetError, tool_names};

/// Tools by name. A clone costs nothing, and shares the room that the tools' limits leave.
#[derive(Clone, Debug, Default)]
pub struct ToolSet(Arc<BTreeMap<String, Entry>>);

/// A tool, and what there is once however many sets it is in.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) tool: Arc<dyn Tool>,
    pub(crate) limits: ToolLimits,
    pub(crate) room: Option<Arc<Semaphore>>,
}

impl ToolSet {
    /// Begins with none.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tool.
    ///
    /// # Errors
    ///
    /// [`ToolSetError`] when there is one of the same name, the name is none that providers take, or what it takes is no
    /// object.
    ///
    /// # Examples
    ///
    /// ```
    /// use fascine_branch::{ToolSet, ToolSetError, tool};
    ///
    /// let now = || tool(|(): ()| async { "noon" }).named("now");
    /// let tools = ToolSet::new().try_with(now())?;
    /// let error = tools.clone().try_with(now()).unwrap_err();
    /// assert_eq!(error.to_string(), "there are two tools `now`");
    /// assert_eq!(tools.with(now()).len(), 1);
    /// # Ok::<(), ToolSetError>(())
    /// ```
    pub fn try_with(self, tool: impl Tool) -> Result<Self, ToolSetError> {
        let name = &tool.spec().name;
        if !tool_names::is_valid(name) {
            return Err(ToolSetError::InvalidName { name: name.clone() });
        }
        if tool.spec().parameters["type"] != "object" {
            return Err(ToolSetError::NoObject { name: name.clone() });
        }
        if self.0.contains_key(name) {
            return Err(ToolSetError::Duplicate { name: name.clone() });
        }
        Ok(self.with(tool))
    }

    /// Adds a tool as it is; one of the same name is replaced. [`try_with`](Self::try_with) checks it.
    #[must_use]
    pub fn with(mut self, tool: impl Tool) -> Self {
        let name = tool.spec().name.clone();
        let limits = tool.limits();
        let room = limits.concurrency;
        let entry = Entry {
            tool: Arc::new(tool),
            limits,
            room: room.map(|calls| Arc::new(Semaphore::new(calls.get()))),
        };
        Arc::make_mut(&mut self.0).insert(name, entry);
        self
    }

    /// Adds the tools of another set.
    ///
    /// # Errors
    ///
    /// [`ToolSetError::Duplicate`] when both have one of the same name.
    pub fn try_with_all(mut self, others: &Self) -> Result<Self, ToolSetError> {
        let tools = Arc::make_mut(&mut self.0);
        for (name, entry) in others.0.iter() {
            if tools.insert(name.clone(), entry.clone()).is_some() {
                return Err(ToolSetError::Duplicate { name: name.clone() });
            }
        }
        Ok(self)
    }

    /// Keeps the tools whose name passes: what a fork may do.
    #[must_use]
    pub fn only(mut self, mut may_stay: impl FnMut(&str) -> bool) -> Self {
        Arc::make_mut(&mut self.0).retain(|name, _| may_stay(name));
        self
    }

    /// The tool of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.0.get(name).map(|entry| &entry.tool)
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// How they are described to a model, by name.
    pub fn specs(&self) -> impl Iterator<Item = &ToolSpec> {
        self.0.values().map(|entry| entry.tool.spec())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn entry(&self, name: &str) -> Option<&Entry> {
        self.0.get(name)
    }
}
