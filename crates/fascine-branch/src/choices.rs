use std::collections::HashSet;
use std::fmt::Debug;

use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{BranchError, Incomplete};

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

    /// Which choice a text means: the one that is called so; else the one that is called so but for case and spaces;
    /// else the one that is most similar, if it is similar enough and no other is as similar.
    pub(crate) fn find(&self, text: &str) -> Result<usize, String> {
        if let Some(index) = self.labels.iter().position(|label| label == text) {
            return Ok(index);
        }
        let wanted = plain(text);
        let labels: Vec<String> = self.labels.iter().map(|label| plain(label)).collect();
        let same: Vec<_> = (0..labels.len())
            .filter(|index| labels[*index] == wanted)
            .collect();
        let nearest = match same.as_slice() {
            [] => self.nearest(&labels, &wanted),
            _ => same,
        };
        match nearest.as_slice() {
            [] => Err(format!("{text:?} is none of the choices")),
            [index] => Ok(*index),
            [index, other, ..] => {
                let (one, two) = (&self.labels[*index], &self.labels[*other]);
                Err(format!("{text:?} may be {one:?} or {two:?}"))
            }
        }
    }

    fn nearest(&self, labels: &[String], wanted: &str) -> Vec<usize> {
        let scores: Vec<f64> = labels
            .iter()
            .map(|label| strsim::jaro_winkler(label, wanted))
            .collect();
        let best = scores.iter().copied().fold(0.0, f64::max);
        let is_best = |index: &usize| scores[*index] >= best && best >= SIMILAR;
        (0..scores.len()).filter(is_best).collect()
    }

    /// What an answer has chosen, each once, in the order in which the answer has them.
    pub(crate) fn chosen(&self, texts: &[String], most: usize) -> Result<Vec<usize>, Incomplete> {
        let mut chosen = Vec::new();
        let mut invalid = Vec::new();
        for text in texts {
            match self.find(text) {
                Ok(index) if !chosen.contains(&index) => chosen.push(index),
                Ok(_) => {}
                Err(reason) => invalid.push(reason),
            }
        }
        let count = chosen.len();
        match count {
            0 if invalid.is_empty() => invalid.push("nothing is selected".to_owned()),
            _ if count > most => {
                invalid.push(format!("{count} are selected, and {most} may be at most"));
            }
            _ => {}
        }
        if invalid.is_empty() {
            return Ok(chosen);
        }
        let labels = chosen.iter().map(|index| &self.labels[*index]);
        Err(Incomplete {
            value: json!({ "selected": labels.collect::<Vec<_>>() }),
            missing: Vec::new(),
            invalid,
        })
    }

    /// The choices with these indices.
    pub(crate) fn take(self, chosen: &[usize]) -> Vec<C> {
        let mut values: Vec<Option<C>> = self.values.into_iter().map(Some).collect();
        let taken = chosen.iter().filter_map(|index| values[*index].take());
        taken.collect()
    }
}

impl<C: DeserializeOwned + JsonSchema> Choices<C> {
    /// Chooses from the variants of an enum that have no fields, by the names that serde has for them. What their docs
    /// say, the model gets to read.
    ///
    /// # Errors
    ///
    /// [`BranchError::InvalidOperation`] when a variant has fields, or the type is no enum.
    pub fn variants() -> Result<Self, BranchError> {
        let schema = SchemaGenerator::default()
            .into_root_schema_for::<C>()
            .to_value();
        let mut choices = Self::labelled(std::iter::empty::<(String, C)>());
        for (name, description) in variants_of(&schema) {
            let value = C::deserialize(Value::String(name.clone()));
            let value =
                value.map_err(|_| no_variants(format!("have `{name}`, which has fields")))?;
            choices.labels.push(name);
            choices.descriptions.push(description);
            choices.values.push(value);
        }
        match choices.labels.is_empty() {
            true => Err(no_variants(
                "are those of a type that is no enum".to_owned(),
            )),
            false => Ok(choices),
        }
    }
}

fn no_variants(reason: String) -> BranchError {
    let field = "choices";
    BranchError::InvalidOperation { field, reason }
}

/// The names of variants, with what their docs say.
fn variants_of(schema: &Value) -> Vec<(String, Option<String>)> {
    let description = schema.get("description").and_then(Value::as_str);
    let own = |name: &Value| Some((name.as_str()?.to_owned(), None));
    if let Some(names) = schema.get("enum").and_then(Value::as_array) {
        return names.iter().filter_map(own).collect();
    }
    if let Some(name) = schema.get("const").and_then(Value::as_str) {
        return vec![(name.to_owned(), description.map(str::to_owned))];
    }
    if let Some(fields) = schema.get("properties").and_then(Value::as_object) {
        return fields.keys().map(|name| (name.clone(), None)).collect();
    }
    let parts = schema.get("oneOf").or_else(|| schema.get("anyOf"));
    let parts = parts.and_then(Value::as_array).into_iter().flatten();
    parts.flat_map(variants_of).collect()
}

fn plain(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// How similar a text has to be to a label to mean it, by Jaro and Winkler.
const SIMILAR: f64 = 0.85;
