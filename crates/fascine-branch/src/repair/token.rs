use serde_json::{Number, Value};

use crate::RepairKind;

/// What a word without quotes means.
#[derive(Debug, PartialEq)]
pub(crate) enum Token {
    /// This value, after this repair.
    Known(Value, Option<RepairKind>),
    /// Too little to mean anything: the text ends here.
    Nothing,
    /// Some text.
    Text,
}

impl Token {
    /// Reads `word`. If the text ends with it, it may be the beginning of something longer.
    pub(crate) fn read(word: &str, cut: bool) -> Self {
        if let Some((value, repair)) = literal(word) {
            return Self::Known(value, repair);
        }
        if let Some(number) = valid_number(word) {
            return Self::Known(Value::Number(number), cut.then_some(RepairKind::CutOff));
        }
        if cut && let Some(token) = beginning(word) {
            return token;
        }
        match odd_number(word) {
            Some(number) => Self::Known(Value::Number(number), Some(RepairKind::Number)),
            None => Self::Text,
        }
    }

    /// Whether it is complete in itself: what follows it must be something new.
    pub(super) fn is_scalar(word: &str) -> bool {
        matches!(Self::read(word, false), Self::Known(..))
    }
}

fn literal(word: &str) -> Option<(Value, Option<RepairKind>)> {
    let value = match word {
        "true" => return Some((Value::Bool(true), None)),
        "false" => return Some((Value::Bool(false), None)),
        "null" => return Some((Value::Null, None)),
        "True" | "TRUE" => Value::Bool(true),
        "False" | "FALSE" => Value::Bool(false),
        "None" | "NULL" | "Null" | "nil" | "undefined" => Value::Null,
        _ => {
            let sign = word.strip_prefix(['-', '+']).unwrap_or(word);
            let is_odd = matches!(
                sign,
                "NaN" | "nan" | "Infinity" | "infinity" | "inf" | "Inf"
            );
            return is_odd.then_some((Value::Null, Some(RepairKind::NonFinite)));
        }
    };
    Some((value, Some(RepairKind::Literal)))
}

/// What the beginning of a literal or number stands for, if it can be nothing else.
fn beginning(word: &str) -> Option<Token> {
    let known = |value| Some(Token::Known(value, Some(RepairKind::CutOff)));
    let number = word.trim_end_matches(['e', 'E', '+', '-', '.']);
    if matches!(word, "-" | "+" | "." | "-." | "+.") {
        return Some(Token::Nothing);
    }
    if number.len() < word.len()
        && let Some(number) = valid_number(number)
    {
        return known(Value::Number(number));
    }
    let literals = [
        ("true", Value::Bool(true)),
        ("True", Value::Bool(true)),
        ("false", Value::Bool(false)),
        ("False", Value::Bool(false)),
        ("null", Value::Null),
        ("None", Value::Null),
        ("undefined", Value::Null),
    ];
    let mut literals = literals.into_iter();
    let (_, value) = literals.find(|(literal, _)| !word.is_empty() && literal.starts_with(word))?;
    known(value)
}

/// A number as JSON writes it.
fn valid_number(word: &str) -> Option<Number> {
    word.starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
        .then(|| serde_json::from_str(word).ok())?
}

/// A number as others write it.
fn odd_number(word: &str) -> Option<Number> {
    let (sign, digits) = match word.as_bytes().first()? {
        b'-' => ("-", &word[1..]),
        b'+' => ("", &word[1..]),
        _ => ("", word),
    };
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0b", 2), ("0o", 8)] {
        if let Some(digits) = digits.strip_prefix(prefix) {
            let digits = digits.replace('_', "");
            let number = u64::from_str_radix(&digits, radix).ok()?;
            return valid_number(&format!("{sign}{number}"));
        }
    }
    let odd = |byte: u8| {
        !(byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'e' | b'E' | b'-' | b'+'))
    };
    let first = *digits.as_bytes().first()?;
    if digits.bytes().any(odd) || !(first.is_ascii_digit() || first == b'.') {
        return None;
    }
    let (mantissa, exponent) = match digits.find(['e', 'E']) {
        Some(at) => digits.split_at(at),
        None => (digits, ""),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let is_underscored =
        |part: &str| part.starts_with('_') || part.ends_with('_') || part.contains("__");
    if is_underscored(whole) || whole.is_empty() && fraction.is_none_or(str::is_empty) {
        return None;
    }
    let whole = whole.replace('_', "");
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let fraction = match fraction {
        None => String::new(),
        Some("") => ".0".to_owned(),
        Some(fraction) => format!(".{}", fraction.replace('_', "")),
    };
    valid_number(&format!("{sign}{whole}{fraction}{exponent}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_of_other_languages_are_numbers() {
        let cases = [
            ("+1", json!(1)),
            (".5", json!(0.5)),
            ("-.5", json!(-0.5)),
            ("5.", json!(5.0)),
            ("007", json!(7)),
            ("-007", json!(-7)),
            ("00", json!(0)),
            ("0x1F", json!(31)),
            ("-0x10", json!(-16)),
            ("0b101", json!(5)),
            ("1_000_000", json!(1_000_000)),
            ("01.50e3", json!(1500.0)),
        ];
        for (word, value) in cases {
            let number = Token::Known(value, Some(RepairKind::Number));
            assert_eq!(Token::read(word, false), number, "{word}");
        }
    }

    #[test]
    fn what_only_resembles_a_number_is_text() {
        for word in [
            "1-2", "1.2.3", "12kg", "1,5", "0x", "1__0", "_1", ".", "+", "1e", "--1", "1e999",
            "e5", "٣",
        ] {
            assert_eq!(Token::read(word, false), Token::Text, "{word}");
        }
    }
}
