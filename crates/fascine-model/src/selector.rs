use std::fmt;
use std::future::Future;
use std::sync::Arc;

use fascine_rt::BoxFuture;

use crate::{ChunkStream, Model, ModelError, Request, Response};

mod complexity;
mod max_tokens;
mod named_model;
mod words;

pub use complexity::{Complexity, ComplexityRules};
pub use max_tokens::max_tokens_for;
pub use named_model::NamedModel;

/// Chooses for each request which model is asked: by rules in order, by how complex it is, or by a function of yours.
///
/// # Defaults
///
/// - the length of the answer is left to the request
///
/// # Examples
///
/// A cheap model for what is simple, a strong one for what is not; both of one service:
///
/// ```
/// use fascine_message::Message;
/// use fascine_model::{EchoModel, Model, ModelSelector, NamedModel, Request, ScriptedModel};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let service = ScriptedModel::new(&rt).with_rule("", "Done.");
/// let small = NamedModel::new(service.clone(), "gpt-4o-mini");
/// let large = NamedModel::new(service.clone(), "gpt-4o");
/// let model = ModelSelector::by_complexity(small.clone(), small, large)
///     .with_rule(|request| request.messages.len() > 1, EchoModel);
///
/// model.invoke(Request::new([Message::user("Compare two sorting algorithms.")])).await.unwrap();
/// assert_eq!(service.requests()[0].model.as_deref(), Some("gpt-4o"));
/// # });
/// ```
#[derive(Clone)]
pub struct ModelSelector {
    name: Arc<str>,
    rules: Vec<(Arc<Applies>, Arc<dyn Model>)>,
    otherwise: Otherwise,
    max_tokens: Option<fn(&Request) -> u32>,
}

type Applies = dyn Fn(&Request) -> bool + Send + Sync;
type Choose = dyn Fn(&Request) -> BoxFuture<Result<Arc<dyn Model>, ModelError>> + Send + Sync;

#[derive(Clone)]
enum Otherwise {
    Ask(Arc<Choose>),
    Model(Arc<dyn Model>),
}

impl ModelSelector {
    /// Asks `model` whenever no rule applies.
    pub fn new(model: impl Model) -> Self {
        let name = model.name().into();
        Self::otherwise(name, Otherwise::Model(Arc::new(model)))
    }

    /// Asks one of three models, by how complex the request is after the default [`ComplexityRules`].
    pub fn by_complexity(simple: impl Model, medium: impl Model, complex: impl Model) -> Self {
        Self::by_complexity_with(ComplexityRules::default(), simple, medium, complex)
    }

    /// Asks one of three models, by how complex the request is after these rules.
    pub fn by_complexity_with(
        rules: ComplexityRules,
        simple: impl Model,
        medium: impl Model,
        complex: impl Model,
    ) -> Self {
        let rules = Arc::new(rules);
        let is = |complexity| {
            let rules = Arc::clone(&rules);
            move |request: &Request| rules.classify_request(request) == complexity
        };
        Self::new(simple)
            .with_rule(is(Complexity::Complex), complex)
            .with_rule(is(Complexity::Medium), medium)
    }

    /// Asks the model that `choose` finds, whenever no rule applies. Answers are kept and shared under `name`.
    pub fn by_function<F>(
        name: impl Into<Arc<str>>,
        choose: impl Fn(&Request) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Arc<dyn Model>, ModelError>> + Send + 'static,
    {
        let choose: Arc<Choose> = Arc::new(move |request| Box::pin(choose(request)));
        Self::otherwise(name.into(), Otherwise::Ask(choose))
    }

    fn otherwise(name: Arc<str>, otherwise: Otherwise) -> Self {
        Self {
            name,
            rules: Vec::new(),
            otherwise,
            max_tokens: None,
        }
    }

    /// Asks `model` when `applies`, and no rule that was added before does.
    #[must_use]
    pub fn with_rule(
        mut self,
        applies: impl Fn(&Request) -> bool + Send + Sync + 'static,
        model: impl Model,
    ) -> Self {
        self.rules.push((Arc::new(applies), Arc::new(model)));
        self
    }

    /// Sets how long an answer may be, in tokens, where the request does not say: [`max_tokens_for`], or a function of
    /// yours.
    #[must_use]
    pub fn with_max_tokens(mut self, max_tokens: fn(&Request) -> u32) -> Self {
        self.max_tokens = Some(max_tokens);
        self
    }

    async fn choose(&self, request: &mut Request) -> Result<Arc<dyn Model>, ModelError> {
        if let (None, Some(max_tokens)) = (request.max_tokens, self.max_tokens) {
            request.max_tokens = Some(max_tokens(request));
        }
        for (applies, model) in &self.rules {
            if applies(request) {
                return Ok(Arc::clone(model));
            }
        }
        match &self.otherwise {
            Otherwise::Ask(choose) => choose(request).await,
            Otherwise::Model(model) => Ok(Arc::clone(model)),
        }
    }
}

impl Model for ModelSelector {
    fn name(&self) -> &str {
        &self.name
    }

    fn identity(&self) -> String {
        let otherwise = match &self.otherwise {
            Otherwise::Ask(_) => self.name.as_ref().to_owned(),
            Otherwise::Model(model) => model.identity(),
        };
        let rules = self.rules.iter().map(|(_, model)| model.identity());
        rules.fold(otherwise, |all, rule| format!("{all} or {rule}"))
    }

    fn invoke(&self, mut request: Request) -> BoxFuture<Result<Response, ModelError>> {
        let this = self.clone();
        Box::pin(async move { this.choose(&mut request).await?.invoke(request).await })
    }

    fn stream(&self, mut request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        let this = self.clone();
        Box::pin(async move { this.choose(&mut request).await?.stream(request).await })
    }
}

impl fmt::Debug for ModelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let models: Vec<_> = self.rules.iter().map(|(_, model)| model).collect();
        f.debug_struct("ModelSelector")
            .field("name", &self.name)
            .field("rules", &models)
            .finish_non_exhaustive()
    }
}
