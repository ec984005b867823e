use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

/// Where the names of a run's steps stand in the paths of their steps.
#[derive(Clone, Debug)]
pub(crate) enum Prefix {
    /// Nowhere else: it is a run of its own.
    None,
    /// Behind the path of the step that runs it, and a slash.
    Steps(Arc<str>),
    /// Behind that path as they are: they are numbers in brackets.
    Items(Arc<str>),
}

impl Prefix {
    /// The path of a step.
    pub(crate) fn path(&self, name: &Arc<str>) -> Arc<str> {
        match self {
            Self::None => match escape(name) {
                Cow::Borrowed(_) => Arc::clone(name),
                Cow::Owned(escaped) => escaped.into(),
            },
            Self::Steps(before) => format!("{before}/{}", escape(name)).into(),
            Self::Items(before) => format!("{before}{name}").into(),
        }
    }
}

/// Makes a name part of a path: what has a meaning there gets a backslash before it.
fn escape(name: &str) -> Cow<'_, str> {
    if !name.bytes().any(|byte| matches!(byte, b'\\' | b'/' | b'[')) {
        return Cow::Borrowed(name);
    }
    let mut escaped = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if matches!(letter, '\\' | '/' | '[') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    Cow::Owned(escaped)
}

/// The path with a number behind it: of an item, or of the second and further graphs that a step runs.
pub(crate) fn numbered(path: &str, number: usize) -> Arc<str> {
    let mut numbered = String::with_capacity(path.len() + 4);
    numbered.push_str(path);
    // Writing to a text cannot fail.
    let _ = write!(numbered, "[{number}]");
    numbered.into()
}

/// Whether the path leads to a step within that of the `outer` path.
pub(crate) fn is_within(path: &str, outer: &str) -> bool {
    let rest = path.strip_prefix(outer);
    rest.is_some_and(|rest| rest.starts_with(['/', '[']))
}

/// The paths of the steps that the step with that path is within, the outermost first.
pub(crate) fn around(path: &str) -> impl Iterator<Item = &str> {
    let mut is_escaped = false;
    let ends = path.char_indices().filter(move |(_, letter)| {
        let is_end = !is_escaped && matches!(letter, '/' | '[');
        is_escaped = !is_escaped && *letter == '\\';
        is_end
    });
    ends.map(|(at, _)| &path[..at])
}

/// The path of the step of the outermost graph that the path leads through.
pub(crate) fn outermost(path: &str) -> &str {
    around(path).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_steps_have_one_path() {
        let root = |name: &str| Prefix::None.path(&name.into());
        let below = |outer: &str, name: &str| Prefix::Steps(root(outer)).path(&name.into());
        assert_eq!(&*root("plain"), "plain");
        assert_eq!(&*below("a", "b"), "a/b");
        assert_eq!(&*root("a/b"), "a\\/b");
        assert_eq!(&*root("a\\/b"), "a\\\\\\/b");
        assert_eq!(&*root("a[0]"), "a\\[0]");
        assert_eq!(&*Prefix::Items("a".into()).path(&"[0]".into()), "a[0]");
        assert_eq!(&*numbered("a", 3), "a[3]");
    }

    #[test]
    fn a_path_tells_what_is_around_it() {
        let around = |path| around(path).collect::<Vec<_>>();
        assert_eq!(around("a"), [""; 0]);
        assert_eq!(around("a[3]/b/c"), ["a", "a[3]", "a[3]/b"]);
        assert_eq!(around("a\\/b\\\\/c"), ["a\\/b\\\\"]);
        assert_eq!(outermost("a\\[0]/b"), "a\\[0]");
    }

    #[test]
    fn a_path_is_within_another_by_whole_names() {
        assert!(is_within("a/b", "a"));
        assert!(is_within("a[3]/b", "a"));
        assert!(is_within("a[3]/b", "a[3]"));
        assert!(!is_within("a[3]", "a[3]"));
        assert!(!is_within("ab/c", "a"));
        assert!(!is_within("a\\/b", "a"));
    }
}
