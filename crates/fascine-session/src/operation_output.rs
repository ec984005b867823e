use fascine_branch::{History, Reply, Turn};
use fascine_flow::{FlowReport, Output, StepContext};
use fascine_message::Usage;
use fascine_model::Response;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// What an operation gave: what the model said, the data in it, and what it cost.
///
/// In a report it is JSON, without what there is nothing of:
///
/// ```
/// use fascine_session::OperationOutput;
/// use serde_json::json;
///
/// let output = OperationOutput::from_data(&["red", "blue"])?;
/// assert_eq!(output.text, r#"["red","blue"]"#);
/// assert_eq!(
///     serde_json::to_value(&output)?,
///     json!({
///         "text": r#"["red","blue"]"#,
///         "data": ["red", "blue"],
///         "usage": { "prompt_tokens": 0, "completion_tokens": 0 },
///     }),
/// );
/// assert_eq!(output.value::<Vec<String>>()?, ["red", "blue"]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct OperationOutput {
    /// What the model said.
    pub text: String,
    /// The data in it; `null` if no data was asked for.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub data: Value,
    /// Whether the data is only what there is of an answer that does not fit.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_partial: bool,
    /// What it cost.
    pub usage: Usage,
    /// How many requests it took, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// What was said up to its end, if another operation goes on from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) conversation: Option<Conversation>,
    /// What it committed into the fork of the operation that runs it: a run that is resumed has another fork.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) committed: Option<Conversation>,
}

impl OperationOutput {
    /// Gives data; the text is its JSON. A text is given as text.
    ///
    /// # Errors
    ///
    /// The serializer's own.
    pub fn from_data(data: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::to_value(data).map(Self::from)
    }

    /// What the step with that name gave, if the report has it: also of a step that is no operation.
    #[must_use]
    pub fn of(report: &FlowReport, step: &str) -> Option<Self> {
        Self::read(report.step(step)?.output.as_ref()?)
    }

    /// What the step with that name gave, if a live edge comes from it to this step: for functions that go on with it.
    #[must_use]
    pub fn input(context: &StepContext, step: &str) -> Option<Self> {
        let input = context.input_named(step)?;
        Self::read(input.as_ref().ok()?)
    }

    /// Of a step that is no operation, its JSON is the data: nothing if it cannot be JSON.
    pub(crate) fn read(output: &Output) -> Option<Self> {
        match output.get::<Self>() {
            Some(output) => Some((*output).clone()),
            None => Some(Self::from(output.to_json().ok()?)),
        }
    }

    /// The data as a value of a type; the text is the data if there is no other.
    ///
    /// # Errors
    ///
    /// The deserializer's own, if it does not fit.
    pub fn value<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        match &self.data {
            Value::Null => T::deserialize(Value::String(self.text.clone())),
            data => T::deserialize(data),
        }
    }

    /// Sets what it cost, as a turn says it.
    #[must_use]
    pub fn with_cost_of(mut self, reply: &Reply) -> Self {
        self.usage = reply.usage;
        self.attempts = Some(reply.attempts);
        self
    }

    /// Of a turn whose answer is data: the text is what the model wrote.
    pub(crate) fn of_turn(data: &impl Serialize, reply: &Reply) -> Result<Self, serde_json::Error> {
        Ok(Self {
            data: serde_json::to_value(data)?,
            ..Self::from(reply)
        })
    }

    /// Of another step, which tells itself what it cost.
    pub(crate) fn without_cost(self) -> Self {
        Self {
            usage: Usage::default(),
            attempts: None,
            conversation: None,
            committed: None,
            ..self
        }
    }

    /// The data, or the text if that is no data.
    pub(crate) fn to_value(&self) -> Value {
        match &self.data {
            Value::Null => Value::String(self.text.clone()),
            data => data.clone(),
        }
    }

    /// What operations behind this one get to read.
    pub(crate) fn answer(&self) -> String {
        match &self.data {
            Value::Null => self.text.clone(),
            Value::String(text) => text.clone(),
            data => data.to_string(),
        }
    }
}

impl From<Value> for OperationOutput {
    /// A text is text, and no data.
    fn from(data: Value) -> Self {
        match data {
            Value::Null => Self::default(),
            Value::String(text) => Self::from(text),
            data => Self {
                text: data.to_string(),
                data,
                ..Self::default()
            },
        }
    }
}

impl From<String> for OperationOutput {
    fn from(text: String) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }
}

impl From<&str> for OperationOutput {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<&Reply> for OperationOutput {
    fn from(reply: &Reply) -> Self {
        Self::from(reply.text()).with_cost_of(reply)
    }
}

impl From<Reply> for OperationOutput {
    fn from(reply: Reply) -> Self {
        Self::from(&reply)
    }
}

impl From<Response> for OperationOutput {
    fn from(response: Response) -> Self {
        Self {
            usage: response.usage,
            attempts: Some(response.attempts),
            ..Self::from(response.text())
        }
    }
}

/// A history that can be JSON.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Conversation(pub(crate) History);

impl Serialize for Conversation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.turns())
    }
}

impl<'de> Deserialize<'de> for Conversation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let turns = Vec::<Turn>::deserialize(deserializer)?;
        Ok(Self(turns.into_iter().collect()))
    }
}
