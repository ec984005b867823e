use crate::manifest::{Manifest, libraries};
use crate::process::{Done, cargo, root, stage};

/// Checks each library with no features, with each feature alone, and with all of them.
pub(crate) fn run() -> Done {
    let libraries = libraries();
    let all: Vec<&str> = libraries
        .iter()
        .flat_map(|name| ["-p", name.as_str()])
        .collect();
    let check = |more: &[&str]| {
        let mut command = cargo(&["check", "--quiet", "--locked"]);
        command.args(more);
        command
    };
    for library in &libraries {
        let manifest = Manifest::load(&root().join("crates").join(library));
        let package = ["-p", library.as_str(), "--no-default-features"];
        stage(&format!("features: {library}, none"), &mut check(&package))?;
        for feature in manifest
            .features
            .iter()
            .filter(|feature| feature.name != "default")
        {
            let name = format!("features: {library}, {}", feature.name);
            stage(&name, check(&package).args(["--features", &feature.name]))?;
        }
    }
    stage("features: all", check(&all).arg("--all-features"))
}
