/// Why a tool is not in a set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ToolSetError {
    /// There is one of that name.
    #[error("there are two tools `{name}`")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// Providers do not take the name.
    #[error("`{name}` is no name for a tool: it takes 1 to 64 of a-z, A-Z, 0-9, `_` and `-`")]
    InvalidName {
        /// The name.
        name: String,
    },
    /// What it takes is no object, and models call tools with objects alone.
    #[error("the tool `{name}` takes no object: give it a struct")]
    NoObject {
        /// The tool.
        name: String,
    },
}
