use serde_json::json;

use crate::structured::Misfit;
use crate::{Choices, Incomplete, JsonPath, Violation};

impl<C> Choices<C> {
    /// Which choice a text means: the one that is called so; else the one that is called so but for case and spaces;
    /// else the one that is most similar, if it is similar enough and no other is as similar. If there is none, what
    /// would have to be there.
    fn find(&self, text: &str) -> Result<usize, String> {
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
            [] => Err("one of the choices".to_owned()),
            [index] => Ok(*index),
            [index, other, ..] => {
                let (one, two) = (&self.labels[*index], &self.labels[*other]);
                Err(format!("one of the choices: it may be {one:?} or {two:?}"))
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
    pub(crate) fn chosen(&self, texts: &[String], most: usize) -> Result<Vec<usize>, Misfit> {
        let selected = JsonPath::default().field("selected");
        let mut chosen = Vec::new();
        let mut invalid = Vec::new();
        for (place, text) in texts.iter().enumerate() {
            match self.find(text) {
                Ok(index) if !chosen.contains(&index) => chosen.push(index),
                Ok(_) => {}
                Err(expected) => invalid.push(Violation {
                    path: selected.item(place),
                    found: Some(format!("{text:?}")),
                    expected,
                }),
            }
        }
        let count = chosen.len();
        if count > most || (count == 0 && invalid.is_empty()) {
            invalid.push(Violation {
                path: selected,
                found: Some(format!("{count} choices")),
                expected: format!("at least 1 and at most {most}"),
            });
        }
        if invalid.is_empty() {
            return Ok(chosen);
        }
        let labels = chosen.iter().map(|index| &self.labels[*index]);
        Err(Misfit::of(Incomplete {
            value: json!({ "selected": labels.collect::<Vec<_>>() }),
            missing: Vec::new(),
            invalid,
        }))
    }
}

fn plain(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// How similar a text has to be to a label to mean it, by Jaro and Winkler.
const SIMILAR: f64 = 0.85;
