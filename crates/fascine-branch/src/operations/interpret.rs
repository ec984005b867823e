use fascine_message::Message;
use fascine_model::Response;

use crate::{Branch, BranchError, CallOptions};

/// What [`Branch::interpret`] is to do. A text is one.
///
/// # Defaults
///
/// - the domain is `general`, the style `concise`
/// - the temperature is 0.1, unless the request has one
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Interpret {
    /// What the user wrote.
    pub text: String,
    /// What it is about.
    pub domain: String,
    /// How it is to be written.
    pub style: String,
    /// An example of how it is to be written.
    pub sample_writing: Option<String>,
    /// The temperature, for a request that has none. Some models take none.
    pub temperature: Option<f64>,
    /// How the model is asked.
    pub call: CallOptions,
}

impl Interpret {
    /// Rewrites `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            domain: "general".to_owned(),
            style: "concise".to_owned(),
            sample_writing: None,
            temperature: Some(0.1),
            call: CallOptions::default(),
        }
    }

    /// Says what it is about.
    #[must_use]
    pub fn with_domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = domain.into();
        self
    }

    /// Says how it is to be written.
    #[must_use]
    pub fn with_style(mut self, style: impl Into<String>) -> Self {
        self.style = style.into();
        self
    }

    /// Gives an example of how it is to be written.
    #[must_use]
    pub fn with_sample_writing(mut self, sample: impl Into<String>) -> Self {
        self.sample_writing = Some(sample.into());
        self
    }

    /// Sets how the model is asked.
    #[must_use]
    pub fn with_call(mut self, call: CallOptions) -> Self {
        self.call = call;
        self
    }

    fn question(&self) -> String {
        let sample = self.sample_writing.as_ref();
        let sample = sample.map(|sample| format!("\nSample of the style:\n{sample}\n"));
        format!(
            "Rewrite what the user wrote as a clear prompt for a language model. Keep all that it asks for, add nothing \
             to it, and answer with the prompt alone.\n\nDomain: {}\nStyle: {}\n{}\nThe user wrote:\n{}",
            self.domain,
            self.style,
            sample.unwrap_or_default(),
            self.text
        )
    }
}

impl<T: Into<String>> From<T> for Interpret {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

impl Branch {
    /// Has the model rewrite what a user wrote as a clearer prompt. It hears the history, and nothing is stored.
    ///
    /// # Errors
    ///
    /// [`BranchError`] when there is no answer.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the call.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_branch::{Branch, Interpret};
    /// # use fascine_model::ScriptedModel;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let model = ScriptedModel::new(&rt).with_rule("legs??", "Say how many legs a spider has.");
    /// let branch = Branch::new(&rt, "zoology", model);
    /// let what = Interpret::new("spider legs??").with_domain("zoology");
    /// let prompt = branch.interpret(what).await.unwrap().text();
    /// assert_eq!(prompt, "Say how many legs a spider has.");
    /// # });
    /// ```
    pub async fn interpret(&self, what: impl Into<Interpret>) -> Result<Response, BranchError> {
        let what = what.into();
        let mut request = what.call.request.clone();
        request.temperature = request.temperature.or(what.temperature);
        let question = Message::user(what.question());
        let request = self.request_aside(request, question).await?;
        self.ask_aside(&what.call, request).await
    }
}
