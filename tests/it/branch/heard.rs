//! A model that remembers what it was asked.

use std::sync::{Arc, Mutex};

use fascine::model::{ChunkStream, Model, ModelError, Request, Response};
use fascine::rt::BoxFuture;

/// Passes everything on, and remembers the requests.
#[derive(Clone, Debug)]
pub(super) struct Heard<M> {
    requests: Arc<Mutex<Vec<Request>>>,
    model: M,
}

impl<M> Heard<M> {
    pub(super) fn new(model: M) -> Self {
        Self {
            requests: Arc::default(),
            model,
        }
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The texts of the latest request.
    pub(super) fn last(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        let messages = &requests.last().unwrap().messages;
        messages.iter().map(|message| message.text()).collect()
    }
}

impl<M: Model> Model for Heard<M> {
    fn name(&self) -> &str {
        "heard"
    }

    fn invoke(&self, request: Request) -> BoxFuture<Result<Response, ModelError>> {
        self.requests.lock().unwrap().push(request.clone());
        self.model.invoke(request)
    }

    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        self.requests.lock().unwrap().push(request.clone());
        self.model.stream(request)
    }
}
