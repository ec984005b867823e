use std::sync::Arc;

use fascine_http::{Timeouts, Transport};
use fascine_resilience::{Bulkhead, CircuitBreaker, Retry, RetryError, Retryable};
use fascine_rt::Rt;

use super::admission::{Admission, Part};
use super::alarms::Alarms;
use super::calls::{Calls, Wait};
use super::cost::Cost;
use super::layers::Layers;
use super::ledger::Ledger;
use super::shared_limiter::SharedLimiter;
use super::spending::Spending;
use super::stage::Stage;
use crate::spans::chat_span;
use crate::{
    EmbedRequest, Hooks, Metrics, ModelError, ModelFailure, Provider, Request, TokenCounter,
    Waiting, WaitingCall,
};

/// What the clones of a service share.
pub(crate) struct Inner {
    pub(crate) rt: Rt,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) transport: Arc<dyn Transport>,
    /// The provider's own model: most calls name no other.
    pub(crate) model: Arc<str>,
    pub(crate) limiter: SharedLimiter,
    pub(crate) adapts: bool,
    pub(crate) queue_capacity: usize,
    pub(crate) bulkhead: Option<Bulkhead>,
    pub(crate) breaker: Option<CircuitBreaker>,
    pub(crate) retry: Retry,
    pub(crate) timeouts: Timeouts,
    pub(crate) alarms: Arc<Alarms>,
    pub(crate) max_response_bytes: usize,
    pub(crate) tokens: Box<dyn TokenCounter>,
    pub(crate) spending: Spending,
    pub(crate) hooks: Vec<Arc<dyn Hooks>>,
    pub(crate) metrics: Metrics,
    pub(crate) traces_content: bool,
    pub(crate) calls: Calls,
    pub(crate) layers: Option<Box<Layers>>,
}

impl Inner {
    /// Lets a call in.
    pub(crate) fn admit(
        self: &Arc<Self>,
        request: &Request,
        streams: bool,
    ) -> Result<Admission, ModelError> {
        let (model, span) = self.named(request, streams);
        self.enter(model, span)
    }

    /// Lets a call in whose requests are made inside of it.
    pub(crate) fn admit_outside(
        self: &Arc<Self>,
        request: &Request,
        streams: bool,
    ) -> Result<(Admission, Arc<Ledger>), ModelError> {
        let (model, span) = self.named(request, streams);
        let mut admission = self.enter(model, span)?;
        let ledger = Arc::new(Ledger::new(admission.key()));
        admission.part = Part::Outside(Arc::clone(&ledger));
        Ok((admission, ledger))
    }

    /// Begins what is done for a call that is in.
    pub(crate) fn admit_inside(
        self: &Arc<Self>,
        request: &Request,
        ledger: &Arc<Ledger>,
        span: &tracing::Span,
    ) -> Admission {
        let model = self.model_of(request.model.as_deref());
        let key = self.calls.enter_inside(ledger.key.id);
        let mut admission = Admission::new(self, model, key, span.clone());
        admission.part = Part::Inside(Arc::clone(ledger));
        admission
    }

    fn named(&self, request: &Request, streams: bool) -> (Arc<str>, tracing::Span) {
        let model = self.model_of(request.model.as_deref());
        let span = chat_span(
            self.provider.name(),
            &model,
            request,
            streams,
            self.traces_content,
        );
        (model, span)
    }

    pub(crate) fn enter(
        self: &Arc<Self>,
        model: Arc<str>,
        span: tracing::Span,
    ) -> Result<Admission, ModelError> {
        let Some(key) = self.calls.enter() else {
            return Err(ModelError::new(ModelFailure::Closed, 0));
        };
        Ok(Admission::new(self, model, key, span))
    }

    pub(crate) fn model_of(&self, model: Option<&str>) -> Arc<str> {
        match model {
            Some(model) => model.into(),
            None => Arc::clone(&self.model),
        }
    }

    /// Whether there is anything for which tokens are counted before they are sent.
    pub(crate) fn counts_tokens(&self) -> bool {
        self.limiter.counts_tokens() || self.spending.is_bounded()
    }

    /// What a request takes of the limits; nothing is counted that nothing limits.
    pub(crate) fn cost(&self, request: &Request) -> Cost {
        match self.counts_tokens() {
            true => Cost::of(&*self.tokens, request),
            false => Cost::of_requests_alone(),
        }
    }

    /// Asks the hooks before anything is reserved.
    pub(crate) async fn ask_hooks(
        &self,
        admission: &Admission,
        request: &mut Request,
    ) -> Result<(), ModelError> {
        for hooks in &self.hooks {
            let asked = hooks.before(&admission.call(), request).await;
            asked.map_err(|reason| ModelError::new(ModelFailure::Refused { reason }, 0))?;
        }
        Ok(())
    }

    /// As [`ask_hooks`](Self::ask_hooks), for embeddings.
    pub(crate) async fn ask_hooks_to_embed(
        &self,
        admission: &Admission,
        request: &mut EmbedRequest,
    ) -> Result<(), ModelError> {
        for hooks in &self.hooks {
            let asked = hooks.before_embedding(&admission.call(), request).await;
            asked.map_err(|reason| ModelError::new(ModelFailure::Refused { reason }, 0))?;
        }
        Ok(())
    }

    /// Makes attempts until one succeeds or there is a reason to give up.
    pub(crate) fn attempts<'a, T, F>(
        &'a self,
        admission: &'a Admission,
        mut attempt: impl FnMut() -> F + 'a,
    ) -> impl Future<Output = Result<T, RetryError<ModelFailure>>>
    where
        F: Future<Output = Result<T, ModelFailure>> + 'a,
    {
        let mut number = 0;
        let attempt = move || {
            number += 1;
            admission.attempt_begins(number);
            attempt()
        };
        attempt
            .retry(&self.retry)
            .classify(ModelFailure::verdict)
            .notify(|failure, before| admission.backs_off(failure, before))
    }

    /// What a wait comes to, for others.
    pub(crate) fn explain(&self, wait: &Wait) -> Waiting {
        match &wait.stage {
            Stage::Backoff { until } => Waiting::Backoff { until: *until },
            Stage::Breaker { until } => Waiting::BreakerOpen { until: *until },
            Stage::Concurrency => Waiting::Concurrency {
                in_flight: self.bulkhead.as_ref().map_or(0, Bulkhead::running),
            },
            Stage::Limiter { number, cost } => self.limiter.why(*number, cost, self.rt.now()),
        }
    }

    pub(crate) fn waiting_calls(&self) -> Vec<WaitingCall> {
        let waits = self.calls.waits().into_iter();
        waits
            .map(|(id, wait)| WaitingCall {
                id,
                since: wait.since,
                why: self.explain(&wait),
            })
            .collect()
    }
}
