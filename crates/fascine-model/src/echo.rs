use fascine_message::Message;
use fascine_rt::BoxFuture;

use crate::scripted::{last_question, pieces};
use crate::{ChunkStream, Model, ModelError, Request, Response};

/// A model that says what the user said last.
///
/// ```
/// use fascine_message::Message;
/// use fascine_model::{EchoModel, Model, Request};
/// # fascine_testing::TestRuntime::run(|_| async move {
///
/// let response = EchoModel.invoke(Request::new([Message::user("Hello?")])).await.unwrap();
/// assert_eq!(response.text(), "Hello?");
/// # });
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct EchoModel;

impl EchoModel {
    fn answer(request: &Request) -> Response {
        let mut response = Response::new(Message::assistant(last_question(request)));
        response.model = "echo".to_owned();
        response
    }
}

impl Model for EchoModel {
    fn name(&self) -> &str {
        "echo"
    }

    fn invoke(&self, request: Request) -> BoxFuture<Result<Response, ModelError>> {
        Box::pin(async move { Ok(Self::answer(&request)) })
    }

    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        Box::pin(async move { Ok(pieces(&Self::answer(&request))) })
    }
}
