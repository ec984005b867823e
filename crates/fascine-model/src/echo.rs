use fascine_message::{Message, Role};
use fascine_rt::BoxFuture;

use crate::scripted::pieces;
use crate::{ChunkStream, Model, ModelError, Request, Response};

/// A model that says what the user said last.
#[derive(Clone, Copy, Debug, Default)]
pub struct EchoModel;

impl EchoModel {
    fn answer(request: &Request) -> Response {
        let mut asked = request
            .messages
            .iter()
            .rev()
            .filter(|said| said.role() == Role::User);
        let text = asked.next().map(Message::text).unwrap_or_default();
        let mut response = Response::new(Message::assistant(text));
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
