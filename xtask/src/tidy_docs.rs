use std::fs;

use crate::manifest::{Manifest, folders, libraries};
use crate::process::root;

/// Rules about manifests and pages.
pub(crate) fn check() -> Vec<String> {
    let mut breaches = features();
    breaches.extend(dependencies());
    breaches.extend(decisions());
    breaches.extend(readme_order(&read("README.md")).map(|what| format!("README.md: {what}")));
    breaches
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_default()
}

/// No library has a feature on by default, and each says what its features are for, twice.
fn features() -> Vec<String> {
    let mut breaches = Vec::new();
    for library in libraries() {
        let manifest = Manifest::load(&root().join("crates").join(&library));
        let docs = read(&format!("crates/{library}/src/lib.rs"));
        for feature in manifest.features {
            let at = format!("crates/{library}/Cargo.toml:{}", feature.line);
            if feature.name == "default" {
                if feature.enables != "[]" {
                    breaches.push(format!("{at}: nothing is on by default"));
                }
                continue;
            }
            if !feature.has_comment {
                breaches.push(format!(
                    "{at}: say in a comment what `{}` adds",
                    feature.name
                ));
            }
            if !docs.contains(&format!("//! - `{}`", feature.name)) {
                breaches.push(format!(
                    "{at}: list `{}` under `# Features` in lib.rs",
                    feature.name
                ));
            }
        }
    }
    breaches
}

/// Each dependency that is not ours has a line that says why.
fn dependencies() -> Vec<String> {
    let reasons = read("docs/dependencies.md");
    let names = Manifest::load(&root()).workspace_dependencies;
    let foreign = names.iter().filter(|name| !name.starts_with("fascine"));
    foreign
        .filter(|name| !reasons.contains(&format!("`{name}`")))
        .map(|name| format!("docs/dependencies.md: say in one line why there is `{name}`"))
        .collect()
}

/// Each decision is in the index.
fn decisions() -> Vec<String> {
    let index = read("docs/decisions/README.md");
    let folder = root().join("docs").join("decisions");
    let entries = fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    let names = entries.filter_map(|entry| entry.file_name().to_str().map(str::to_owned));
    let mut missing: Vec<String> = names
        .filter(|name| name != "README.md" && !index.contains(name.as_str()))
        .map(|name| format!("docs/decisions/README.md: it does not list {name}"))
        .collect();
    if folders(&root().join("docs"))
        .iter()
        .all(|path| !path.ends_with("decisions"))
    {
        missing.push("docs/decisions: it is gone".to_owned());
    }
    missing
}

/// The README shows, in this order: the two commands, fifteen lines of code, which crate to pick, the runtimes.
fn readme_order(readme: &str) -> Option<String> {
    let mut rest = readme;
    for landmark in [
        "cargo run\n",
        "cargo xtask test\n",
        "```rust",
        "## Which crate",
        "## Runtimes",
    ] {
        match rest.split_once(landmark) {
            Some((_, after)) => rest = after,
            None => {
                return Some(format!(
                    "`{}` is missing or not in its place",
                    landmark.trim()
                ));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_is_held_to_its_order() {
        let good = "x\ncargo run\ncargo xtask test\n```rust\n## Which crate\n## Runtimes";
        assert_eq!(readme_order(good), None);
        let bad = "x\ncargo xtask test\ncargo run\n```rust\n## Which crate\n## Runtimes";
        assert!(readme_order(bad).is_some_and(|what| what.contains("cargo xtask test")));
    }
}
