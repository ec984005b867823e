use std::fmt;
use std::sync::Arc;

use fascine_resilience::{Fallback, FallbackError, LimitError};
use fascine_rt::BoxFuture;

use crate::begun::begun;
use crate::{ApiErrorKind, ChunkStream, Model, ModelError, ModelFailure, Request, Response};

/// Models to be asked in turn, until one answers.
///
/// A stream falls through as well, until it has something to show: text, thoughts, a tool call. After that it is this
/// stream or none; what was read is never said again by another model. If no model answers, the error is
/// [`ModelFailure::AllFailed`], with what each of them failed with, in order; an error that is not passed over by the
/// first model is given as it is.
///
/// A request that names its model names it to every member: put the names into the members
/// ([`NamedModel`](crate::NamedModel)) where they differ.
///
/// # Defaults
///
/// - The next model is asked after every error that may have to do with the one before: what
///   [`is_retryable`](ModelError::is_retryable), no place in its limits or among its calls, a circuit breaker that is
///   open or forced open, a service that is closed, overload, a quota that is used up, an answer not in its format.
/// - It is not asked after an invalid request, or one that the provider or a hook refused for what it is; and not when
///   what a service may cost is spent: that was your decision, and no trouble of the model's.
///   [`when`](Self::when) decides otherwise.
///
/// # Examples
///
/// ```
/// use fascine_message::Message;
/// use fascine_model::{FallbackModel, Model, Request, ScriptedModel};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let model = FallbackModel::new(ScriptedModel::new(&rt).with_failure(529, "overloaded"))
///     .or(ScriptedModel::new(&rt).with_answer("Eight."));
/// let response = model.invoke(Request::new([Message::user("Legs?")])).await.unwrap();
/// assert_eq!((response.text().as_str(), response.attempts), ("Eight.", 2));
/// # });
/// ```
#[derive(Clone)]
pub struct FallbackModel {
    first: Arc<dyn Model>,
    others: Vec<Arc<dyn Model>>,
    when: Arc<IsPassedOver>,
    observer: Option<Arc<Observer>>,
}

type IsPassedOver = dyn Fn(&ModelError) -> bool + Send + Sync;
type Observer = dyn Fn(&[ModelError]) + Send + Sync;
type Call<T> = fn(Arc<dyn Model>, Request) -> BoxFuture<Result<T, ModelError>>;

impl FallbackModel {
    /// Makes a chain of one model.
    pub fn new(first: impl Model) -> Self {
        Self {
            first: Arc::new(first),
            others: Vec::new(),
            when: Arc::new(is_passed_over),
            observer: None,
        }
    }

    /// Adds a model to the end of the chain.
    #[must_use]
    pub fn or(mut self, model: impl Model) -> Self {
        self.others.push(Arc::new(model));
        self
    }

    /// Sets after which errors the next model is asked; another one ends the chain.
    #[must_use]
    pub fn when(
        mut self,
        is_passed_over: impl Fn(&ModelError) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.when = Arc::new(is_passed_over);
        self
    }

    /// Sets what is told the errors, in order, whenever a model other than the first answers.
    #[must_use]
    pub fn with_observer(
        mut self,
        observer: impl Fn(&[ModelError]) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Asks in turn; gives the answer, and how many requests failed before it.
    async fn ask<T: 'static>(
        self,
        request: Request,
        call: Call<T>,
    ) -> Result<(T, u32), ModelError> {
        let mut chain = Fallback::new().when(move |error| (self.when)(error));
        if let Some(observer) = self.observer {
            chain = chain.with_observer(move |errors| observer(errors));
        }
        for model in self.others {
            let request = request.clone();
            chain = chain.or(move |_| call(Arc::clone(&model), request.clone()));
        }
        match chain.run(|| call(self.first, request)).await {
            Ok(served) => Ok((served.value, requests(&served.errors))),
            Err(errors) if errors.others.is_empty() => Err(errors.first),
            Err(errors) => Err(all_failed(errors)),
        }
    }
}

impl Model for FallbackModel {
    fn name(&self) -> &str {
        self.first.name()
    }

    fn identity(&self) -> String {
        let others = self.others.iter().map(|model| model.identity());
        others.fold(self.first.identity(), |all, other| {
            format!("{all} or {other}")
        })
    }

    fn invoke(&self, request: Request) -> BoxFuture<Result<Response, ModelError>> {
        let asked = self.clone().ask(request, |model, request| {
            Box::pin(async move { model.invoke(request).await })
        });
        Box::pin(async move {
            let (mut response, failed) = asked.await?;
            response.attempts = with_failed(response.attempts, failed);
            Ok(response)
        })
    }

    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        let asked = self.clone().ask(request, |model, request| {
            Box::pin(async move { begun(model.stream(request).await?).await })
        });
        Box::pin(async move {
            let (stream, failed): (ChunkStream, u32) = asked.await?;
            let attempts = with_failed(stream.attempts(), failed);
            Ok(stream.with_attempts(attempts))
        })
    }
}

impl fmt::Debug for FallbackModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FallbackModel")
            .field("first", &self.first)
            .field("others", &self.others)
            .finish_non_exhaustive()
    }
}

fn is_passed_over(error: &ModelError) -> bool {
    match error.failure() {
        ModelFailure::Api(api) => {
            error.is_retryable()
                || matches!(
                    api.kind,
                    ApiErrorKind::Overloaded
                        | ApiErrorKind::QuotaExhausted
                        | ApiErrorKind::RateLimited
                        | ApiErrorKind::Server
                        | ApiErrorKind::Timeout
                )
        }
        ModelFailure::Limited(limit) => !matches!(limit, LimitError::UnknownQuota { .. }),
        ModelFailure::CircuitOpen(_)
        | ModelFailure::Closed
        | ModelFailure::Concurrency(_)
        | ModelFailure::Malformed { .. }
        | ModelFailure::Unavailable(_) => true,
        ModelFailure::AllFailed(errors) => is_passed_over(errors.last()),
        _ => error.is_retryable(),
    }
}

fn all_failed(errors: FallbackError<ModelError>) -> ModelError {
    let attempts = errors.iter().map(ModelError::attempts).sum();
    ModelError::new(ModelFailure::AllFailed(Box::new(errors)), attempts)
}

fn requests(errors: &[ModelError]) -> u32 {
    errors.iter().map(ModelError::attempts).sum()
}

/// An answer that took no request is marked by that, whatever failed before it.
fn with_failed(attempts: u32, failed: u32) -> u32 {
    match attempts {
        0 => 0,
        attempts => attempts.saturating_add(failed),
    }
}
