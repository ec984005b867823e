use crate::problem::Problem;

/// Checks that every call of a tool has its result, and every result its call.
#[derive(Debug, Default)]
pub(crate) struct ToolTurns {
    /// The calls that have no result yet: name and where they were.
    open: Vec<(String, String)>,
}

impl ToolTurns {
    pub(crate) fn called(&mut self, id: &str, path: String) {
        self.open.push((id.to_owned(), path));
    }

    /// A result has come for a call.
    pub(crate) fn answered(&mut self, id: &str, path: &str) -> Result<(), Problem> {
        match self.open.iter().position(|(open, _)| open == id) {
            Some(at) => {
                self.open.remove(at);
                Ok(())
            }
            None => {
                let message = format!("No tool call with the id '{id}' waits for this result.");
                Err(Problem::invalid(path.to_owned(), message))
            }
        }
    }

    /// Something else has come, or the end: no call may be without a result.
    pub(crate) fn closed(&self) -> Result<(), Problem> {
        match self.open.first() {
            Some((id, path)) => {
                let message = format!("The tool call '{id}' has no result.");
                Err(Problem::invalid(path.clone(), message))
            }
            None => Ok(()),
        }
    }
}
