use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use fascine_rt::BoxFuture;

use super::inner::Inner;
use super::{calling, outside};
use crate::{ModelError, Request, Response, Waiting};

/// A call that can say what it waits for; from [`ModelService::call`](crate::ModelService::call).
///
/// # Errors
///
/// [`ModelError`] when there is no answer.
///
/// # Cancel safety
///
/// Dropping it withdraws the request if it is still waiting, and aborts it if it is on its way.
#[must_use = "futures do nothing unless they are awaited"]
pub struct Invocation {
    service: Arc<Inner>,
    id: Arc<OnceLock<u64>>,
    future: BoxFuture<Result<Response, ModelError>>,
}

impl Invocation {
    pub(super) fn new(service: &Arc<Inner>, request: Request) -> Self {
        let id = Arc::new(OnceLock::new());
        let began = Arc::clone(&id);
        let began = move |id| {
            let _ = began.set(id);
        };
        let inner = Arc::clone(service);
        Self {
            service: Arc::clone(service),
            id,
            future: match &service.layers {
                Some(_) => Box::pin(outside::invoke(inner, request, began)),
                None => Box::pin(calling::invoke(inner, request, began)),
            },
        }
    }

    /// The number of the call; `None` before its first poll.
    #[must_use]
    pub fn id(&self) -> Option<u64> {
        self.id.get().copied()
    }

    /// What the call waits for; `None` if it is on its way, has ended, or has not begun.
    #[must_use]
    pub fn waiting(&self) -> Option<Waiting> {
        let wait = self.service.calls.wait_of(self.id()?)?;
        Some(self.service.explain(&wait))
    }
}

impl Future for Invocation {
    type Output = Result<Response, ModelError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.future.as_mut().poll(cx)
    }
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invocation")
            .field("id", &self.id())
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}
