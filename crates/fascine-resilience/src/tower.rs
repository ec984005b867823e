//! The bridge to tower: a pipeline as a layer.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use crate::{Pipeline, PipelineError, Policy};

/// A [`Pipeline`] as a layer of tower, made by [`Pipeline::layer`]. Clones are the same pipeline.
///
/// For each attempt the service and the request are cloned, and the clone of the service is waited for until it is
/// ready: what it waits for counts as part of the attempt. The layered service itself is always ready; to refuse work
/// at the door there is [`Pipeline::shed`].
///
/// # Examples
///
/// ```
/// # use fascine_resilience::{Pipeline, PipelineError, Retry, Verdict};
/// # use std::task::{Context, Poll};
/// # use tower_layer::Layer;
/// # use tower_service::Service;
/// #[derive(Clone)]
/// struct Double;
///
/// impl Service<u32> for Double {
///     type Response = u32;
///     type Error = String;
///     type Future = std::future::Ready<Result<u32, String>>;
///
///     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), String>> {
///         Poll::Ready(Ok(()))
///     }
///
///     fn call(&mut self, n: u32) -> Self::Future {
///         std::future::ready(n.checked_mul(2).ok_or_else(|| "too much".to_owned()))
///     }
/// }
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let pipeline = Pipeline::new().retry(Retry::new(&rt), |_: &String| Verdict::Stop);
/// let mut service = pipeline.layer().layer(Double);
/// assert_eq!(service.call(21).await, Ok(42));
/// assert!(matches!(service.call(u32::MAX).await, Err(PipelineError::GaveUp(_))));
/// # });
/// ```
#[derive(Debug)]
pub struct PipelineLayer<P> {
    policies: Arc<P>,
}

/// A service of tower inside a [`Pipeline`].
#[derive(Debug)]
pub struct PipelineService<P, S> {
    policies: Arc<P>,
    service: S,
}

impl<P, const INNERMOST: u8> Pipeline<P, INNERMOST> {
    /// Makes a layer of tower out of it.
    #[must_use]
    pub fn layer(self) -> PipelineLayer<Self> {
        PipelineLayer {
            policies: Arc::new(self),
        }
    }
}

impl<P> Clone for PipelineLayer<P> {
    fn clone(&self) -> Self {
        Self {
            policies: Arc::clone(&self.policies),
        }
    }
}

impl<P, S> Layer<S> for PipelineLayer<P> {
    type Service = PipelineService<P, S>;

    fn layer(&self, service: S) -> Self::Service {
        PipelineService {
            policies: Arc::clone(&self.policies),
            service,
        }
    }
}

impl<P, S: Clone> Clone for PipelineService<P, S> {
    fn clone(&self) -> Self {
        Self {
            policies: Arc::clone(&self.policies),
            service: self.service.clone(),
        }
    }
}

impl<P, S, Request, const INNERMOST: u8> Service<Request>
    for PipelineService<Pipeline<P, INNERMOST>, S>
where
    P: Policy<S::Response, S::Error> + 'static,
    S: Service<Request> + Clone + Send + Sync + 'static,
    S::Response: Send + 'static,
    S::Error: Send + 'static,
    S::Future: Send,
    Request: Clone + Send + Sync + 'static,
{
    type Response = S::Response;
    type Error = PipelineError<S::Error>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // Readiness belongs to the clone that makes the call: see `PipelineLayer`.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let policies = Arc::clone(&self.policies);
        let service = self.service.clone();
        Box::pin(async move {
            let attempt = || {
                let (mut service, request) = (service.clone(), request.clone());
                async move {
                    poll_fn(|cx| service.poll_ready(cx)).await?;
                    service.call(request).await
                }
            };
            policies.run(attempt).await
        })
    }
}
