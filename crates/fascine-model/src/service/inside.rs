use std::fmt;
use std::sync::Arc;

use fascine_rt::BoxFuture;
use tracing::Span;

use super::calling;
use super::inner::Inner;
use super::ledger::Ledger;
use crate::canonical::identity_of;
use crate::{ChunkStream, Model, ModelError, Request, Response};

/// The service's own requests, as what goes round them sees them: made for one call, and counted with it.
pub(crate) struct Inside {
    pub(crate) service: Arc<Inner>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) span: Span,
}

impl Model for Inside {
    fn name(&self) -> &str {
        self.service.provider.name()
    }

    fn identity(&self) -> String {
        identity_of(&*self.service.provider)
    }

    fn invoke(&self, request: Request) -> BoxFuture<Result<Response, ModelError>> {
        let admission = self
            .service
            .admit_inside(&request, &self.ledger, &self.span);
        Box::pin(calling::invoke_inside(admission, request))
    }

    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        let admission = self
            .service
            .admit_inside(&request, &self.ledger, &self.span);
        Box::pin(calling::stream_inside(admission, request))
    }
}

impl fmt::Debug for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inside")
            .field("ledger", &self.ledger)
            .finish_non_exhaustive()
    }
}
