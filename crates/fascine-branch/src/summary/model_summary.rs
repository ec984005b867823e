use std::error::Error;
use std::fmt::Write;
use std::sync::Arc;

use fascine_message::{Message, Part};
use fascine_model::{Model, Request};
use fascine_rt::BoxFuture;

use super::Summariser;
use crate::Turn;

/// Asks a model for a summary.
///
/// The turns are written out as a text: who said what, which tools were called, and what came of it. Pictures and the
/// like are left out.
///
/// # Defaults
///
/// - an instruction in English that asks for facts, decisions and open questions
#[derive(Clone, Debug)]
pub struct ModelSummary {
    model: Arc<dyn Model>,
    instruction: String,
    request: Request,
}

impl ModelSummary {
    /// Asks `model`.
    pub fn new(model: impl Model) -> Self {
        Self {
            model: Arc::new(model),
            instruction: INSTRUCTION.to_owned(),
            request: Request::default(),
        }
    }

    /// Sets what the model is told to do.
    #[must_use]
    pub fn with_instruction(mut self, instruction: impl Into<String>) -> Self {
        self.instruction = instruction.into();
        self
    }

    /// Sets everything of the request but its messages.
    #[must_use]
    pub fn with_request(mut self, request: Request) -> Self {
        self.request = request;
        self
    }
}

impl Summariser for ModelSummary {
    fn summarise(
        &self,
        turns: Vec<Turn>,
    ) -> BoxFuture<Result<String, Box<dyn Error + Send + Sync>>> {
        let model = Arc::clone(&self.model);
        let mut request = self.request.clone();
        request.messages = vec![
            Message::system(self.instruction.clone()),
            Message::user(written(&turns)),
        ];
        Box::pin(async move {
            let response = model.invoke(request).await?;
            let text = response.message.text();
            match text.trim() {
                "" => Err("the model said nothing".into()),
                text => Ok(format!("{HEADING}\n{text}")),
            }
        })
    }
}

/// Who said what.
fn written(turns: &[Turn]) -> String {
    let mut text = String::new();
    for message in turns.iter().flat_map(Turn::messages) {
        for part in message.content() {
            // Writing to a text does not fail.
            let _ = match part {
                Part::Text { text: said } => writeln!(text, "{}: {said}", message.role()),
                Part::ToolCall(call) => {
                    writeln!(text, "calls {} with {}", call.name, call.arguments)
                }
                Part::ToolResult(result) => writeln!(text, "result: {}", result.text),
                _ => Ok(()),
            };
        }
    }
    text
}

const INSTRUCTION: &str = "Sum up this part of a conversation for whoever goes on with it. Keep facts, names, numbers, \
    decisions and open questions; leave out greetings and repetitions. Answer with the summary alone.";
const HEADING: &str = "What was said before, in short:";
