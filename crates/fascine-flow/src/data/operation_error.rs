/// Why a step from data could not call its operation, or not use what it gave.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperationError {
    /// A step that runs a flow is given something that is no table of parameters.
    #[error("flow `{flow}` takes a table of parameters, and not {found}")]
    NoParameters {
        /// The flow.
        flow: String,
        /// What is given.
        found: &'static str,
    },
    /// What the step is given does not fit the operation.
    #[error("operation `{operation}` cannot take its field `{field}`")]
    Parameters {
        /// The operation.
        operation: String,
        /// The way to the field, within what is given; `.` is the whole.
        field: String,
        /// Why it cannot.
        source: serde_json::Error,
    },
    /// A template gives nothing.
    #[error("the template in `{field}` gives nothing: {message}")]
    Template {
        /// The way to the field of the step.
        field: String,
        /// Why it does not.
        message: String,
    },
}
