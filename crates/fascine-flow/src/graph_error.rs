/// Why a graph cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// Steps wait for each other.
    #[error("steps wait for each other: {}", round(path))]
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
    /// A key of the shared state has two reducers.
    #[error("there are two reducers of `{key}`")]
    DuplicateReducer {
        /// The key.
        key: String,
    },
    /// Two resources have one name.
    #[error("there are two resources named `{name}`")]
    DuplicateResource {
        /// The name.
        name: String,
    },
    /// Two steps have the same fallback step.
    #[error("step `{step}` is the fallback step of two steps")]
    DuplicateFallback {
        /// The fallback step.
        step: String,
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
    /// Two steps change one key of the shared state, and nothing says what becomes of it.
    #[error("steps `{}` and `{}` both change `{key}`, which has no reducer", steps[0], steps[1])]
    SharedKey {
        /// The key.
        key: String,
        /// The steps.
        steps: [String; 2],
    },
    /// There are more steps or edges than can be counted: four billion.
    #[error("there are too many steps or edges")]
    TooLarge,
    /// A step takes from another what that one does not give: its id is of another graph.
    #[error("step `{to}` takes `{wants}` from step `{from}`, which gives `{gives}`")]
    TypeMismatch {
        /// The step that gives.
        from: String,
        /// The step that takes.
        to: String,
        /// The type of what is given.
        gives: String,
        /// The type of what is taken.
        wants: String,
    },
    /// A step uses a resource that is not there.
    #[error("step `{step}` uses a resource `{name}` that does not exist")]
    UnknownResource {
        /// The step.
        step: String,
        /// The name that nobody has.
        name: String,
    },
    /// A step that is not there is to be begun with, or to be run in another's place.
    #[error("there is no step `{name}` to {role}")]
    UnknownRole {
        /// The name that nobody has.
        name: String,
        /// What it is to do.
        role: String,
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
    /// Nothing leads to a step from where the graph [begins](crate::GraphBuilder::entry).
    #[error("step `{step}` cannot be reached")]
    Unreachable {
        /// The step.
        step: String,
    },
    /// A step is to be [repeated](crate::GraphBuilder::repeat) not even once.
    #[error("step `{step}` may be repeated 0 times")]
    ZeroRepeats {
        /// The step.
        step: String,
    },
    /// What is given in place of a step's output is of another type.
    #[error("step `{step}` gives `{gives}`, and its fallback `{fallback}`")]
    WrongFallback {
        /// The step.
        step: String,
        /// The type of what it gives.
        gives: String,
        /// The type of what would be given in its place.
        fallback: String,
    },
}

/// A way round, without the middle of a long one.
fn round(path: &[String]) -> String {
    if path.len() <= SHOWN {
        return path.join(" -> ");
    }
    let (head, tail) = path.split_at(SHOWN / 2);
    let (middle, tail) = tail.split_at(tail.len() - SHOWN / 2);
    format!(
        "{} -> {} more -> {}",
        head.join(" -> "),
        middle.len(),
        tail.join(" -> ")
    )
}

const SHOWN: usize = 20;
