use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use fascine_rt::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::operation_error::OperationError;
use super::reducers::BUILT_IN;
use crate::shared_state::Reducer;
use crate::{StepContext, StepResult};

/// The functions that a [`FlowSpec`](crate::FlowSpec) can name.
///
/// ```
/// use fascine_flow::{FlowSpec, Operations, StepContext};
/// use serde::Deserialize;
/// use serde_json::Value;
///
/// #[derive(Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Fetch {
///     url: String,
/// }
///
/// let operations = Operations::new()
///     .with("fetch", |fetch: Fetch, _: StepContext| async move { Ok(format!("GET {}", fetch.url)) })
///     .with("anything", |value: Value, _| async move { Ok(value) });
/// let spec = FlowSpec::from_json("f.json", r#"{
///     "steps": { "load": { "operation": "fetch", "with": { "url": 5 } } }
/// }"#)?;
/// assert_eq!(
///     spec.check(&operations).unwrap_err().to_string(),
///     "f.json:2:58: steps.load.with.url: it does not fit operation `fetch`: \
///      invalid type: integer `5`, expected a string",
/// );
/// # Ok::<(), fascine_flow::SpecErrors>(())
/// ```
#[derive(Clone, Default)]
pub struct Operations {
    operations: BTreeMap<String, Operation>,
    reducers: BTreeMap<String, Reducer>,
}

/// What a step from data does.
#[derive(Clone)]
pub(crate) struct Operation {
    name: Arc<str>,
    call: Arc<Call>,
    fits: fn(Option<Value>) -> Result<(), Misfit>,
}

type Call = dyn Fn(Option<Value>, StepContext) -> Result<Called, Misfit> + Send + Sync;

/// What a function gives, on its way to being JSON.
type Called = BoxFuture<StepResult<Value>>;

/// Why a function cannot take a value: where in the value, and what serde says.
pub(crate) type Misfit = serde_path_to_error::Error<serde_json::Error>;

impl Operations {
    /// Begins with none.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function, in place of the one that had its name. What a file says under `with` has to fit its first
    /// argument, which may be a [`Value`] to take anything; where there is no `with`, it gets an empty table, or nothing
    /// if it does not take that.
    #[must_use]
    pub fn with<P, F, Fut, T>(mut self, name: impl Into<String>, work: F) -> Self
    where
        P: DeserializeOwned,
        F: Fn(P, StepContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = StepResult<T>> + Send + 'static,
        T: Serialize + Send,
    {
        let call = move |with, context| {
            let made = work(parameters::<P>(with)?, context);
            let called: Called = Box::pin(async move { Ok(serde_json::to_value(made.await?)?) });
            Ok(called)
        };
        let name = name.into();
        let operation = Operation {
            name: name.as_str().into(),
            call: Arc::new(call),
            fits: |with| parameters::<P>(with).map(drop),
        };
        self.operations.insert(name, operation);
        self
    }

    /// Adds a reducer for keys of the shared state, in place of the one that had its name.
    ///
    /// There are these already: `append` (to a list), `concat` (two lists or two texts), `keep` (what was there first),
    /// `max`, `merge` (two tables), `min`, `replace` (by what came last), and `sum`.
    #[must_use]
    pub fn with_reducer(
        mut self,
        name: impl Into<String>,
        reduce: impl Fn(Option<&Value>, Value) -> StepResult<Value> + Send + Sync + 'static,
    ) -> Self {
        self.reducers.insert(name.into(), Arc::new(reduce));
        self
    }

    /// The names of the functions, in the order of the alphabet.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.operations.keys().map(String::as_str)
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Operation> {
        self.operations.get(name)
    }

    pub(crate) fn reducer(&self, name: &str) -> Option<Reducer> {
        let own = self.reducers.get(name).cloned();
        own.or_else(|| {
            let (_, reduce) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
            Some(Arc::new(*reduce))
        })
    }

    pub(crate) fn reducer_names(&self) -> impl Iterator<Item = &str> {
        let own = self.reducers.keys().map(String::as_str);
        own.chain(BUILT_IN.iter().map(|(name, _)| *name))
    }
}

impl Operation {
    /// Whether the function can take this.
    pub(crate) fn check(&self, with: Option<Value>) -> Result<(), Misfit> {
        (self.fits)(with)
    }

    pub(crate) fn call(
        &self,
        with: Option<Value>,
        context: StepContext,
    ) -> Result<Called, OperationError> {
        (self.call)(with, context).map_err(|misfit| OperationError::Parameters {
            operation: self.name.to_string(),
            field: misfit.path().to_string(),
            source: misfit.into_inner(),
        })
    }
}

fn parameters<P: DeserializeOwned>(with: Option<Value>) -> Result<P, Misfit> {
    let Some(with) = with else {
        let empty = serde_path_to_error::deserialize(Value::Object(Map::new()));
        return empty.or_else(|misfit| P::deserialize(Value::Null).map_err(|_| misfit));
    };
    serde_path_to_error::deserialize(with)
}

impl fmt::Debug for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operations")
            .field("operations", &self.operations.keys())
            .field("reducers", &self.reducers.keys())
            .finish()
    }
}
