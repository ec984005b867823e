/// How similar two words are said to be, from 0 to 1.
///
/// Letter case, underscores, hyphens and spaces make no difference: `userName` is `user_name`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Similarity {
    /// Jaro's similarity, raised for a beginning in common: W. E. Winkler, 1990. It forgives swaps and endings.
    #[default]
    JaroWinkler,
    /// One minus Levenshtein's distance over the length of the longer word: it counts edits.
    Levenshtein,
}

impl Similarity {
    /// How similar `one` and `other` are.
    ///
    /// ```
    /// use fascine_branch::Similarity;
    ///
    /// assert_eq!(Similarity::JaroWinkler.of("userName", "user_name"), 1.0);
    /// assert!(Similarity::JaroWinkler.of("confidence", "confidnece") > 0.95);
    /// assert_eq!(Similarity::Levenshtein.of("abcd", "abed"), 0.75);
    /// ```
    #[must_use]
    pub fn of(self, one: &str, other: &str) -> f64 {
        self.of_words(&normal(one), &normal(other))
    }

    /// As [`of`](Self::of), of words that are [`normal`] already.
    pub(super) fn of_words(self, one: &str, other: &str) -> f64 {
        match self {
            _ if one == other => 1.0,
            _ if one.len().max(other.len()) > LONGEST => 0.0,
            Self::JaroWinkler => strsim::jaro_winkler(one, other),
            Self::Levenshtein => strsim::normalized_levenshtein(one, other),
        }
    }
}

/// A word without what makes no difference.
pub(super) fn normal(word: &str) -> String {
    word.chars()
        .filter(|char| !matches!(char, '_' | '-' | ' ' | '.'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// Comparing takes the square of a length, so longer words are only equal or not.
const LONGEST: usize = 128;
