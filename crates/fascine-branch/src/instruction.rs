use fascine_message::{Content, Media, Message, Part, Role};
use serde_json::Value;

/// What is said to a model: text, and what goes with it.
///
/// An instruction that is text and parts is said as it is. With guidance or context it is one text of up to three
/// sections, in this order, followed by the other parts:
///
/// ```text
/// Guidance:
/// Answer for a child.
///
/// Instruction:
/// How many legs has a spider?
///
/// Context:
/// - {"asked_before":"insects"}
/// - "She is six."
/// ```
///
/// Context is JSON in one line for each value. The same instruction gives the same text.
///
/// # Examples
///
/// ```
/// use fascine_branch::Instruction;
/// use serde_json::json;
///
/// let instruction = Instruction::text("How many legs has a spider?")
///     .with_guidance("Answer for a child.")
///     .with_context(json!({ "asked_before": "insects" }));
/// assert_eq!(
///     instruction.message().text(),
///     "Guidance:\nAnswer for a child.\n\n\
///      Instruction:\nHow many legs has a spider?\n\n\
///      Context:\n- {\"asked_before\":\"insects\"}",
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Instruction {
    /// The parts, in order.
    pub content: Content,
    /// How the model is to go about it.
    pub guidance: Option<String>,
    /// What the model is to know for it.
    pub context: Vec<Value>,
}

impl Instruction {
    /// Says `text`.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            content: vec![Part::text(text)],
            ..Self::default()
        }
    }

    /// Adds a part: a picture, a document.
    #[must_use]
    pub fn with_part(mut self, part: Part) -> Self {
        self.content.push(part);
        self
    }

    /// Adds a picture.
    #[must_use]
    pub fn with_image(self, image: Media) -> Self {
        self.with_part(Part::Image(image))
    }

    /// Sets how the model is to go about it.
    #[must_use]
    pub fn with_guidance(mut self, guidance: impl Into<String>) -> Self {
        self.guidance = Some(guidance.into());
        self
    }

    /// Adds something that the model is to know for it.
    #[must_use]
    pub fn with_context(mut self, context: impl Into<Value>) -> Self {
        self.context.push(context.into());
        self
    }

    /// The message it is.
    #[must_use]
    pub fn message(&self) -> Message {
        if self.guidance.is_none() && self.context.is_empty() {
            return Message::new(Role::User, self.content.clone());
        }
        let (texts, others): (Vec<_>, Vec<_>) = self
            .content
            .iter()
            .cloned()
            .partition(|part| matches!(part, Part::Text { .. }));
        let sections = Part::text(self.sections(&texts));
        let content = std::iter::once(sections).chain(others);
        Message::new(Role::User, content.collect())
    }

    fn sections(&self, texts: &[Part]) -> String {
        let mut sections = Vec::new();
        if let Some(guidance) = &self.guidance {
            sections.push(format!("Guidance:\n{guidance}"));
        }
        let texts = texts.iter().filter_map(|part| match part {
            Part::Text { text } => Some(text.as_str()),
            _ => None,
        });
        let text: String = texts.collect();
        if !text.is_empty() {
            sections.push(format!("Instruction:\n{text}"));
        }
        if !self.context.is_empty() {
            let context = self.context.iter().map(|value| format!("\n- {value}"));
            sections.push(format!("Context:{}", context.collect::<String>()));
        }
        sections.join("\n\n")
    }
}

impl<T: Into<String>> From<T> for Instruction {
    fn from(text: T) -> Self {
        Self::text(text)
    }
}
