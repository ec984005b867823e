use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::LogEntry;
use crate::glob::Glob;

/// What must not be written into a log.
///
/// A *key* is the name of a field, or what it ends with: letters and digits count, in either case. What stands under it,
/// at any depth, is replaced. A *word* is what stands between white space, quotes, brackets, and any of `,;:=`; one that
/// fits a pattern is replaced, in the name of the branch too, and so is one after `Bearer`, or after a key and `:` or `=`.
///
/// [`Redaction::default`] knows how keys and tokens are usually called and written. It cannot know yours.
///
/// # Examples
///
/// ```
/// use fascine_branch::Redaction;
///
/// let redaction = Redaction::default().with_key("iban").with_word("*@example.org");
/// # drop(redaction);
/// ```
#[derive(Clone)]
pub struct Redaction {
    keys: Vec<String>,
    words: Vec<Glob>,
    hook: Option<Hook>,
}

type Hook = Arc<dyn Fn(&mut LogEntry) + Send + Sync>;

impl Redaction {
    /// Begins with nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            keys: Vec::new(),
            words: Vec::new(),
            hook: None,
        }
    }

    /// Adds the name of a field; one without letters and digits is none.
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        let key = letters(key);
        if !key.is_empty() {
            self.keys.push(key);
        }
        self
    }

    /// Adds a pattern of words: `*` stands for any characters, `?` for one.
    #[must_use]
    pub fn with_word(mut self, pattern: &str) -> Self {
        self.words.push(Glob::new(pattern));
        self
    }

    /// Lets a function change lines before everything else. If it panics, the line has no fields.
    #[must_use]
    pub fn with_hook(mut self, hook: impl Fn(&mut LogEntry) + Send + Sync + 'static) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    pub(super) fn apply(&self, entry: &mut LogEntry) {
        if let Some(hook) = &self.hook
            && catch_unwind(AssertUnwindSafe(|| hook(entry))).is_err()
        {
            entry.fields = Map::new();
        }
        self.text(&mut entry.branch);
        self.fields(&mut entry.fields);
    }

    fn fields(&self, fields: &mut Map<String, Value>) {
        for (name, value) in fields {
            if self.is_key(name) {
                *value = REDACTED.into();
            } else {
                self.value(value);
            }
        }
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::Array(values) => values.iter_mut().for_each(|value| self.value(value)),
            Value::Object(fields) => self.fields(fields),
            Value::String(text) => self.text(text),
            Value::Bool(_) | Value::Null | Value::Number(_) => {}
        }
    }

    fn text(&self, text: &mut String) {
        let mut clean = String::with_capacity(text.len());
        let mut before = Before::Nothing;
        for piece in text.split_inclusive(is_between_words) {
            let word = piece.trim_end_matches(is_between_words);
            let between = &piece[word.len()..];
            let is_bearer = word.eq_ignore_ascii_case("bearer");
            let is_secret = before == Before::Secret && !is_bearer;
            let is_secret = is_secret || self.words.iter().any(|pattern| pattern.matches(word));
            if !word.is_empty() {
                clean.push_str(if is_secret { REDACTED } else { word });
                before = match () {
                    () if is_bearer => Before::Secret,
                    () if self.is_key(word) => Before::Sign,
                    () => Before::Nothing,
                };
            }
            if before == Before::Sign && matches!(between, ":" | "=") {
                before = Before::Secret;
            }
            clean.push_str(between);
        }
        *text = clean;
    }

    fn is_key(&self, name: &str) -> bool {
        let name = letters(name);
        self.keys.iter().any(|key| name.ends_with(key))
    }
}

/// What the words before let expect.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    /// The next word is a secret.
    Secret,
    /// It is, if a `:` or `=` comes first.
    Sign,
}

impl Default for Redaction {
    fn default() -> Self {
        let redaction = KEYS
            .iter()
            .fold(Self::new(), |made, key| made.with_key(key));
        WORDS
            .iter()
            .fold(redaction, |made, word| made.with_word(word))
    }
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redaction")
            .field("keys", &self.keys)
            .field("words", &self.words.len())
            .finish_non_exhaustive()
    }
}

fn letters(name: &str) -> String {
    let letters = name.chars().filter(|character| character.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

fn is_between_words(character: char) -> bool {
    character.is_whitespace() || "\"'`()[]{}<>,;:=".contains(character)
}

const REDACTED: &str = "[redacted]";
const KEYS: [&str; 14] = [
    "access_key",
    "access_token",
    "api_key",
    "auth_token",
    "authorization",
    "bearer_token",
    "cookie",
    "credentials",
    "password",
    "private_key",
    "refresh_token",
    "secret",
    "secret_key",
    "token",
];
/// Keys of OpenAI and Anthropic, GitHub, Slack, Google and AWS, and JSON web tokens.
const WORDS: [&str; 9] = [
    "sk-????????*",
    "ghp_*",
    "gho_*",
    "github_pat_*",
    "xoxb-*",
    "xoxp-*",
    "AIza*",
    "AKIA????????????????",
    "eyJ*.*.*",
];
