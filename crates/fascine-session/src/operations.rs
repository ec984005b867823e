//! What an operation can be: each verb of a branch, and functions of the program.

use std::future::Future;
use std::sync::Arc;

use fascine_branch::{
    Act, Branch, Chat, Communicate, HandleValidation, Interpret, Operate, Outcome, Parse, Parsed,
    React, Select,
};
use fascine_flow::{StepContext, StepResult};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::given::Answers;
use crate::verb::Verb;
use crate::{Operation, OperationOutput};

impl Operation {
    /// Says something and waits for the answer: [`Branch::communicate`].
    pub fn communicate(what: impl Into<Communicate>) -> Self {
        let what = what.into();
        Self::says(move |branch, answers| {
            let mut what = what.clone();
            answers.put_under(&mut what.instruction);
            async move { Ok(branch.communicate(what).await?.into()) }
        })
    }

    /// Asks one thing and stores nothing: [`Branch::chat`].
    pub fn chat(what: impl Into<Chat>) -> Self {
        let what = what.into();
        Self::says(move |branch, answers| {
            let mut what = what.clone();
            answers.put_under(&mut what.instruction);
            async move { Ok(branch.chat(what).await?.into()) }
        })
    }

    /// Has an answer that is a `T`: [`Branch::operate`].
    pub fn operate<T>(what: impl Into<Operate>) -> Self
    where
        T: DeserializeOwned + JsonSchema + Serialize + Send + 'static,
    {
        let what = what.into();
        Self::says(move |branch, answers| {
            let mut what = what.clone();
            answers.put_under(&mut what.instruction);
            async move {
                let answer = branch.operate::<T>(what).await?;
                Ok(OperationOutput::of_turn(&answer.value, &answer.reply)?)
            }
        })
    }

    /// As [`operate`](Self::operate), but an answer that does not fit is handled as you say: [`Branch::operate_as`].
    pub fn operate_as<T>(what: impl Into<Operate>, handle: HandleValidation) -> Self
    where
        T: DeserializeOwned + JsonSchema + Serialize + Send + 'static,
    {
        let what = what.into();
        Self::says(move |branch, answers| {
            let mut what = what.clone();
            answers.put_under(&mut what.instruction);
            async move {
                let answer = branch.operate_as::<T>(what, handle).await?;
                let (data, is_partial) = data_of(answer.value)?;
                let output = OperationOutput::of_turn(&data, &answer.reply)?;
                Ok(OperationOutput {
                    is_partial,
                    ..output
                })
            }
        })
    }

    /// Reasons, acts and checks itself, up to an answer that is a `T`: [`Branch::react`].
    pub fn react<T>(what: impl Into<React>) -> Self
    where
        T: DeserializeOwned + JsonSchema + Serialize + Send + 'static,
    {
        let what = what.into();
        Self::says(move |branch, answers| {
            let mut what = what.clone();
            answers.put_under(&mut what.instruction);
            async move {
                let report = branch.react::<T>(what).await?;
                Ok(OperationOutput::of_turn(&report.value, &report.reply)?)
            }
        })
    }

    /// Has the model choose: [`Branch::select`]. The data is the list of what was chosen.
    pub fn select<C>(what: Select<C>) -> Self
    where
        C: Clone + Serialize + Send + Sync + 'static,
    {
        Self::says(move |branch, answers| {
            let mut what = what.clone();
            answers.put_under(&mut what.instruction);
            async move {
                let selection = branch.select(what).await?;
                Ok(OperationOutput::of_turn(
                    &selection.selected,
                    &selection.reply,
                )?)
            }
        })
    }

    /// Makes a `T` of a text: [`Branch::parse`]. With an empty text, [`with_answers`](Self::with_answers) makes it one of
    /// an answer.
    pub fn parse<T>(what: impl Into<Parse>) -> Self
    where
        T: DeserializeOwned + JsonSchema + Serialize + Send + 'static,
    {
        let what = what.into();
        Self::says(move |branch, answers| {
            let mut what = what.clone();
            answers.put_under_text(&mut what.text);
            async move {
                let parsed = branch.parse::<T>(what).await?;
                let data = serde_json::to_value(&parsed.value)?;
                Ok(of_parsed(&parsed, data))
            }
        })
    }

