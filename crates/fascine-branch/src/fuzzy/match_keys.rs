use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::fuzzy::similarity::normal;
use crate::{KeyMatching, MatchError, Unmatched};

/// An object whose keys were matched with the fields that were expected.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct MatchedKeys {
    /// The object.
    pub object: Map<String, Value>,
    /// The keys that were taken for a field of another name, in the order of the keys.
    pub renamed: Vec<Renamed>,
    /// The keys without a field, in order. Whether they are still there is a matter of [`Unmatched`].
    pub unmatched: Vec<String>,
    /// The fields that were filled, in order.
    pub filled: Vec<String>,
    /// The fields that are missing, in order.
    pub missing: Vec<String>,
}

/// A key that was taken for a field of another name.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Renamed {
    /// The key.
    pub from: String,
    /// The field.
    pub to: String,
    /// How similar they are; 1 if only case or separators differ.
    pub score: f64,
}

/// Matches the keys of an object with the fields that are expected.
///
/// Equal names are a match, then names that differ in case and separators alone, then similar ones, the most similar
/// first. It is one assignment for all: no field gets two keys and no key two fields, and neither the order of the keys
/// nor that of the fields matters. Of equally similar pairs the one whose key comes first by its letters wins, then that
/// whose field does.
///
/// # Errors
///
/// [`MatchError`] for what `matching` does not allow, and for more than 250,000 pairs to compare.
///
/// # Examples
///
/// ```
/// use fascine_branch::{KeyMatching, match_keys};
/// use serde_json::json;
///
/// let object = json!({"userName": "ada", "emial": "a@b.c", "note": 1}).as_object().cloned().unwrap_or_default();
/// let matched = match_keys(object, ["user_name", "email", "age"], &KeyMatching::default())?;
/// assert_eq!(matched.object["user_name"], "ada");
/// assert_eq!(matched.object["email"], "a@b.c");
/// assert_eq!((matched.unmatched, matched.missing), (vec!["note".to_owned()], vec!["age".to_owned()]));
/// # Ok::<(), fascine_branch::MatchError>(())
/// ```
pub fn match_keys<'a>(
    object: Map<String, Value>,
    fields: impl IntoIterator<Item = &'a str>,
    matching: &KeyMatching,
) -> Result<MatchedKeys, MatchError> {
    let fields: BTreeSet<&str> = fields.into_iter().collect();
    let free: BTreeSet<&str> = fields
        .iter()
        .copied()
        .filter(|field| !object.contains_key(*field))
        .collect();
    let keys: BTreeSet<&str> = object
        .keys()
        .map(String::as_str)
        .filter(|key| !fields.contains(key))
        .collect();
    let renamed = assign(&keys, &free, matching)?;
    let taken: BTreeMap<&str, &str> = renamed
        .iter()
        .map(|renamed| (renamed.from.as_str(), renamed.to.as_str()))
        .collect();
    let unmatched: Vec<String> = keys
        .iter()
        .filter(|key| !taken.contains_key(**key))
        .map(|key| (*key).to_owned())
        .collect();
    if matching.unmatched == Unmatched::Raise && !unmatched.is_empty() {
        return Err(MatchError::Unmatched { keys: unmatched });
    }
    let matched: BTreeSet<&str> = taken.values().copied().collect();
    let absent = free.iter().filter(|field| !matched.contains(**field));
    let absent: Vec<String> = absent.map(|field| (*field).to_owned()).collect();
    let (filled, missing) = match matching.fills() {
        true => (absent, Vec::new()),
        false => (Vec::new(), absent),
    };
    if matching.strict && !missing.is_empty() {
        return Err(MatchError::Missing { fields: missing });
    }
    let names: BTreeMap<String, String> = taken
        .iter()
        .map(|(from, to)| ((*from).to_owned(), (*to).to_owned()))
        .collect();
    let mut result = Map::new();
    for (key, value) in object {
        match names.get(&key) {
            Some(field) => drop(result.insert(field.clone(), value)),
            None if matching.drops() && unmatched.binary_search(&key).is_ok() => {}
            None => drop(result.insert(key, value)),
        }
    }
    for field in &filled {
        let value = matching.fill.get(field).cloned().unwrap_or_default();
        result.insert(field.clone(), value);
    }
    Ok(MatchedKeys {
        object: result,
        renamed,
        unmatched,
        filled,
        missing,
    })
}

/// The pairs of a key and a field that are similar enough, the best first, none of them twice in it.
fn assign(
    keys: &BTreeSet<&str>,
    fields: &BTreeSet<&str>,
    matching: &KeyMatching,
) -> Result<Vec<Renamed>, MatchError> {
    if keys.len().saturating_mul(fields.len()) > MOST_PAIRS {
        return Err(MatchError::TooMany {
            keys: keys.len(),
            fields: fields.len(),
        });
    }
    let words =
        |names: &BTreeSet<&str>| -> Vec<String> { names.iter().map(|name| normal(name)).collect() };
    let (key_words, field_words) = (words(keys), words(fields));
    let mut pairs = Vec::new();
    for (key, key_word) in keys.iter().zip(&key_words) {
        for (field, field_word) in fields.iter().zip(&field_words) {
            let score = matching.similarity.of_words(key_word, field_word);
            if score >= matching.threshold {
                pairs.push((score, *key, *field));
            }
        }
    }
    pairs.sort_by(|(one, ..), (other, ..)| other.total_cmp(one));
    let mut used = (BTreeSet::new(), BTreeSet::new());
    let mut renamed = Vec::new();
    for (score, key, field) in pairs {
        if used.0.contains(key) || used.1.contains(field) {
            continue;
        }
        used.0.insert(key);
        used.1.insert(field);
        renamed.push(Renamed {
            from: key.to_owned(),
            to: field.to_owned(),
            score,
        });
    }
    renamed.sort_by(|one, other| one.from.cmp(&other.from));
    Ok(renamed)
}

/// Each pair is a comparison of two words.
const MOST_PAIRS: usize = 250_000;
