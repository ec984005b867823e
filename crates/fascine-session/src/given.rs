use std::sync::Arc;

use fascine_branch::{History, Instruction};
use fascine_flow::{StepContext, StepError};
use fascine_message::Part;

use crate::OperationOutput;
use crate::operation_output::Conversation;

/// What came of the steps that an operation waited for, in the order in which it named them.
#[derive(Debug)]
pub(crate) struct Given(Vec<(String, Result<OperationOutput, Arc<StepError>>)>);

impl Given {
    /// Those are left out from which no live edge came, or nothing that can be JSON.
    pub(crate) fn collect<'a>(
        context: &StepContext,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let given = names.into_iter().filter_map(|name| {
            let input = context.input_named(name)?.as_ref();
            let output = match input {
                Ok(output) => Ok(OperationOutput::read(output)?),
                Err(error) => Err(Arc::clone(error)),
            };
            Some((name.to_owned(), output))
        });
        Self(given.collect())
    }

    /// The conversation of the first that has one, or of the one with that name, and where it stands.
    pub(crate) fn conversation(&self, of: Option<&str>) -> Option<(usize, &History)> {
        let mut given = self.0.iter().enumerate();
        given.find_map(|(place, (name, given))| {
            let Conversation(history) = given.as_ref().ok()?.conversation.as_ref()?;
            let is_it = of.is_none_or(|of| of == name);
            is_it.then_some((place, history))
        })
    }

    /// The first that there is.
    pub(crate) fn first(&self) -> Option<&OperationOutput> {
        self.0.iter().find_map(|(_, given)| given.as_ref().ok())
    }

    /// What is to be read of them. The one whose conversation goes on is left out if its answer ends that.
    pub(crate) fn answers(&self, continued: Option<(usize, &History)>) -> Answers {
        let told = |place: usize, output: &OperationOutput| {
            let Some((_, history)) = continued.filter(|(continued, _)| *continued == place) else {
                return false;
            };
            let last = history.iter().next_back();
            last.is_some_and(|message| message.text() == output.text)
        };
        let answers = self.0.iter().enumerate();
        let answers = answers.filter_map(|(place, (name, given))| match given {
            Ok(output) if told(place, output) => None,
            Ok(output) => Some((name.clone(), output.answer())),
            Err(error) => Some((name.clone(), failure(error))),
        });
        Answers(answers.collect())
    }
}

/// Answers of others, to be put under what is said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers(Vec<(String, String)>);

impl Answers {
    /// Puts them under an instruction.
    pub(crate) fn put_under(&self, instruction: &mut Instruction) {
        let last = instruction.content.iter_mut().rev();
        let mut texts = last.filter_map(|part| match part {
            Part::Text { text } => Some(text),
            _ => None,
        });
        if let Some(text) = texts.next() {
            return self.put_under_text(text);
        }
        let mut text = String::new();
        self.put_under_text(&mut text);
        if !text.is_empty() {
            instruction.content.push(Part::text(text));
        }
    }

    /// Puts them under a text, each under its name. A single one under nothing is taken as it is.
    pub(crate) fn put_under_text(&self, text: &mut String) {
        if text.is_empty()
            && let [(_, answer)] = self.0.as_slice()
        {
            text.push_str(answer);
            return;
        }
        for (name, answer) in &self.0 {
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            text.push_str(&format!("# {name}\n\n{answer}"));
        }
    }
}

/// What a model gets to read of a step that failed and was told to go on.
fn failure(error: &StepError) -> String {
    let mut text = format!("(failed: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text.push(')');
    text
}
