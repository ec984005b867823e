use fascine_message::Message;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::operations::delivery::Delivery;
use crate::structured::{Fit, Misfit, Shape};
use crate::{
    AnswerOptions, Branch, BranchError, CallOptions, HandleValidation, Outcome, RequestUsage,
};

/// What [`Branch::parse`] is to do. A text is one.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Parse {
    /// What is to be read.
    pub text: String,
    /// How the model is asked, if it has to be.
    pub call: CallOptions,
    /// How its answer becomes data; `re_asks` is how many times it is asked at most. Nothing is stored.
    pub answer: AnswerOptions,
}

/// A text that became data.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Parsed<T> {
    /// The data.
    pub value: T,
    /// The calls of the model; none if there was no need to ask it.
    pub requests: Vec<RequestUsage>,
}

impl Parse {
    /// Reads `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// Sets how the model is asked.
    #[must_use]
    pub fn with_call(mut self, call: CallOptions) -> Self {
        self.call = call;
        self
    }

    /// Sets how its answer becomes data.
    #[must_use]
    pub fn with_answer(mut self, answer: AnswerOptions) -> Self {
        self.answer = answer;
        self
    }
}

impl<T: Into<String>> From<T> for Parse {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

impl Branch {
    /// Reads a text as a `T`; only if it does not fit, the model is asked to write it down as one. Nothing is stored,
    /// and the model hears nothing of the history.
    ///
    /// # Errors
    ///
    /// [`BranchError::Invalid`] when the text does not fit, nor what the model made of it, as often as it was asked;
    /// [`BranchError::Model`] when it did not answer.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the call.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_branch::Branch;
    /// # use fascine_model::ScriptedModel;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let branch = Branch::new(&rt, "zoology", ScriptedModel::new(&rt));
    /// let parsed = branch.parse::<Vec<u32>>("The legs:\n```json\n[8, 6]\n```").await.unwrap();
    /// assert_eq!(parsed.value, [8, 6]);
    /// assert!(parsed.requests.is_empty());
    /// # });
    /// ```
    pub async fn parse<T>(&self, what: impl Into<Parse>) -> Result<Parsed<T>, BranchError>
    where
        T: DeserializeOwned + JsonSchema,
    {
        let read = self.read(what.into()).await?;
        match read.judged {
            Ok(fit) => Ok(Parsed {
                value: fit.value,
                requests: read.requests,
            }),
            Err(misfit) => Err(self.invalid(read.text, misfit, read.requests)),
        }
    }

    /// As [`parse`](Self::parse), but what becomes of a text that does not fit is the caller's choice.
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse); [`BranchError::Invalid`] only with [`HandleValidation::Raise`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the call.
    pub async fn parse_as<T>(
        &self,
        what: impl Into<Parse>,
        handle: HandleValidation,
    ) -> Result<Parsed<Outcome<T>>, BranchError>
    where
        T: DeserializeOwned + JsonSchema,
    {
        let read = self.read(what.into()).await?;
        match Outcome::of(read.judged, handle) {
            Ok(value) => Ok(Parsed {
                value,
                requests: read.requests,
            }),
            Err(misfit) => Err(self.invalid(read.text, misfit, read.requests)),
        }
    }

    async fn read<T>(&self, what: Parse) -> Result<Read<T>, BranchError>
    where
        T: DeserializeOwned + JsonSchema,
    {
        let Parse { text, call, answer } = what;
        let shape = Shape::of::<T>()?;
        let mut delivery = Delivery::new(&shape, answer.delivery, None);
        let mut left = answer.re_asks;
        let mut read = Read {
            judged: shape.decode(&text),
            text,
            requests: Vec::new(),
        };
        while left > 0
            && let Err(misfit) = &read.judged
        {
            let mut request = call.request.clone();
            let question = rewriting(&read.text, &misfit.reason, delivery.note());
            request.messages = vec![Message::user(question)];
            request.output = delivery.format().clone();
            match self.ask_aside(&call, request).await {
                Ok(response) => {
                    left -= 1;
                    read.requests
                        .push(RequestUsage::answered(self.model_name(&call), &response));
                    let answered = response.text();
                    read.judged = shape.decode(&answered);
                    // An empty answer says nothing of the text, which is asked for again.
                    if !answered.trim().is_empty() {
                        read.text = answered;
                    }
                }
                Err(error) => {
                    read.requests.extend_from_slice(error.requests());
                    if !delivery.fall_back(&error) {
                        return Err(error.after(read.requests));
                    }
                }
            }
        }
        Ok(read)
    }
}

struct Read<T> {
    judged: Result<Fit<T>, Misfit>,
    text: String,
    requests: Vec<RequestUsage>,
}

fn rewriting(text: &str, reason: &str, note: Option<&str>) -> String {
    let note = note.map(|note| format!("\n\n{note}")).unwrap_or_default();
    format!(
        "Write the text below down as the JSON document that was asked for. Add nothing that is not in it.\n\n\
         What is wrong with it so far:\n{reason}\n\nText:\n{text}{note}"
    )
}
