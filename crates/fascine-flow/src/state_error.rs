use serde_json::Error;

/// Why the shared state cannot be changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The step has ended.
    #[error("step `{step}` has ended, and changes nothing more")]
    Ended {
        /// The step.
        step: String,
    },
    /// The [reducer](crate::GraphBuilder::try_reducer) of the key refused the value.
    #[error("the reducer of `{key}` refuses the value")]
    Reducer {
        /// The key.
        key: String,
        /// Why it does.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The step did not say that it [writes](crate::StepBuilder::writes) the key.
    #[error("step `{step}` writes `{key}` without having declared it")]
    Undeclared {
        /// The step.
        step: String,
        /// The key.
        key: String,
    },
    /// The version is no longer kept, or never was.
    #[error("version {version} of the shared state is not kept")]
    UnknownVersion {
        /// The version.
        version: u64,
    },
    /// The value cannot be JSON.
    #[error("the value of `{key}` cannot be JSON")]
    Value {
        /// The key.
        key: String,
        /// What the serializer says.
        source: Error,
    },
}
