use crate::Request;
use crate::selector::words;

/// How much a request asks of a model.
///
/// Complete by definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Complexity {
    /// Little.
    Simple,
    /// Some.
    Medium,
    /// Much.
    Complex,
}

/// By what a request counts as complex.
///
/// It looks at the last message of the user: at its length in words, and at words that ask for thought, whole and in
/// upper or lower case. A guess, and a cheap one; the source of the defaults is the performance guide of Atomic Agents.
///
/// # Defaults
///
/// - complex: over 100 words, or one of *analyze*, *compare*, *synthesize*, *evaluate*, *design*
/// - medium: over 30 words
///
/// # Examples
///
/// ```
/// use fascine_model::{Complexity, ComplexityRules};
///
/// let rules = ComplexityRules::default();
/// assert_eq!(rules.classify("Compare two algorithms."), Complexity::Complex);
/// assert_eq!(rules.classify("What is incomparable?"), Complexity::Simple);
///
/// let rules = rules.with_words(["vergleiche", "比较"]);
/// assert_eq!(rules.classify("请比较两种算法"), Complexity::Complex);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComplexityRules {
    medium_over: usize,
    complex_over: usize,
    words: Vec<String>,
}

impl Default for ComplexityRules {
    fn default() -> Self {
        let words = ["analyze", "compare", "synthesize", "evaluate", "design"];
        Self {
            medium_over: 30,
            complex_over: 100,
            words: words.map(str::to_owned).into(),
        }
    }
}

impl ComplexityRules {
    /// Sets over how many words a request is medium, and over how many complex. Where both apply it is complex.
    #[must_use]
    pub fn with_lengths(mut self, medium_over: usize, complex_over: usize) -> Self {
        self.medium_over = medium_over;
        self.complex_over = complex_over;
        self
    }

    /// Sets the words that make a request complex, in the place of those before.
    #[must_use]
    pub fn with_words(mut self, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let words = words.into_iter().map(Into::into);
        let words = words.map(|word: String| word.to_lowercase());
        self.words = words.filter(|word| !word.is_empty()).collect();
        self
    }

    /// Looks at a text.
    #[must_use]
    pub fn classify(&self, text: &str) -> Complexity {
        self.classify_all(&[text])
    }

    /// Looks at the last message of the user.
    #[must_use]
    pub fn classify_request(&self, request: &Request) -> Complexity {
        let texts: Vec<&str> = words::texts(request).collect();
        self.classify_all(&texts)
    }

    fn classify_all(&self, texts: &[&str]) -> Complexity {
        let count: usize = texts.iter().map(|text| words::count(text)).sum();
        let asks = |word: &String| texts.iter().any(|text| words::has_word(text, word));
        if count > self.complex_over || self.words.iter().any(asks) {
            Complexity::Complex
        } else if count > self.medium_over {
            Complexity::Medium
        } else {
            Complexity::Simple
        }
    }
}
