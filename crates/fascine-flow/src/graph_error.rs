/// Why a graph cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// Steps wait for each other.
    #[error("steps wait for each other: {}", path.join(" -> "))]
    Cycle {
        /// The way round; the first step is also the last.
        path: Vec<String>,
    },
    /// Two edges join the same steps.
    #[error("there are two edges from `{from}` to `{to}`")]
    DuplicateEdge {
        /// Where they begin.
        from: String,
        /// Where they end.
        to: String,
    },
    /// Two resources have one name.
    #[error("there are two resources named `{name}`")]
    DuplicateResource {
        /// The name.
        name: String,
    },
    /// Two steps have one name.
    #[error("there are two steps named `{name}`")]
    DuplicateStep {
        /// The name.
        name: String,
    },
    /// A step has no name.
    #[error("a step has an empty name")]
    EmptyName,
    /// A step waits for more edges than lead to it.
    #[error("step `{step}` waits for {wanted} live edges, and there are {edges}")]
    ImpossibleJoin {
        /// The step.
        step: String,
        /// How many edges it wants to be live.
        wanted: u32,
        /// How many there are.
        edges: u32,
    },
    /// There are more steps or edges than can be counted: four billion.
    #[error("there are too many steps or edges")]
    TooLarge,
    /// A step uses a resource that is not there.
    #[error("step `{step}` uses a resource `{name}` that does not exist")]
    UnknownResource {
        /// The step.
        step: String,
        /// The name that nobody has.
        name: String,
    },
    /// An edge begins or ends at a step that is not there.
    #[error("the edge from `{from}` to `{to}` names a step `{name}` that does not exist")]
    UnknownStep {
        /// Where the edge begins.
        from: String,
        /// Where it ends.
        to: String,
        /// The name that nobody has.
        name: String,
    },
}
