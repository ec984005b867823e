use fascine_message::Usage;

/// Texts to be turned into vectors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EmbedRequest {
    /// The texts.
    pub inputs: Vec<String>,
    /// The model, if not the service's own.
    pub model: Option<String>,
    /// How long each vector is to be, if the model leaves a choice.
    pub dimensions: Option<u32>,
}

/// Vectors, one for each text, in the order of the texts.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Embeddings {
    /// The vectors.
    pub vectors: Vec<Vec<f32>>,
    /// The model that made them, as the provider calls it.
    pub model: String,
    /// What they cost; zero if the provider did not say.
    pub usage: Usage,
}

impl EmbedRequest {
    /// Asks for the vectors of these texts.
    pub fn new(inputs: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            inputs: inputs.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// Sets the model to ask.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Sets how long each vector is to be.
    #[must_use]
    pub fn with_dimensions(mut self, dimensions: u32) -> Self {
        self.dimensions = Some(dimensions);
        self
    }
}

impl Embeddings {
    /// Makes an answer of these vectors.
    #[must_use]
    pub fn new(vectors: Vec<Vec<f32>>) -> Self {
        Self {
            vectors,
            ..Self::default()
        }
    }
}
