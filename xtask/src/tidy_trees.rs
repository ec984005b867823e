use std::collections::BTreeSet;

use crate::manifest::{LEVELS, Manifest, libraries};
use crate::process::{Failed, cargo, output, root};

/// Arrows between crates, and what each runtime's build has in its tree.
pub(crate) fn check() -> Result<Vec<String>, Failed> {
    let mut breaches = arrows();
    let runtimes = [
        ("smol", &["tokio", "async-std"][..]),
        ("async-std", &["tokio", "smol"]),
        (
            "tokio",
            &["async-io", "async-std", "smol", "async-executor", "polling"],
        ),
        ("async-executor", &["tokio", "smol", "async-std"]),
        // The transports of surf that hand one caller's answer to another.
        ("surf", &["async-h1", "curl", "hyper", "isahc", "tokio"]),
        ("hyper", &["async-io", "async-std", "mio", "smol"]),
        // The servers of MCP are asked on any runtime.
        ("mcp", &["async-io", "async-std", "mio", "smol", "tokio"]),
    ];
    for (feature, banned) in runtimes {
        let tree = tree("fascine", feature)?;
        for name in banned.iter().filter(|name| tree.contains(**name)) {
            breaches.push(format!(
                "crates/fascine/Cargo.toml: a build with `{feature}` alone has {name} in its tree; \
                 see `cargo tree -p fascine --no-default-features --features {feature} -e normal -i {name}`"
            ));
        }
    }
    breaches.extend(runtime_by_hyper()?);
    Ok(breaches)
}

/// Of tokio, hyper brings channels and traits; what makes it a runtime must not come along.
fn runtime_by_hyper() -> Result<Vec<String>, Failed> {
    let mut command = cargo(&[
        "tree",
        "--locked",
        "-p",
        "fascine",
        "--features",
        "smol,hyper",
    ]);
    command.args(["-e", "normal", "--prefix", "none", "--format", "{lib} {f}"]);
    let lines = output("cargo tree", &mut command)?;
    let features = lines.lines().filter_map(|line| line.strip_prefix("tokio "));
    let runtime = features
        .flat_map(|features| features.trim_end_matches(" (*)").split(','))
        .filter(|feature| matches!(*feature, "fs" | "net" | "process" | "rt" | "time"));
    let names: BTreeSet<&str> = runtime.collect();
    Ok(names
        .into_iter()
        .map(|name| {
            format!(
                "crates/fascine/Cargo.toml: a build with `smol` and `hyper` has tokio's `{name}` in its tree"
            )
        })
        .collect())
}

fn tree(package: &str, feature: &str) -> Result<BTreeSet<String>, Failed> {
    let mut command = cargo(&["tree", "--locked", "-p", package, "--no-default-features"]);
    command.args(["--features", feature, "-e", "normal", "--prefix", "none"]);
    let lines = output("cargo tree", &mut command)?;
    Ok(lines
        .lines()
        .filter_map(|line| Some(line.split(' ').next()?.to_owned()))
        .collect())
}

fn arrows() -> Vec<String> {
    let level = |name: &str| {
        LEVELS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, level)| *level)
    };
    let mut breaches = Vec::new();
    for name in libraries().into_iter().chain(["fascine-cli".to_owned()]) {
        let manifest = Manifest::load(&root().join("crates").join(&name));
        let Some(own) = level(&name) else {
            breaches.push(format!(
                "crates/{name}: it has no level; give it one in xtask/src/manifest.rs"
            ));
            continue;
        };
        for dependency in &manifest.dependencies {
            // The program is made of the facade, on the same level.
            let facade = name == "fascine-cli" && dependency == "fascine";
            if let Some(other) = level(dependency)
                && other >= own
                && !facade
            {
                breaches.push(format!(
                    "crates/{name}/Cargo.toml: it is on level {own} and must not depend on {dependency}, on level {other}"
                ));
            }
        }
    }
    breaches
}
