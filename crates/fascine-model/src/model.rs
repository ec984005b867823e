use std::fmt;
use std::sync::Arc;

use fascine_rt::BoxFuture;

use crate::{ChunkStream, ModelError, Request, Response};

/// Something that answers.
pub trait Model: fmt::Debug + Send + Sync + 'static {
    /// What to call it in logs and reports.
    fn name(&self) -> &str;

    /// What tells it from every model that may answer the same request differently: its provider, its address, the
    /// model it asks by itself. Answers are kept and shared under this name. It does not change. The
    /// [`name`](Self::name), unless it says more.
    fn identity(&self) -> String {
        self.name().to_owned()
    }

    /// Asks, and waits for the whole answer.
    ///
    /// # Errors
    ///
    /// The future gives a [`ModelError`] when there is no answer.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future withdraws the request if it is still waiting, and aborts it if it is on its way.
    fn invoke(&self, request: Request) -> BoxFuture<Result<Response, ModelError>>;

    /// Asks, and waits for the beginning of the answer; the rest comes as it is made.
    ///
    /// # Errors
    ///
    /// The future gives a [`ModelError`] when there is no answer; the stream gives one, as its last item, when the
    /// answer breaks off.
    ///
    /// # Cancel safety
    ///
    /// As for [`invoke`](Self::invoke); dropping the stream aborts the answer.
    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>>;
}

impl<M: Model + ?Sized> Model for Arc<M> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn identity(&self) -> String {
        (**self).identity()
    }

    fn invoke(&self, request: Request) -> BoxFuture<Result<Response, ModelError>> {
        (**self).invoke(request)
    }

    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        (**self).stream(request)
    }
}
