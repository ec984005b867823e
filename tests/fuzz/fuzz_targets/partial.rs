#![no_main]

#[path = "../json_laws.rs"]
mod laws;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| laws::partial(bytes));
