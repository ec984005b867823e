use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use fascine_branch::Branch;
use fascine_flow::{StepContext, StepResult};
use fascine_rt::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::OperationOutput;

/// The functions that were registered with a session, by their names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Functions(BTreeMap<String, Function>);

/// A function of that name is registered already.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a function `{function}` is registered already")]
#[non_exhaustive]
pub struct DuplicateFunction {
    /// The name.
    pub function: String,
}

/// A function that an operation calls by its name.
#[derive(Clone)]
pub(crate) struct Function {
    check: fn(&Value) -> Result<(), serde_json::Error>,
    call: Arc<Call>,
}

type Call =
    dyn Fn(Branch, StepContext, &Value) -> BoxFuture<StepResult<OperationOutput>> + Send + Sync;

impl Functions {
    pub(crate) fn add(
        &mut self,
        name: String,
        function: Function,
    ) -> Result<(), DuplicateFunction> {
        if self.0.contains_key(&name) {
            return Err(DuplicateFunction { function: name });
        }
        self.0.insert(name, function);
        Ok(())
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Function> {
        self.0.remove(name)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Function> {
        self.0.get(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl Function {
    pub(crate) fn new<P, F, Fut, T>(function: F) -> Self
    where
        P: DeserializeOwned,
        F: Fn(Branch, StepContext, P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = StepResult<T>> + Send + 'static,
        T: Into<OperationOutput>,
    {
        Self {
            check: |parameters| P::deserialize(parameters).map(|_| ()),
            call: Arc::new(move |branch, context, parameters| {
                let parameters = P::deserialize(parameters);
                let called = parameters.map(|parameters| function(branch, context, parameters));
                Box::pin(async move { called?.await.map(Into::into) })
            }),
        }
    }

    /// Whether it takes these parameters.
    pub(crate) fn check(&self, parameters: &Value) -> Result<(), serde_json::Error> {
        (self.check)(parameters)
    }

    pub(crate) fn call(
        &self,
        branch: Branch,
        context: StepContext,
        parameters: &Value,
    ) -> BoxFuture<StepResult<OperationOutput>> {
        (self.call)(branch, context, parameters)
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Function(..)")
    }
}
