use std::fs;
use std::path::{Path, PathBuf};

use crate::manifest::folders;
use crate::process::root;

/// Rules about single files of Rust.
pub(crate) fn check() -> Vec<String> {
    let mut breaches = Vec::new();
    for path in rust_files() {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let shown = path
            .strip_prefix(root())
            .unwrap_or(&path)
            .display()
            .to_string();
        breaches.extend(check_file(&shown, &text));
    }
    breaches
}

/// Every Rust file of the workspace, in order.
pub(crate) fn rust_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![
        root().join("crates"),
        root().join("tests"),
        root().join("xtask"),
    ];
    while let Some(folder) = open.pop() {
        open.extend(
            folders(&folder)
                .into_iter()
                .filter(|path| !path.ends_with("target")),
        );
        let entries = fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .filter_map(Result::ok);
        let paths = entries.map(|entry| entry.path());
        files.extend(paths.filter(|path| path.extension().is_some_and(|ending| ending == "rs")));
    }
    files.sort();
    files
}

fn check_file(path: &str, text: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    let mut breach = |line: usize, what: &str| breaches.push(format!("{path}:{line}: {what}"));
    if path.starts_with("xtask/src/tidy") {
        return breaches; // It spells out what it looks for.
    }
    if Path::new(path)
        .file_name()
        .is_some_and(|name| name == "mod.rs")
    {
        breach(1, "a module is `name.rs` beside `name/`, never `mod.rs`");
    }
    let is_root = ["/lib.rs", "/main.rs"]
        .iter()
        .any(|root| path.ends_with(root));
    if is_root && !text.starts_with("//!") {
        breach(1, "a crate begins with what it is for: `//! ..`");
    }
    let code_lines = text
        .split("#[cfg(test)]")
        .next()
        .unwrap_or_default()
        .lines()
        .count();
    if code_lines > MAX_LINES {
        breach(
            1,
            &format!("{code_lines} lines without tests: look for the second concept in it"),
        );
    }
    let library = path.starts_with("crates/") && !path.starts_with("crates/fascine-cli/");
    let may_name_runtimes = [
        "crates/fascine-rt/",
        "crates/fascine-http/",
        "crates/fascine/",
    ];
    let may_name_runtimes = may_name_runtimes
        .iter()
        .any(|allowed| path.starts_with(allowed));
    for (number, line) in text.lines().enumerate() {
        let number = number + 1;
        let line = line.trim();
        let code = if line.starts_with("//") { "" } else { line };
        if library
            && !may_name_runtimes
            && RUNTIMES.iter().any(|name| code.contains(&feature(name)))
        {
            breach(
                number,
                "only fascine-rt and fascine-http know a runtime by name",
            );
        }
        if code.contains("cfg(not(feature") {
            breach(
                number,
                "a feature only adds: nothing may depend on one being off",
            );
        }
        for word in ["todo!(", "unimplemented!(", "#[ignore"] {
            if code.contains(word) {
                breach(
                    number,
                    &format!("`{word}` has no place here: what is not in yet does not exist"),
                );
            }
        }
        if path.starts_with("tests/it/") && code.contains("thread::sleep(") {
            breach(number, "tests do not sleep: time is TestRuntime's");
        }
    }
    breaches
}

fn feature(name: &str) -> String {
    format!("feature = \"{name}\"")
}

const RUNTIMES: [&str; 5] = ["async-executor", "async-io", "async-std", "smol", "tokio"];
const MAX_LINES: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, expected: Option<&str>) {
        let breaches = check_file(path, text);
        match expected {
            Some(expected) => {
                assert_eq!(breaches.len(), 1, "{breaches:?}");
                assert!(breaches[0].contains(expected), "{breaches:?}");
            }
            None => assert_eq!(breaches, Vec::<String>::new()),
        }
    }

    #[test]
    fn breaches_are_found_and_named() {
        check(
            "crates/fascine-flow/src/a.rs",
            "fn a() { todo!() }",
            Some(":1: `todo!(`"),
        );
        check(
            "crates/fascine-flow/src/a.rs",
            "\n#[cfg(feature = \"tokio\")]",
            Some(":2: only fascine-rt"),
        );
        check(
            "crates/fascine-rt/src/a.rs",
            "#[cfg(not(feature = \"smol\"))]",
            Some("only adds"),
        );
        check(
            "crates/fascine-flow/src/lib.rs",
            "mod a;",
            Some("what it is for"),
        );
        check(
            "crates/fascine-flow/src/a/mod.rs",
            "",
            Some("never `mod.rs`"),
        );
        check(
            "crates/fascine-flow/src/a.rs",
            &"\n".repeat(501),
            Some("second concept"),
        );
        check(
            "tests/it/a.rs",
            "std::thread::sleep(d);",
            Some("tests do not sleep"),
        );
    }

    #[test]
    fn what_is_allowed_is_not_a_breach() {
        check(
            "crates/fascine-rt/src/lib.rs",
            "//! x\n#[cfg(feature = \"tokio\")]",
            None,
        );
        check(
            "crates/fascine-flow/src/a.rs",
            "// todo!() in a comment\nfn a() {}",
            None,
        );
        check(
            "crates/fascine-flow/src/a.rs",
            &format!("#[cfg(test)]{}", "\n".repeat(900)),
            None,
        );
    }
}
