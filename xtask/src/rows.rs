use crate::checks::PEERS;
use crate::manifest;

/// One row of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// The feature that adds its runtime.
    pub(crate) feature: Option<&'static str>,
}

pub(crate) const ROWS: [Row; 6] = [
    Row {
        name: "none",
        feature: None,
    },
    Row {
        name: "smol",
        feature: Some("smol"),
    },
    Row {
        name: "async-std",
        feature: Some("async-std"),
    },
    Row {
        name: "tokio",
        feature: Some("tokio"),
    },
    Row {
        name: "embedded",
        feature: Some("async-executor"),
    },
    Row {
        name: "all",
        feature: None,
    },
];

pub(crate) fn find(name: &str) -> Option<Row> {
    ROWS.into_iter().find(|row| row.name == name)
}

pub(crate) fn names() -> String {
    let names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
    format!("one of {}", names.join(", "))
}

impl Row {
    /// What cargo is to build: packages and features.
    ///
    /// Packages are named one by one: cargo joins the features of all that it builds at once, and the program has
    /// every runtime in it.
    pub(crate) fn selection(self) -> Vec<String> {
        let mut selection = Vec::new();
        let mut package = |name: &str| selection.extend(["-p".to_owned(), name.to_owned()]);
        match self.name {
            // Without the benchmarks, whose peers would choose features for everybody.
            "all" => {
                let words = ["--workspace", "--exclude", PEERS, "--all-features"];
                return words.map(str::to_owned).to_vec();
            }
            "none" => {
                manifest::libraries()
                    .iter()
                    .for_each(|library| package(library));
                package("xtask");
                package("fascine-it");
            }
            _ => package("fascine-it"),
        }
        if let Some(feature) = self.feature {
            selection.extend(["--features".to_owned(), format!("fascine-it/{feature}")]);
        }
        selection
    }

    /// What cargo is to take the examples in the documentation from; none where they have been run already.
    pub(crate) fn doc_selection(self) -> Option<Vec<String>> {
        let libraries = manifest::libraries();
        let packages = || {
            libraries
                .iter()
                .flat_map(|library| ["-p".to_owned(), library.clone()])
        };
        match self.name {
            "none" => Some(packages().collect()),
            "all" => Some(packages().chain(["--all-features".to_owned()]).collect()),
            _ => None,
        }
    }
}
