//! What holds of the readers of JSON for any text at all. The fuzzer and the tests run the same functions.
#![allow(dead_code, reason = "each target has one of them")]

use fascine::branch::{PartialParser, RepairError, RepairLimits, repair_json};
use serde_json::Value;

/// Whatever is read is JSON, and is read again as what it is; and it took no more than so many steps.
pub(crate) fn repair(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let limits = RepairLimits::default().with_steps(24 * text.len() as u64 + 1_024);
    let valid = serde_json::from_str::<Value>(&text);
    match repair_json(&text, &limits) {
        Ok(repaired) => {
            if let Ok(value) = valid {
                assert!(repaired.is_clean() && repaired.value == value);
            }
            let printed = repaired.value.to_string();
            let again = repair_json(&printed, &limits).expect("what was printed is JSON");
            assert!(again.is_clean(), "{:?}", again.repairs);
            assert_eq!(again.value, repaired.value);
        }
        Err(error) => {
            assert!(valid.is_err(), "{error}");
            let expected = matches!(
                error,
                RepairError::Empty | RepairError::NoJson { .. } | RepairError::TooDeep { .. }
            );
            assert!(expected, "{error}");
        }
    }
}

/// Splits the text where the first byte says, and holds the pieces to what the whole means.
pub(crate) fn partial(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes.get(1..).unwrap_or_default());
    let mut split = usize::from(bytes.first().copied().unwrap_or_default()).min(text.len());
    while !text.is_char_boundary(split) {
        split -= 1;
    }
    let whole = value_of(&[&text]);
    assert_eq!(whole, value_of(&[&text[..split], &text[split..]]));
    let chars: Vec<&str> = text.split_inclusive(|_: char| true).collect();
    assert_eq!(whole, value_of(&chars));
    if let Ok(value @ (Value::Array(_) | Value::Object(_))) = serde_json::from_str(&text) {
        assert_eq!(whole, (Some(value), true));
    }
}

/// The value after these pieces, and whether it is complete. No two snapshots in a row are the same.
fn value_of(pieces: &[&str]) -> (Option<Value>, bool) {
    let mut parser = PartialParser::new();
    let mut last = None;
    for piece in pieces {
        if let Some(snapshot) = parser.feed(piece) {
            assert_ne!(last.as_ref(), Some(snapshot.value()));
            last = Some(snapshot.value().clone());
        }
    }
    let snapshot = parser.snapshot();
    let value = snapshot.map(|snapshot| snapshot.value().clone());
    assert_eq!(value, last);
    (
        value,
        snapshot.is_some_and(|snapshot| snapshot.is_complete()),
    )
}
