use std::borrow::Cow;

use saphyr_parser::Tag;

use super::node::Data;
use super::problem::Problem;
use super::read_json::{float, integer};

/// What a scalar without quotes is: the core schema of YAML 1.2, section 10.3.2. `no`, `on` and dates are text there.
pub(crate) fn plain(text: Cow<'_, str>) -> Result<Data, Problem> {
    Ok(match &*text {
        "" | "~" | "null" | "Null" | "NULL" => Data::Null,
        "true" | "True" | "TRUE" => Data::Bool(true),
        "false" | "False" | "FALSE" => Data::Bool(false),
        _ => match number(&text) {
            Some(number) => Data::Number(number?),
            None => Data::Text(text.into_owned()),
        },
    })
}

/// What a scalar with a tag is.
pub(crate) fn tagged(text: Cow<'_, str>, tag: &Tag) -> Result<Data, Problem> {
    if !tag.is_yaml_core_schema() {
        return match (&*tag.handle, &*tag.suffix) {
            // "!" alone says that it is text.
            ("", "!") | ("!", "") => Ok(Data::Text(text.into_owned())),
            _ => Err(unknown_tag(tag)),
        };
    }
    let written = text.to_string();
    let data = match &*tag.suffix {
        "str" => return Ok(Data::Text(written)),
        "null" | "bool" | "int" | "float" => plain(text)?,
        _ => return Err(unknown_tag(tag)),
    };
    let fits = match (&*tag.suffix, &data) {
        ("null", Data::Null) | ("bool", Data::Bool(_)) | ("float", Data::Number(_)) => true,
        ("int", Data::Number(number)) => !number.is_f64(),
        _ => false,
    };
    match fits {
        true => Ok(data),
        false => Err(Problem::unfit(format!("a `!!{}`", tag.suffix), written)),
    }
}

pub(crate) fn unknown_tag(tag: &Tag) -> Problem {
    Problem::unfit("no tag, or one of YAML's own", format!("the tag `{tag}`"))
}

fn number(text: &str) -> Option<Result<serde_json::Number, Problem>> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let all = |text: &str, is: fn(&u8) -> bool| !text.is_empty() && text.bytes().all(|b| is(&b));
    if all(digits, u8::is_ascii_digit) {
        return Some(integer(text, 10));
    }
    let octal = text.strip_prefix("0o");
    if let Some(digits) = octal.filter(|digits| all(digits, |b| matches!(b, b'0'..=b'7'))) {
        return Some(integer(digits, 8));
    }
    let hexadecimal = text.strip_prefix("0x");
    if let Some(digits) = hexadecimal.filter(|digits| all(digits, u8::is_ascii_hexdigit)) {
        return Some(integer(digits, 16));
    }
    if matches!(digits, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(float("inf"));
    }
    is_float(digits).then(|| float(text))
}

/// `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let exponent = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    if exponent.is_some_and(|text| text.is_empty() || !digits(text)) {
        return false;
    }
    match mantissa.split_once('.') {
        Some((whole, part)) => {
            digits(whole) && digits(part) && !(whole.is_empty() && part.is_empty())
        }
        None => !mantissa.is_empty() && digits(mantissa),
    }
}
