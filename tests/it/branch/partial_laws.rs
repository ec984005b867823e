//! Laws of reading JSON while it is written, over random values and random cuts.

use fascine::branch::{DecodeOptions, PartialParser, Schema};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::json_values::{begins, document};
use super::laws;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_snapshot_is_new_and_a_beginning_and_the_last_is_the_value(
        (value, text) in document(),
        seed in any::<u64>(),
    ) {
        let mut random = fastrand::Rng::with_seed(seed);
        let chars: Vec<char> = text.chars().collect();
        let mut rest = chars.as_slice();
        let mut parser = PartialParser::new();
        let mut last: Option<Value> = None;
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(random.usize(0..=rest.len().min(7)));
            rest = more;
            let piece: String = piece.iter().collect();
            if let Some(snapshot) = parser.feed(&piece) {
                prop_assert!(begins(snapshot.value(), &value), "{}", snapshot.value());
                prop_assert_ne!(last.as_ref(), Some(snapshot.value()));
                let path = snapshot.open_path();
                prop_assert!(snapshot.value().pointer(path.as_str()).is_some(), "{}", path);
                last = Some(snapshot.value().clone());
            }
        }
        prop_assert_eq!(last.as_ref(), Some(&value));
        prop_assert!(parser.snapshot().is_some_and(|snapshot| snapshot.is_complete()));
        let schema = Schema::from_value("any", json!({"type": "array"})).unwrap();
        let decoded = parser.finish::<Value>(&schema, &DecodeOptions::default()).unwrap();
        prop_assert_eq!(decoded.json, value);
    }

    #[test]
    fn cuts_change_nothing_whatever_the_text_is(text in r#"[\\"{}\[\],:`u0-9a-fD8C<>/ \n😀é-]{0,60}"#) {
        laws::partial(text.as_bytes());
    }

    #[test]
    fn cuts_change_nothing_in_documents((_, text) in document(), cut in any::<u8>()) {
        let text = format!("x\n```json\n{text}\n```");
        laws::partial(&[&[cut], text.as_bytes()].concat());
    }
}

#[test]
fn the_seeds_of_the_fuzzer_keep_the_laws() {
    laws::partial(include_bytes!("../../fuzz/corpus/partial/stream"));
    laws::partial(include_bytes!("../../fuzz/corpus/partial/hostile"));
    laws::partial(b"");
}
