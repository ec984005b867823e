//! Ids for calls that came without one.

use std::fmt::Write;

/// Makes the id of the call with this index, of an answer that `stamp` tells from others.
pub(crate) fn made_up(stamp: &str, index: usize) -> String {
    let sound = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let mut id = String::from(PREFIX);
    id.extend(stamp.chars().filter(sound).take(LONGEST_STAMP));
    // Writing to a string cannot fail.
    let _ = write!(id, "_{index}");
    id
}

/// The id, if the provider knows it.
pub(crate) fn known(id: &str) -> Option<&str> {
    Some(id).filter(|id| !id.is_empty() && !id.starts_with(PREFIX))
}

const PREFIX: &str = "made_up_";

/// Some providers take no ids of more than 64 characters.
const LONGEST_STAMP: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_distinct_and_fit_every_provider() {
        let long = "2026-11-22T22:03:54.540Z/".repeat(9);
        let (one, two) = (made_up(&long, 0), made_up(&long, 1));
        assert_ne!(one, two);
        assert!(one.len() <= 64 && one.starts_with("made_up_2026-11-22T220354540Z2026"));
        assert_eq!(
            (known(&one), known(""), known("call_1")),
            (None, None, Some("call_1"))
        );
    }
}
