//! Names of tools: which providers take, and which one a model may have meant.

use crate::ToolError;

/// What all providers take.
pub(crate) fn is_valid(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=MAX).contains(&name.len()) && name.bytes().all(is_allowed)
}

/// Tells a model that there is no tool `name`, and which there are.
pub(crate) fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> ToolError {
    let known: Vec<&str> = known.collect();
    let name: String = name.chars().take(MAX).collect();
    let nearest = nearest(&name, &known).map(str::to_owned);
    let mut advice = match &nearest {
        Some(nearest) => format!("did you mean `{nearest}`? "),
        None => String::new(),
    };
    if known.is_empty() {
        advice.push_str("there are no tools");
    } else {
        let listed: Vec<_> = known.iter().take(LISTED).copied().collect();
        advice.push_str("there are: ");
        advice.push_str(&listed.join(", "));
        if known.len() > LISTED {
            advice.push_str(&format!(", and {} more", known.len() - LISTED));
        }
    }
    ToolError::Unknown {
        name,
        nearest,
        advice,
    }
}

/// The name that takes the fewest edits, if these are at most a third of it.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let with_distance = known.iter().map(|candidate| {
        let chars: Vec<char> = candidate.to_lowercase().chars().take(MAX).collect();
        (edits(&name, &chars), *candidate)
    });
    let (edits, nearest) = with_distance.min()?;
    (edits * 3 <= nearest.len().max(name.len())).then_some(nearest)
}

/// The edit distance after Levenshtein, by the algorithm of Wagner and Fischer (1974), a row at a time.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

const MAX: usize = 64;
const LISTED: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_every_provider_takes() {
        for name in ["a", "get_weather", "a-B-9", &"x".repeat(64)] {
            assert!(is_valid(name), "{name}");
        }
        for name in ["", "a b", "a.b", "é", "a/b", &"x".repeat(65)] {
            assert!(!is_valid(name), "{name}");
        }
    }

    #[test]
    fn the_nearest_name_is_found_if_it_is_near() {
        let known = ["get_weather", "search"];
        assert_eq!(nearest("getWeather", &known), Some("get_weather"));
        assert_eq!(nearest("serch", &known), Some("search"));
        assert_eq!(nearest("delete_all", &known), None);
        assert_eq!(nearest("x", &[]), None);
    }
}