    /// As [`parse`](Self::parse), but a text that does not fit is handled as you say: [`Branch::parse_as`].
    pub fn parse_as<T>(what: impl Into<Parse>, handle: HandleValidation) -> Self
    where
        T: DeserializeOwned + JsonSchema + Serialize + Send + 'static,
    {
        let what = what.into();
        Self::says(move |branch, answers| {
            let mut what = what.clone();
            answers.put_under_text(&mut what.text);
            async move {
                let parsed = branch.parse_as::<T>(what, handle).await?;
                let output = of_parsed(&parsed, Value::Null);
                let (data, is_partial) = data_of(parsed.value)?;
                Ok(OperationOutput {
                    text: OperationOutput::from(data.clone()).text,
                    data,
                    is_partial,
                    ..output
                })
            }
        })
    }

    /// Puts a request well: [`Branch::interpret`].
    pub fn interpret(what: impl Into<Interpret>) -> Self {
        let what = what.into();
        Self::says(move |branch, answers| {
            let mut what = what.clone();
            answers.put_under_text(&mut what.text);
            async move { Ok(branch.interpret(what).await?.into()) }
        })
    }

    /// Calls tools of the branch: [`Branch::act`]. The data is the list of their results. It says nothing, so answers of
    /// others are not put anywhere.
    pub fn act(what: impl Into<Act>) -> Self {
        let what = what.into();
        Self::function(move |branch, _| {
            let what = what.clone();
            async move {
                let results = branch.act(what).await?;
                Ok(OperationOutput::from_data(&results)?)
            }
        })
    }

    /// Calls a function with the fork of the branch and what is known: for all that has no name.
    ///
    /// What others gave is in the [`StepContext`], and [`OperationOutput::input`] reads it.
    pub fn function<F, Fut, T>(function: F) -> Self
    where
        F: Fn(Branch, StepContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = StepResult<T>> + Send + 'static,
        T: Into<OperationOutput>,
    {
        Self::of(Verb::Does(Arc::new(move |branch, context| {
            let called = function(branch, context);
            Box::pin(async move { called.await.map(Into::into) })
        })))
    }

    /// Calls the function that is [registered](crate::Session::register) with the session by this name, with these
    /// parameters.
    pub fn registered(function: impl Into<String>, parameters: impl Into<Value>) -> Self {
        Self::of(Verb::Registered {
            function: function.into(),
            parameters: Arc::new(parameters.into()),
        })
    }

    fn says<F, Fut>(say: F) -> Self
    where
        F: Fn(Branch, Answers) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = StepResult<OperationOutput>> + Send + 'static,
    {
        Self::of(Verb::Says(Arc::new(move |branch, answers| {
            Box::pin(say(branch, answers))
        })))
    }
}

/// What there is, and whether it is only a part.
fn data_of<T: Serialize>(outcome: Outcome<T>) -> Result<(Value, bool), serde_json::Error> {
    Ok(match outcome {
        Outcome::Incomplete(incomplete) => (incomplete.value, true),
        Outcome::None => (Value::Null, true),
        Outcome::Valid(value) => (serde_json::to_value(value)?, false),
    })
}

/// What a text came to, and what that cost.
fn of_parsed<T>(parsed: &Parsed<T>, data: Value) -> OperationOutput {
    let requests = parsed.requests.iter();
    let attempts = requests.clone().map(|request| request.attempts);
    OperationOutput {
        data: data.clone(),
        usage: requests.map(|request| request.usage).sum(),
        attempts: Some(attempts.fold(0, u32::saturating_add)),
        ..OperationOutput::from(data)
    }
}
