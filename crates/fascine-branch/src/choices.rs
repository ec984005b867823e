use std::collections::HashSet;

use serde_json::{Value, json};

use crate::BranchError;

mod finding;
mod variants;

/// What a model can choose from: labels that it reads, and what each of them stands for.
///
/// # Examples
///
/// ```
/// use fascine_branch::Choices;
/// use schemars::JsonSchema;
/// use serde::Deserialize;
///
/// let texts = Choices::texts(["spider", "beetle"]);
/// assert_eq!(texts.labels(), ["spider", "beetle"]);
///
/// let labelled = Choices::labelled([("spider", 8), ("beetle", 6)]);
/// assert_eq!(labelled.labels(), ["spider", "beetle"]);
///
/// #[derive(Clone, Debug, Deserialize, JsonSchema)]
/// #[serde(rename_all = "lowercase")]
/// enum Animal { Spider, Beetle }
///
/// let variants = Choices::<Animal>::variants()?;
/// assert_eq!(variants.labels(), ["spider", "beetle"]);
/// # Ok::<(), fascine_branch::BranchError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Choices<C> {
    labels: Vec<String>,
    descriptions: Vec<Option<String>>,
    values: Vec<C>,
}

impl Choices<String> {
    /// Chooses from texts, which stand for themselves.
    pub fn texts(texts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let labels: Vec<String> = texts.into_iter().map(Into::into).collect();
        Self::labelled(labels.iter().map(|label| (label.clone(), label.clone())))
    }
}

impl<C> Choices<C> {
    /// Chooses from values by their labels.
    pub fn labelled(choices: impl IntoIterator<Item = (impl Into<String>, C)>) -> Self {
        let choices = choices.into_iter();
        let (labels, values): (Vec<_>, Vec<_>) =
            choices.map(|(label, value)| (label.into(), value)).unzip();
        Self {
            descriptions: vec![None; labels.len()],
            labels,
            values,
        }
    }

    /// Says more about the choice with this label; nothing happens if there is none.
    #[must_use]
    pub fn with_description(mut self, label: &str, text: impl Into<String>) -> Self {
        if let Some(index) = self.labels.iter().position(|known| known == label) {
            self.descriptions[index] = Some(text.into());
        }
        self
    }

    /// The labels, in order.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Refuses what nobody could choose from.
    pub(crate) fn check(&self) -> Result<(), BranchError> {
        let mut known = HashSet::new();
        let reason = match self.labels.iter().find(|label| !known.insert(*label)) {
            Some(label) => format!("have `{label}` twice"),
            None if self.labels.is_empty() => "are none".to_owned(),
            None if known.iter().any(|label| label.trim().is_empty()) => {
                "have one without a label".to_owned()
            }
            None => return Ok(()),
        };
        let field = "choices";
        Err(BranchError::InvalidOperation { field, reason })
    }

    /// The choices as the model gets to read them.
    pub(crate) fn list(&self) -> String {
        let lines = self.labels.iter().zip(&self.descriptions);
        let lines = lines.map(|(label, description)| match description {
            Some(description) => format!("- {label}: {description}"),
            None => format!("- {label}"),
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The schema of an answer that chooses some.
    pub(crate) fn schema(&self) -> Value {
        json!({
            "type": "object",
            "properties": {
                "selected": {
                    "type": "array",
                    "items": { "type": "string", "enum": self.labels },
                },
            },
            "required": ["selected"],
        })
    }

    /// The choices with these indices.
    pub(crate) fn take(self, chosen: &[usize]) -> Vec<C> {
        let mut values: Vec<Option<C>> = self.values.into_iter().map(Some).collect();
        let taken = chosen.iter().filter_map(|index| values[*index].take());
        taken.collect()
    }
}
