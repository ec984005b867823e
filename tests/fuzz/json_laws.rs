//! What holds of the repair of JSON for any text at all. The fuzzer and the tests run the same functions.
#![allow(dead_code, reason = "each target has one of them")]

use fascine::branch::{RepairError, RepairLimits, repair_json};
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
