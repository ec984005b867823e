use std::fs;
use std::path::{Path, PathBuf};

use crate::process::root;

/// The crates and their levels: a crate depends on lower levels alone.
pub(crate) const LEVELS: [(&str, u8); 14] = [
    ("fascine-rt", 0),
    ("fascine-message", 0),
    ("fascine-concurrency", 1),
    ("fascine-http", 1),
    ("fascine-testing", 1),
    ("fascine-mock", 2),
    ("fascine-resilience", 2),
    ("fascine-flow", 3),
    ("fascine-model", 3),
    ("fascine-branch", 4),
    ("fascine-session", 5),
    ("fascine", 6),
    ("fascine-cli", 6),
    ("fascine-it", 7),
];

/// The names of the library crates: every folder in `crates` but the program.
pub(crate) fn libraries() -> Vec<String> {
    let mut names: Vec<String> = folders(&root().join("crates"))
        .iter()
        .filter_map(|folder| Some(folder.file_name()?.to_str()?.to_owned()))
        .filter(|name| name != "fascine-cli")
        .collect();
    names.sort();
    names
}

/// The folders in a folder.
pub(crate) fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path)
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

/// What this program needs to know of a `Cargo.toml`. It reads the way these are written here: a table to a line
/// in brackets, a key to a line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) dependencies: Vec<String>,
    /// Feature, its line in the file, what it turns on, and whether a comment says what it is for.
    pub(crate) features: Vec<Feature>,
    pub(crate) workspace_dependencies: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Feature {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) enables: String,
    pub(crate) has_comment: bool,
}

impl Manifest {
    pub(crate) fn load(folder: &Path) -> Self {
        Self::parse(&fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default())
    }

    pub(crate) fn parse(text: &str) -> Self {
        let mut manifest = Self::default();
        let mut table = "";
        let mut comment_above = false;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.starts_with('[') {
                table = line.trim_matches(['[', ']']);
                continue;
            }
            if line.starts_with('#') || line.is_empty() {
                comment_above |= line.starts_with('#');
                continue;
            }
            let Some((key, value)) = line.split_once('=') else {
                continue;
            };
            let name = key
                .trim()
                .trim_matches('"')
                .split('.')
                .next()
                .unwrap_or_default()
                .to_owned();
            match table {
                "dependencies" => manifest.dependencies.push(name),
                "workspace.dependencies" => manifest.workspace_dependencies.push(name),
                "features" => {
                    let (enables, comment) = match value.split_once('#') {
                        Some((enables, _)) => (enables, true),
                        None => (value, comment_above),
                    };
                    let enables = enables.trim().to_owned();
                    let feature = Feature {
                        name,
                        line: number + 1,
                        enables,
                        has_comment: comment,
                    };
                    manifest.features.push(feature);
                }
                _ => {}
            }
        }
        manifest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_and_features_are_found() {
        let manifest = Manifest::parse(
            "[features]\ndefault = []\n# what it does\nsmol = [\"dep:smol\"]\n\n[dependencies]\n\
             a.workspace = true\nb = { workspace = true, optional = true }\n[dev-dependencies]\nc = \"1\"\n",
        );
        assert_eq!(manifest.dependencies, ["a", "b"]);
        let features: Vec<_> = manifest
            .features
            .iter()
            .map(|feature| {
                (
                    feature.name.as_str(),
                    feature.enables.as_str(),
                    feature.has_comment,
                )
            })
            .collect();
        assert_eq!(
            features,
            [("default", "[]", false), ("smol", "[\"dep:smol\"]", true)]
        );
    }
}
