//! Laws of the repair of JSON, over random values, their beginnings, and what chance makes of them.

use fascine::branch::{RepairLimits, repair_json};
use proptest::prelude::*;

use super::json_values::{begins, document};
use super::laws;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn valid_json_is_what_serde_json_makes_of_it((value, text) in document()) {
        let repaired = repair_json(&text, &RepairLimits::default()).unwrap();
        prop_assert!(repaired.is_clean());
        prop_assert_eq!(repaired.steps, 0);
        prop_assert_eq!(repaired.value, value);
    }

    #[test]
    fn every_beginning_of_valid_json_is_a_beginning_of_its_value((value, text) in document()) {
        for (end, _) in text.char_indices().skip(1) {
            let part = &text[..end];
            let repaired = repair_json(part, &RepairLimits::default()).unwrap();
            prop_assert!(begins(&repaired.value, &value), "{} gives {}", part, repaired.value);
            prop_assert!(repaired.is_cut_off());
        }
    }

    #[test]
    fn one_trailing_comma_changes_nothing((value, text) in document()) {
        let broken = text.strip_suffix(']').unwrap().to_owned() + ",]";
        let repaired = repair_json(&broken, &RepairLimits::default()).unwrap();
        prop_assert_eq!(repaired.value, value, "{}", broken);
    }

    #[test]
    fn prose_and_fences_around_change_nothing((value, text) in document()) {
        for around in [format!("Here:\n```json\n{text}\n```\nDone."), format!("{text} So it is.")] {
            let repaired = repair_json(&around, &RepairLimits::default()).unwrap();
            prop_assert_eq!(&repaired.value, &value, "{}", around);
        }
    }

    #[test]
    fn random_changes_give_json_or_an_error((_, text) in document(), seed in any::<u64>()) {
        let mut random = fastrand::Rng::with_seed(seed);
        let marks: Vec<char> = MARKS.chars().collect();
        let mut chars: Vec<char> = text.chars().collect();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(..chars.len());
            match random.u8(..3) {
                0 => chars[at] = marks[random.usize(..marks.len())],
                1 => chars.insert(at, marks[random.usize(..marks.len())]),
                _ if chars.len() > 1 => drop(chars.remove(at)),
                _ => {}
            }
        }
        laws::repair(chars.into_iter().collect::<String>().as_bytes());
    }

    #[test]
    fn anything_at_all_gives_json_or_an_error(text in r#"[\\"'{}\[\](),:;=/*#.`\n\t a-fnu0-9“’\x{FEFF}]{0,80}"#) {
        laws::repair(text.as_bytes());
    }
}

#[test]
fn the_seeds_of_the_fuzzer_keep_the_laws() {
    laws::repair(include_bytes!("../../fuzz/corpus/repair/mixed"));
    laws::repair(include_bytes!("../../fuzz/corpus/repair/hostile"));
    laws::repair(b"");
}

const MARKS: &str = "\"'{}[](),:;=/*#.`\\\n\t a0-“’tN";
