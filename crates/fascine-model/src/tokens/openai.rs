use std::fmt;

use tiktoken_rs::CoreBPE;
use tiktoken_rs::tokenizer::{Tokenizer, get_tokenizer};

use crate::TokenCounter;

/// The tokens of OpenAI's models, by their own vocabularies, which are compiled in.
///
/// A vocabulary is set up when its first text is counted, which takes a few tenths of a second of one thread; call
/// [`prepare`](Self::prepare) where that must not happen on an executor's.
///
/// ```
/// use fascine_model::{OpenAiTokens, TokenCounter};
///
/// let tokens = OpenAiTokens::for_model("gpt-4o-mini").unwrap();
/// assert_eq!(tokens.count("Hello, world!"), 4);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct OpenAiTokens(Family);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Cl100k,
    O200k,
}

impl OpenAiTokens {
    /// The vocabulary of a model; `None` if it is not one of OpenAI's chat or embedding models.
    #[must_use]
    pub fn for_model(model: &str) -> Option<Self> {
        match get_tokenizer(model)? {
            Tokenizer::Cl100kBase => Some(Self::cl100k()),
            Tokenizer::O200kBase | Tokenizer::O200kHarmony => Some(Self::o200k()),
            _ => None,
        }
    }

    /// The vocabulary `cl100k_base`: gpt-4, gpt-3.5-turbo and the embedding models.
    #[must_use]
    pub const fn cl100k() -> Self {
        Self(Family::Cl100k)
    }

    /// The vocabulary `o200k_base`: gpt-4o and everything since.
    #[must_use]
    pub const fn o200k() -> Self {
        Self(Family::O200k)
    }

    /// Sets the vocabulary up now. Blocks.
    pub fn prepare(self) {
        self.vocabulary();
    }

    fn vocabulary(self) -> &'static CoreBPE {
        match self.0 {
            Family::Cl100k => tiktoken_rs::cl100k_base_singleton(),
            Family::O200k => tiktoken_rs::o200k_base_singleton(),
        }
    }
}

impl TokenCounter for OpenAiTokens {
    fn count(&self, text: &str) -> u64 {
        let vocabulary = self.vocabulary();
        // A long run without a space takes more than linear time: it is counted in pieces.
        let tokens = |piece: &str| vocabulary.encode_ordinary(piece).len() as u64;
        pieces(text).map(tokens).sum()
    }

    fn id(&self) -> u64 {
        match self.0 {
            Family::Cl100k => 100_000,
            Family::O200k => 200_000,
        }
    }
}

impl fmt::Debug for OpenAiTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OpenAiTokens").field(&self.0).finish()
    }
}

/// The text, cut where a run of spaces or of anything else goes on for too long. Ordinary text stays in one piece.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = rest.split_at(first_cut(rest));
        rest = after;
        Some(piece)
    })
}

fn first_cut(text: &str) -> usize {
    let mut run = 0;
    let mut blank = false;
    for (at, character) in text.char_indices() {
        if character.is_whitespace() != blank {
            (run, blank) = (at, !blank);
        }
        if at - run >= LONGEST_RUN {
            return at;
        }
    }
    text.len()
}

/// In bytes. No word is as long.
const LONGEST_RUN: usize = 2000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_families_count_as_openai_does() {
        let (old, new) = (OpenAiTokens::cl100k(), OpenAiTokens::o200k());
        // Known from OpenAI's own library.
        for (text, by_old, by_new) in [
            ("", 0, 0),
            ("hello world", 2, 2),
            ("antidisestablishmentarianism", 6, 6),
            ("2 + 2 = 4", 7, 7),
            ("お誕生日おめでとう", 9, 8),
        ] {
            assert_eq!(
                (old.count(text), new.count(text)),
                (by_old, by_new),
                "{text}"
            );
        }
    }

    #[test]
    fn models_have_the_vocabulary_of_their_family() {
        for (model, family) in [
            ("gpt-4o-mini", Some(OpenAiTokens::o200k())),
            ("gpt-5-mini", Some(OpenAiTokens::o200k())),
            ("gpt-4-0613", Some(OpenAiTokens::cl100k())),
            ("text-embedding-3-small", Some(OpenAiTokens::cl100k())),
            ("claude-sonnet-4-5", None),
            ("", None),
        ] {
            assert_eq!(OpenAiTokens::for_model(model), family, "{model}");
        }
    }

    #[test]
    fn hostile_texts_are_counted_in_linear_time_and_without_a_panic() {
        let tokens = OpenAiTokens::o200k();
        for unit in [
            "a",
            " ",
            "\n",
            "é",
            "\u{1f600}",
            "<|endoftext|>",
            "=",
            "\t ",
            "a1",
            "''",
        ] {
            let text = unit.repeat(200_000 / unit.len());
            let count = tokens.count(&text);
            assert!(count > 0 && count <= text.len() as u64, "{unit:?}: {count}");
        }
        let mixed = " a".repeat(3);
        assert_eq!(pieces(&mixed).count(), 1);
        let long = "x".repeat(LONGEST_RUN * 3 + 1);
        assert_eq!(pieces(&long).collect::<String>(), long);
    }
}
