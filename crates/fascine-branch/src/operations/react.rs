use schemars::JsonSchema;
use serde::de::DeserializeOwned;

mod metrics;
mod prompts;
mod report;
mod run;
mod stream;

use crate::{AnswerOptions, Branch, BranchError, CallOptions, Instruction, Interpret, TurnOptions};

pub use metrics::ReactMetrics;
pub use report::{Analysis, Completion, ReactReport, ReactStep};
use run::Run;
pub use stream::{ReactItem, ReactStream};

/// What [`Branch::react`] is to do. A text is one.
///
/// # Defaults
///
/// - three extensions: at most four rounds
/// - the answer is checked by the model
/// - the instruction is not interpreted first
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct React {
    /// What is said.
    pub instruction: Instruction,
    /// How many rounds there may be after the first.
    pub max_extensions: u32,
    /// Whether the answer is checked.
    pub validation: Validation,
    /// How the instruction is rewritten first, if it is; the text is that of the instruction.
    pub interpret: Option<Interpret>,
    /// How the model is asked.
    pub call: CallOptions,
    /// How the turn goes. Its limits are those of the whole run.
    pub turn: TurnOptions,
    /// How analyses and the answer become data.
    pub answer: AnswerOptions,
}

/// Whether the model checks its answer. Complete by definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validation {
    /// It does, and works on if something is missing and there are rounds left.
    #[default]
    Model,
    /// The answer is taken as it is.
    None,
}

impl React {
    /// Says `instruction`.
    pub fn new(instruction: impl Into<Instruction>) -> Self {
        Self {
            instruction: instruction.into(),
            max_extensions: 3,
            validation: Validation::default(),
            interpret: None,
            call: CallOptions::default(),
            turn: TurnOptions::default(),
            answer: AnswerOptions::default(),
        }
    }

    /// Sets how many rounds there may be after the first.
    #[must_use]
    pub fn with_max_extensions(mut self, rounds: u32) -> Self {
        self.max_extensions = rounds;
        self
    }

    /// Sets whether the answer is checked.
    #[must_use]
    pub fn with_validation(mut self, validation: Validation) -> Self {
        self.validation = validation;
        self
    }

    /// Has the instruction rewritten first. What comes of it is said along with the instruction.
    #[must_use]
    pub fn with_interpretation(mut self, how: Interpret) -> Self {
        self.interpret = Some(how);
        self
    }

    /// Sets how the model is asked.
    #[must_use]
    pub fn with_call(mut self, call: CallOptions) -> Self {
        self.call = call;
        self
    }

    /// Sets how the turn goes.
    #[must_use]
    pub fn with_turn(mut self, turn: TurnOptions) -> Self {
        self.turn = turn;
        self
    }

    /// Sets how analyses and the answer become data.
    #[must_use]
    pub fn with_answer(mut self, answer: AnswerOptions) -> Self {
        self.answer = answer;
        self
    }
}

impl<T: Into<Instruction>> From<T> for React {
    fn from(instruction: T) -> Self {
        Self::new(instruction)
    }
}

impl Branch {
    /// Has the model reason, act and check itself until it has an answer that is a `T`; a [`String`] for plain text.
    ///
    /// In each round the model may have tools called, and then says in an [`Analysis`] what it found and whether it needs
    /// another round. When it needs none, or may have none, it is asked for the answer, without tools. Then it checks
    /// the answer against the instruction; if something is missing and there are rounds left, they go on. All of it is
    /// one turn: by default the history keeps the instruction, the tool calls with their results, and the answer.
    ///
    /// The loop is that of ReAct (Yao et al., 2022), as lionagi bounds it and linus measures it.
    ///
    /// # Errors
    ///
    /// As for [`operate`](Self::operate). With [`OnLimit::Answer`](crate::OnLimit::Answer) a run that comes to a limit of
    /// its turn goes straight to the answer.
    ///
    /// # Cancel safety
    ///
    /// As for [`communicate`](Self::communicate).
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_branch::Branch;
    /// # use fascine_model::ScriptedModel;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let model = ScriptedModel::new(&rt)
    ///     .with_answer(r#"{"analysis": "Spiders are arachnids.", "extension_needed": false}"#)
    ///     .with_answer(r#"{"answer": "Eight."}"#)
    ///     .with_answer(r#"{"is_complete": true, "reasoning": "It says how many."}"#);
    /// let branch = Branch::new(&rt, "zoology", model);
    /// let report = branch.react::<String>("How many legs has a spider?").await.unwrap();
    /// assert_eq!(report.value, "Eight.");
    /// assert_eq!(report.steps[0].analysis.analysis, "Spiders are arachnids.");
    /// assert_eq!((report.metrics.iterations, report.metrics.llm_calls), (1, 3));
    /// assert_eq!(branch.history().len(), 2);
    /// # });
    /// ```
    pub async fn react<T>(&self, what: impl Into<React>) -> Result<ReactReport<T>, BranchError>
    where
        T: DeserializeOwned + JsonSchema,
    {
        let what = what.into();
        Run::begin(self, &what, None).await?.report().await
    }

    /// As [`react`](Self::react), but gives each round as it ends.
    ///
    /// Nothing is asked before the stream is polled. It owns a handle to the branch, and runs only while it is polled.
    pub fn react_stream<T>(&self, what: impl Into<React>) -> ReactStream<T>
    where
        T: DeserializeOwned + JsonSchema + Send + 'static,
    {
        ReactStream::new(self.clone(), what.into())
    }
}
