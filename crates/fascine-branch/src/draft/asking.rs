use std::sync::Arc;

use fascine_message::{Message, Part};
use fascine_model::{
    Accumulator, Chunk, Model, ModelError, ModelFailure, OutputFormat, Request, Response,
    ToolChoice,
};
use fascine_rt::Panic;

use crate::draft::{Draft, Said};
use crate::yielding::Items;
use crate::{BranchError, BranchEvent, CallOptions, RequestUsage, ToolSet, TurnItem, foreign};

/// How the model is asked once within a turn.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) call: &'a CallOptions,
    pub(crate) tools: &'a ToolSet,
    /// Whether it may ask for tools.
    pub(crate) tool_use: ToolUse,
    /// What the answer has to look like, if the turn says so.
    pub(crate) output: Option<&'a OutputFormat>,
    /// What is added to the instruction as it is sent, and not stored.
    pub(crate) note: Option<&'a str>,
    /// Who wants the answer in pieces.
    pub(crate) items: Option<&'a Items<TurnItem>>,
}

/// Whether the model may ask for tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToolUse {
    /// As the caller's request says.
    AsAsked,
    /// It must not.
    Forbidden,
    /// As it likes: a model that has to ask for tools every time would never come to an answer.
    Free,
}

impl ToolUse {
    fn choice(self, asked: Option<ToolChoice>) -> Option<ToolChoice> {
        match (self, asked) {
            (Self::Forbidden, _) => Some(ToolChoice::None),
            (Self::Free, Some(ToolChoice::Required | ToolChoice::Tool(_))) => None,
            (_, asked) => asked,
        }
    }
}

impl Draft {
    /// Asks the model with all that was said.
    pub(crate) async fn ask(&mut self, asking: Asking<'_>) -> Result<Response, BranchError> {
        let model = asking.call.model.as_ref();
        let model = Arc::clone(model.unwrap_or(&self.branch.settings().model));
        let request = self.request(asking).await;
        let request = request.map_err(|error| error.after(self.requests.clone()))?;
        let admission = self.branch.admit(&*model, &request);
        let admission = admission.map_err(|error| error.after(self.requests.clone()))?;
        let asked = match asking.items {
            Some(items) => self.stream(&*model, request, items).await,
            None => foreign::await_it(async { model.invoke(request).await }).await,
        };
        if let Ok(asked) = &asked {
            admission.settle(asked);
        }
        match asked {
            Ok(Ok(response)) => {
                let usage = RequestUsage::answered(model.name(), &response);
                self.requests.push(usage);
                Ok(response)
            }
            Ok(Err(error)) => Err(self.failed(model.name(), error)),
            Err(panic) => Err(self.panicked(format!("model `{}`", model.name()), &panic)),
        }
    }

    /// What the model is asked: what was said before is pruned until it fits.
    async fn request(&mut self, asking: Asking<'_>) -> Result<Request, BranchError> {
        let mut request = asking.call.request.clone();
        if request.tools.is_empty() {
            request.tools = asking.tools.specs().cloned().collect();
        }
        let capabilities = self.branch.capabilities();
        let tools = &mut request.tools;
        tools.retain(|tool| capabilities.permits_tool(&tool.name));
        if !request.tools.is_empty() {
            request.tool_choice = asking.tool_use.choice(request.tool_choice);
        }
        if let Some(output) = asking.output {
            request.output = output.clone();
        }
        request.messages = self.system().await?.into_iter().collect();
        let instruction = self.said.first().map(|said| with_note(said, asking.note));
        let since = self.said.iter().skip(1).map(|said| said.message.clone());
        let said: Vec<_> = instruction.into_iter().chain(since).collect();
        self.base = self.branch.fit(&self.base, &said, &mut request)?;
        let before = self.base.iter().cloned();
        request.messages.extend(before.chain(said));
        Ok(request)
    }

    async fn system(&mut self) -> Result<Option<Message>, BranchError> {
        if let Some(written) = &self.system {
            return Ok(written.clone());
        }
        let written = self.branch.write_system(Some(self.id)).await?;
        self.system = Some(written.clone());
        Ok(written)
    }

    /// Asks, and gives the pieces of the answer to whoever wants them.
    async fn stream(
        &mut self,
        model: &dyn Model,
        request: Request,
        items: &Items<TurnItem>,
    ) -> Result<Result<Response, ModelError>, Panic> {
        let begun = foreign::await_it(async { model.stream(request).await }).await?;
        let mut chunks = match begun {
            Ok(chunks) => chunks,
            Err(error) => return Ok(Err(error)),
        };
        self.coming = Some(Accumulator::new());
        loop {
            match foreign::await_it(chunks.chunk()).await? {
                Ok(Some(chunk)) => self.heard(chunk, items).await,
                Ok(None) => break,
                Err(error) => return Ok(Err(error)),
            }
        }
        let answer = self.coming.take().unwrap_or_default();
        let mut response = answer.into_response();
        response.attempts = chunks.attempts();
        Ok(Ok(response))
    }

    async fn heard(&mut self, chunk: Chunk, items: &Items<TurnItem>) {
        if let Some(coming) = &mut self.coming {
            coming.push(&chunk);
        }
        self.branch.emit(|| BranchEvent::Chunk {
            turn: self.id,
            chunk: chunk.clone(),
        });
        items.give(TurnItem::Chunk(chunk)).await;
    }

    fn failed(&mut self, model: &str, source: ModelError) -> BranchError {
        if let ModelFailure::Interrupted(interrupted) = source.failure()
            && self.coming.is_none()
        {
            let mut coming = Accumulator::new();
            for part in interrupted.partial.content() {
                coming.push(&Chunk::Part(part.clone()));
            }
            self.coming = Some(coming);
        }
        self.requests.push(RequestUsage::failed(model, &source));
        BranchError::Model {
            branch: self.branch.name().to_owned(),
            model: model.to_owned(),
            source,
            requests: self.requests.clone(),
        }
    }
}

/// The instruction as it is sent.
fn with_note(said: &Said, note: Option<&str>) -> Message {
    let Some(note) = note else {
        return said.message.clone();
    };
    let note = Part::text(format!("\n\n{note}"));
    let parts = said.message.content().iter().cloned().chain([note]);
    Message::new(said.message.role(), parts.collect())
}
