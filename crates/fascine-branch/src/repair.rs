mod ahead;
mod close;
mod document;
mod documents;
mod error;
mod escape;
mod frame;
mod key;
mod limits;
mod quotes;
mod repair_kind;
mod repaired;
mod report;
mod scanner;
mod string;
mod string_end;
mod token;
mod value;

use serde_json::Value;

use crate::repair::documents::Documents;
use crate::repair::limits::MAX_DEPTH;
use crate::repair::report::Report;
use crate::repair::scanner::Scanner;

pub use error::RepairError;
pub use limits::RepairLimits;
pub use repair_kind::RepairKind;
pub use repaired::{Repair, Repaired};
pub(crate) use token::Token;

/// Reads JSON as models write it: between prose, in fenced blocks, with the quotes, commas, comments and literals of other
/// languages, or cut off.
///
/// Valid JSON is what `serde_json` makes of it, and costs what it costs there. Anything else is read once more, in one
/// pass that looks ahead a bounded way, so all of it takes O(n). A string that is written as JSON is always read as it
/// stands, wherever it is; what is guessed is guessed about the rest.
///
/// - Of equal keys the last counts.
/// - Several documents that follow each other are an array of them; those in fenced blocks come before those that are not.
/// - What was cut off is closed. A string keeps what there is of it; a key without its value, and half an escape, go.
///
/// # Errors
///
/// [`RepairError`] when there is no JSON in the text, or more of it than `limits` allow.
///
/// # Examples
///
/// ```
/// use fascine_branch::{RepairLimits, repair_json};
///
/// let text = "Sure! {'legs': 8, eyes: [1, 2, // the others are small\n ], wings: None, \"name\": \"Bor";
/// let repaired = repair_json(text, &RepairLimits::default())?;
/// assert_eq!(repaired.value.to_string(), r#"{"eyes":[1,2],"legs":8,"name":"Bor","wings":null}"#);
/// assert!(repaired.is_cut_off() && !repaired.is_clean());
/// # Ok::<(), fascine_branch::RepairError>(())
/// ```
pub fn repair_json(text: &str, limits: &RepairLimits) -> Result<Repaired, RepairError> {
    if text.len() > limits.bytes() {
        return Err(RepairError::TooLarge {
            bytes: text.len(),
            limit: limits.bytes(),
        });
    }
    if let Ok(value) = serde_json::from_str::<Value>(text)
        && (limits.depth() == MAX_DEPTH || !is_deeper(&value, limits.depth()))
    {
        return Ok(Repaired::new(value, 1, Report::new(0), 0));
    }
    let mut scanner = Scanner::new(text, Report::new(limits.listed()));
    let mut documents = Documents::new(&mut scanner, *limits).read()?;
    let Scanner {
        steps, mut report, ..
    } = scanner;
    let count = documents.len();
    let value = match (count, documents.pop()) {
        (_, None) if text.trim().is_empty() => return Err(RepairError::Empty),
        (_, None) => return Err(RepairError::NoJson { bytes: text.len() }),
        (1, Some(value)) => value,
        (_, Some(last)) => {
            documents.push(last);
            report.add(0, RepairKind::SeveralDocuments);
            Value::Array(documents)
        }
    };
    Ok(Repaired::new(value, count, report, steps))
}

/// Whether arrays and objects are nested more than `levels` deep. `serde_json` has bounded the depth of this recursion.
fn is_deeper(value: &Value, levels: usize) -> bool {
    let within = |inner: &Value| is_deeper(inner, levels.saturating_sub(1));
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(within),
        Value::Object(fields) => levels == 0 || fields.values().any(within),
        _ => false,
    }
}
