use std::sync::Arc;

use fascine_model::{Model, Request};

/// How a model is asked, for one operation: what differs from the branch's own way.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CallOptions {
    /// Everything of the request but its messages: `temperature`, `max_tokens`, `extra` and so on. A `tool_choice` that
    /// forces tools counts until the first have been called.
    pub request: Request,
    /// The model, if not the branch's own.
    pub model: Option<Arc<dyn Model>>,
}

impl CallOptions {
    /// Sets everything of the request but its messages.
    #[must_use]
    pub fn with_request(mut self, request: Request) -> Self {
        self.request = request;
        self
    }

    /// Sets the model.
    #[must_use]
    pub fn with_model(mut self, model: impl Model) -> Self {
        self.model = Some(Arc::new(model));
        self
    }
}
