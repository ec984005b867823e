use std::path::Path;
use std::process::Command;

use crate::harness::Options;

/// The sizes of two programs that make one call each, built with this one, without their symbols.
pub(super) fn run(options: &Options) {
    if !options.wants("binary/one_call") {
        return;
    }
    let program = std::env::current_exe().expect("this program has a path");
    let folder = program.parent().unwrap_or(Path::new("."));
    let size = |name: &str| {
        let stripped = folder.join(format!("{name}.stripped"));
        let mut strip = Command::new("strip");
        strip.arg("-o").arg(&stripped).arg(folder.join(name));
        let done = strip.status().expect("strip comes with the linker");
        assert!(done.success(), "{name} is there and can be stripped");
        let size = std::fs::metadata(&stripped).expect("it was just written");
        size.len() as f64
    };
    let (ours, theirs) = (size("one_call_ours"), size("one_call_async_openai"));
    options.report("binary/one_call", "B", ours, theirs, "async-openai");
}
