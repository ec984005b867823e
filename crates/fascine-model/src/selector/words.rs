use fascine_message::{Message, Part, Role};

use crate::Request;

/// The words of the last user message. Its texts are counted one by one: two in a row are not one word.
pub(crate) fn words_of(request: &Request) -> usize {
    texts(request).map(count).sum()
}

/// The texts of the last user message.
pub(crate) fn texts(request: &Request) -> impl Iterator<Item = &str> {
    let mut messages = request.messages.iter().rev();
    let asked = messages.find(|message| message.role() == Role::User);
    let parts = asked.map(Message::content).unwrap_or_default();
    parts.iter().filter_map(|part| match part {
        Part::Text { text } => Some(text.as_str()),
        _ => None,
    })
}

/// How many words a text has.
///
/// Words are what white space parts. Some scripts are written without: there two characters count as a word in Chinese
/// and Japanese, five in Thai, Lao, Khmer and Burmese, about as long as their words are.
pub(crate) fn count(text: &str) -> usize {
    text.split_whitespace().map(count_in_run).sum()
}

fn count_in_run(run: &str) -> usize {
    let ideographs = run.chars().filter(is_ideograph).count();
    let letters = run.chars().filter(is_unspaced_letter).count();
    if ideographs + letters == 0 {
        return 1;
    }
    let is_other = |c: char| c.is_alphanumeric() && !is_ideograph(&c) && !is_unspaced_letter(&c);
    ideographs.div_ceil(2) + letters.div_ceil(5) + usize::from(run.chars().any(is_other))
}

/// Chinese and Japanese.
fn is_ideograph(c: &char) -> bool {
    matches!(
        c,
        '\u{3040}'..='\u{30ff}'
            | '\u{3400}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3ffff}'
    )
}

/// Thai, Lao, Burmese and Khmer.
fn is_unspaced_letter(c: &char) -> bool {
    matches!(c, '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
}

/// Whether a text has this word, which is in lower case: whole, not as a part of another or of a name in a program.
/// What is more than a word, or of a script without spaces, is found anywhere.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    let parts = |c: char| !c.is_alphanumeric() && c != '_';
    if word
        .chars()
        .any(|c| parts(c) || is_ideograph(&c) || is_unspaced_letter(&c))
    {
        return text.to_lowercase().contains(word);
    }
    text.split(parts).any(|other| other.to_lowercase() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_in_any_script() {
        for (text, words) in [
            ("", 0),
            ("  one   two\nthree ", 3),
            ("a - b", 3),
            ("Über größere Häuser", 3),
            ("안녕하세요 세계", 2),
            ("今天天气怎么样？", 4),
            ("私はRustが好きです。", 5),
            ("สวัสดีครับ", 2),
        ] {
            assert_eq!(count(text), words, "{text}");
        }
    }

    #[test]
    fn a_word_is_found_whole() {
        for (text, found) in [
            ("Design a house", true),
            ("(design!)", true),
            ("re-design it", true),
            ("redesigned", false),
            ("designer", false),
            ("the field design_id", false),
            ("DESIGN", true),
            ("", false),
        ] {
            assert_eq!(has_word(text, "design"), found, "{text}");
        }
        assert!(has_word("请比较两种算法", "比较"));
        assert!(has_word("Please look into it", "look into"));
        assert!(has_word("Größe", "größe") && !has_word("Größen", "größe"));
    }
}
