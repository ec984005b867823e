/// How an answer becomes data, for one operation.
///
/// # Defaults
///
/// - the schema goes the provider's own way where it has one
/// - a model whose answer does not fit is asked twice more
/// - the history keeps the answer that fits, and forgets those that did not
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnswerOptions {
    /// How the model learns of the schema.
    pub delivery: SchemaDelivery,
    /// How many times it is asked again when its answer does not fit.
    pub re_asks: u32,
    /// What the history keeps.
    pub remember: Remember,
}

/// How a model learns which schema its answer has to fit. Complete by definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SchemaDelivery {
    /// In the provider's own way; in the prompt, for the rest of the turn, once a provider has refused that.
    #[default]
    Auto,
    /// In the provider's own way: [`OutputFormat::Schema`](fascine_model::OutputFormat::Schema).
    Native,
    /// In the prompt: for models that know nothing of schemas. What is added to the instruction is sent and not stored.
    Prompt,
}

/// What a history keeps of a turn in which the model was asked more than once. Complete by definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Remember {
    /// The instruction, the tool calls with their results, and the answer.
    #[default]
    Answer,
    /// Everything that the model said and was told, in order.
    Everything,
}

impl Default for AnswerOptions {
    fn default() -> Self {
        Self {
            delivery: SchemaDelivery::default(),
            re_asks: 2,
            remember: Remember::default(),
        }
    }
}

impl AnswerOptions {
    /// Sets how the model learns of the schema.
    #[must_use]
    pub fn with_delivery(mut self, delivery: SchemaDelivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// Sets how many times it is asked again when its answer does not fit.
    #[must_use]
    pub fn with_re_asks(mut self, times: u32) -> Self {
        self.re_asks = times;
        self
    }

    /// Sets what the history keeps.
    #[must_use]
    pub fn with_remember(mut self, what: Remember) -> Self {
        self.remember = what;
        self
    }
}
