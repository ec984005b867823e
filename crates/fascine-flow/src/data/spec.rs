use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use serde_json::Value;

use super::field::Field;
use super::node::Node;
use super::parameter_spec::ParameterSpec;
use super::problem::Problem;
use super::source::{Source, check_names};
use super::spec_error::{Complaints, Origin, SpecErrors};
use super::step_spec::StepSpec;
use super::{check, read_flow};

/// A flow as plain data: what a file says of it.
///
/// It is read from JSON, TOML or YAML, checked, built into a [`Graph`](crate::Graph) with the functions that its steps
/// [name](crate::Operations), and written out again. What is read back from what was written is the same description.
///
/// # Examples
///
/// ```
/// use fascine_flow::{Flow, FlowSpec, Operations, StepContext};
/// use serde_json::{Value, json};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let spec = FlowSpec::from_json("greet.json", r#"{
///     "parameters": { "who": { "type": "string", "default": "world" } },
///     "steps": {
///         "greet": { "operation": "say", "with": "hello {{ params.who }}" },
///         "shout": { "operation": "say", "with": "{{ steps.greet | upper }}!", "after": ["greet"] }
///     }
/// }"#)?;
/// let operations = Operations::new().with("say", |text: String, _| async move { Ok(text) });
/// let graph = spec.build(&rt, &operations, [("who", json!("Ada"))])?;
/// let report = Flow::new(&rt).run(&graph).await;
/// assert_eq!(report.step("shout").unwrap().json(), Some(json!("HELLO ADA!")));
///
/// let wrong = FlowSpec::from_json("wrong.json", r#"{ "steps": { "a": { "operaton": "say" } } }"#);
/// assert_eq!(
///     wrong.unwrap_err().to_string(),
///     "wrong.json:1:14: steps.a: the field `operation` is missing\n\
///      wrong.json:1:21: steps.a.operaton: there is no field `operaton`; did you mean `operation`?",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FlowSpec {
    /// What it is called.
    pub name: Option<String>,
    /// The version of the flow, in whatever way its authors count.
    pub version: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// What has to be given when it is built.
    pub parameters: BTreeMap<String, ParameterSpec>,
    /// How many steps may [use](StepSpec::resource) each resource at once.
    pub resources: BTreeMap<String, NonZeroUsize>,
    /// What the shared state begins with. It is no part of a graph: it goes to
    /// [`Flow::with_state`](crate::Flow::with_state), as [`initial_state`](Self::initial_state).
    pub state: BTreeMap<String, Value>,
    /// What makes one value of several, by its [name](crate::Operations::with_reducer), for keys of the shared state.
    pub reducers: BTreeMap<String, String>,
    /// Flows that steps can [run](crate::WorkSpec::Flow), by their names. They have no state and no flows of their own:
    /// those of the whole are theirs.
    pub flows: BTreeMap<String, FlowSpec>,
    /// The steps, in the order in which they are added to the graph.
    pub steps: Vec<StepSpec>,
    pub(crate) origin: Origin,
}

impl FlowSpec {
    /// Begins with nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The step of that name.
    #[must_use]
    pub fn step(&self, name: &str) -> Option<&StepSpec> {
        self.steps.iter().find(|step| step.name == name)
    }

    /// What the shared state begins with.
    #[must_use]
    pub fn initial_state(&self) -> crate::Snapshot {
        let values = self.state.iter();
        crate::Snapshot::new(values.map(|(key, value)| (key.as_str(), value.clone())))
    }

    /// Reads JSON. The name of the file is for errors alone: nothing is opened.
    ///
    /// # Errors
    ///
    /// [`SpecErrors`] lists all that is wrong, with lines and fields. Names of operations are looked at
    /// [later](Self::check).
    pub fn from_json(file: &str, source: impl AsRef<[u8]>) -> Result<Self, SpecErrors> {
        let read =
            |source: &Source<'_>| super::read_json::read(source).map_err(|error| vec![error]);
        Self::read(file, source.as_ref(), read)
    }

    /// Reads TOML. The name of the file is for errors alone: nothing is opened.
    ///
    /// # Errors
    ///
    /// As for [`from_json`](Self::from_json).
    #[cfg(feature = "toml")]
    pub fn from_toml(file: &str, source: impl AsRef<[u8]>) -> Result<Self, SpecErrors> {
        Self::read(file, source.as_ref(), super::read_toml::read)
    }

    /// Reads YAML 1.2. The name of the file is for errors alone: nothing is opened.
    ///
    /// # Errors
    ///
    /// As for [`from_json`](Self::from_json).
    #[cfg(feature = "yaml")]
    pub fn from_yaml(file: &str, source: impl AsRef<[u8]>) -> Result<Self, SpecErrors> {
        let read =
            |source: &Source<'_>| super::read_yaml::read(source).map_err(|error| vec![error]);
        Self::read(file, source.as_ref(), read)
    }

    fn read(
        file: &str,
        bytes: &[u8],
        read: impl FnOnce(&Source<'_>) -> Result<Node, Vec<(super::Place, Problem)>>,
    ) -> Result<Self, SpecErrors> {
        let mut origin = Origin {
            file: file.to_owned(),
            root: None,
        };
        let source = Source::new(file, bytes)?;
        let root = match read(&source) {
            Ok(root) => std::sync::Arc::new(root),
            Err(errors) => {
                let mut complaints = Complaints::new(&origin);
                for (place, problem) in errors {
                    complaints.add_at(Some(place), String::new(), problem);
                }
                return complaints.or(Self::default());
            }
        };
        origin.root = Some(root.clone());
        let mut complaints = Complaints::new(&origin);
        check_names(&root, &Field::root(), &mut complaints);
        let mut spec = read_flow::read(&root, &mut complaints);
        spec.origin = origin;
        check::check(&spec, &mut complaints);
        complaints.or(spec)
    }
}
