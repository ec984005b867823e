use std::sync::{Arc, Mutex, PoisonError};

use fascine_concurrency::gather;
use fascine_message::Message;
use fascine_rt::Rt;

use crate::context::Info;
use crate::{Context, ContextError, PromptError, UnknownContextProvider};

mod layout;

pub use layout::PromptLayout;

/// What the model is told before the conversation. A text is one.
///
/// It is a value: whatever is added makes another prompt, and one that is used in two branches, or made of a list that
/// is used again, does not change.
///
/// # Examples
///
/// ```
/// use fascine_branch::{Context, SystemPrompt};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let prompt = SystemPrompt::new()
///     .with_background(["You know Rust."])
///     .with_steps(["Read the question.", "Answer it."])
///     .with_output_instructions(["Be concise."])
///     .with_context("edition", Context::from_fn("Edition", || "2024"));
/// let text = prompt.render(&rt).await.unwrap();
/// assert_eq!(text, "\
/// You know Rust.
///
/// Steps:
/// 1. Read the question.
/// 2. Answer it.
///
/// Answer:
/// - Be concise.
///
/// Edition:
/// 2024");
/// # });
/// ```
#[derive(Clone, Debug, Default)]
pub struct SystemPrompt(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    parts: Parts,
    /// What was written last: as long as it stays the same it is one message, whose tokens are counted once.
    last: Mutex<Option<Message>>,
}

/// What it is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts {
    pub(crate) background: Vec<String>,
    pub(crate) steps: Vec<String>,
    pub(crate) output_instructions: Vec<String>,
    layout: PromptLayout,
    /// By name, in the order in which they were registered.
    contexts: Vec<(String, Context)>,
}

/// A prompt as it is sent, and what it does without.
pub(crate) struct Written {
    /// None if there is nothing to say.
    pub(crate) message: Option<Message>,
    pub(crate) skipped: Vec<(String, ContextError)>,
}

impl SystemPrompt {
    /// Begins with nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The text, if it is no more than that; a prompt that is made anew for each request has none.
    pub(crate) fn as_text(&self) -> Option<String> {
        let parts = &self.0.parts;
        parts
            .contexts
            .is_empty()
            .then(|| parts.layout.write(parts, &[]))
    }

    /// Tells it `text`.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new().with_background([text])
    }

    /// Sets what the model is, and what it is there for.
    #[must_use]
    pub fn with_background(self, items: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.edit(|parts| parts.background = texts(items))
    }

    /// Sets how the model is to go about it.
    #[must_use]
    pub fn with_steps(self, items: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.edit(|parts| parts.steps = texts(items))
    }

    /// Sets what the answer is to be like.
    #[must_use]
    pub fn with_output_instructions(
        self,
        items: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.edit(|parts| parts.output_instructions = texts(items))
    }

    /// Sets how it is laid out.
    #[must_use]
    pub fn with_layout(self, layout: PromptLayout) -> Self {
        self.edit(|parts| parts.layout = layout)
    }

    /// Registers a context provider under a name. One of the same name is replaced, and the new one takes its place.
    #[must_use]
    pub fn with_context(self, name: impl Into<String>, context: impl Into<Context>) -> Self {
        let (name, context) = (name.into(), context.into());
        self.edit(|parts| {
            let known = parts.contexts.iter_mut().find(|known| known.0 == name);
            match known {
                Some(known) => known.1 = context,
                None => parts.contexts.push((name, context)),
            }
        })
    }

    /// Leaves the context provider of this name out.
    ///
    /// # Errors
    ///
    /// [`UnknownContextProvider`] if there is none.
    pub fn without_context(self, name: &str) -> Result<Self, UnknownContextProvider> {
        if self.context(name).is_none() {
            return Err(UnknownContextProvider {
                name: name.to_owned(),
            });
        }
        Ok(self.edit(|parts| parts.contexts.retain(|known| known.0 != name)))
    }

    /// The context provider of this name.
    #[must_use]
    pub fn context(&self, name: &str) -> Option<&Context> {
        let contexts = self.0.parts.contexts.iter();
        contexts
            .filter(|known| known.0 == name)
            .map(|known| &known.1)
            .next()
    }

    /// Writes it as it would be sent now. All context providers are asked at the same time; what they say stands in the
    /// order in which they were registered.
    ///
    /// # Errors
    ///
    /// [`PromptError`] when a provider fails that may not be left out; the others are dropped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops those of the providers.
    pub async fn render(&self, rt: &Rt) -> Result<String, PromptError> {
        let infos = self.infos(rt).await?;
        Ok(self.0.parts.layout.write(&self.0.parts, &infos))
    }

    /// Writes it for a turn.
    pub(crate) async fn write(&self, rt: &Rt) -> Result<Written, PromptError> {
        let infos = self.infos(rt).await?;
        let text = self.0.parts.layout.write(&self.0.parts, &infos);
        let names = self.0.parts.contexts.iter().map(|(name, _)| name);
        let skipped = names.zip(infos).filter_map(|(name, info)| {
            let error = info.skipped?;
            Some((name.clone(), error))
        });
        let skipped = skipped.collect();
        let message = (!text.is_empty()).then(|| self.message(text));
        Ok(Written { message, skipped })
    }

    async fn infos(&self, rt: &Rt) -> Result<Vec<Info>, PromptError> {
        let asked = self.0.parts.contexts.iter().map(|(name, context)| async {
            context.info(rt).await.map_err(|source| PromptError {
                provider: name.clone(),
                source,
            })
        });
        gather(asked).await
    }

    fn message(&self, text: String) -> Message {
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(message) if message.text() == text => message.clone(),
            _ => last.insert(Message::system(text)).clone(),
        }
    }

    fn edit(self, change: impl FnOnce(&mut Parts)) -> Self {
        let mut parts = self.0.parts.clone();
        change(&mut parts);
        Self(Arc::new(Inner {
            parts,
            last: Mutex::default(),
        }))
    }
}

impl<T: Into<String>> From<T> for SystemPrompt {
    fn from(text: T) -> Self {
        Self::text(text)
    }
}

fn texts(items: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    items.into_iter().map(Into::into).collect()
}
