use std::sync::Arc;

use fascine_rt::BoxFuture;

use crate::{ChunkStream, Model, ModelError, Request, Response};

/// One model of a service that has several: asks for it where the request names none.
///
/// ```
/// use fascine_message::Message;
/// use fascine_model::{Model, NamedModel, Request, ScriptedModel};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let service = ScriptedModel::new(&rt).with_answer("Eight.");
/// let model = NamedModel::new(service.clone(), "gpt-4o");
/// model.invoke(Request::new([Message::user("Legs?")])).await.unwrap();
/// assert_eq!(service.requests()[0].model.as_deref(), Some("gpt-4o"));
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct NamedModel {
    service: Arc<dyn Model>,
    model: Arc<str>,
}

impl NamedModel {
    /// Asks `service` for `model`.
    pub fn new(service: impl Model, model: impl Into<Arc<str>>) -> Self {
        Self {
            service: Arc::new(service),
            model: model.into(),
        }
    }

    fn name_in(&self, mut request: Request) -> Request {
        let model = || self.model.as_ref().to_owned();
        request.model.get_or_insert_with(model);
        request
    }
}

impl Model for NamedModel {
    fn name(&self) -> &str {
        self.service.name()
    }

    fn identity(&self) -> String {
        format!("{}/{}", self.service.identity(), self.model)
    }

    fn invoke(&self, request: Request) -> BoxFuture<Result<Response, ModelError>> {
        self.service.invoke(self.name_in(request))
    }

    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        self.service.stream(self.name_in(request))
    }
}
