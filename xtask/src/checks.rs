use std::process::{Command, ExitCode};

use crate::process::{Done, Failed, cargo, has_cargo_command, output, root, stage};

/// The benchmarks. With all their features they bring the clients of others, which take minutes to build: only a
/// benchmark asks for those.
pub(crate) const PEERS: &str = "fascine-peers";

pub(crate) fn fmt() -> Done {
    stage("fmt", &mut cargo(&["fmt", "--all", "--check"]))
}

pub(crate) fn check() -> Done {
    stage(
        "check",
        &mut cargo(&[
            "check",
            "--locked",
            "--workspace",
            "--exclude",
            PEERS,
            "--all-features",
            "--all-targets",
        ]),
    )
}

pub(crate) fn lint() -> Done {
    let clippy = [
        "clippy",
        "--locked",
        "--workspace",
        "--exclude",
        PEERS,
        "--all-features",
        "--all-targets",
    ];
    stage("lint", cargo(&clippy).args(["--", "-D", "warnings"]))?;
    let bench = ["clippy", "--locked", "-p", PEERS];
    stage("lint bench", cargo(&bench).args(["--", "-D", "warnings"]))?;
    // A target that no test run takes is not among `--all-targets`.
    let peers = [
        "clippy",
        "--locked",
        "-p",
        "fascine-it",
        "--all-features",
        "--test",
        "peers",
    ];
    stage("lint peers", cargo(&peers).args(["--", "-D", "warnings"]))
}

pub(crate) fn doc() -> Done {
    let doc = [
        "doc",
        "--locked",
        "--workspace",
        "--exclude",
        PEERS,
        "--all-features",
        "--no-deps",
    ];
    stage("doc", cargo(&doc).env("RUSTDOCFLAGS", "-D warnings"))
}

/// Runs cargo-deny, which is not part of cargo; the list of advisories needs a network and is left out.
pub(crate) fn deny() -> Done {
    if !has_cargo_command("deny") {
        return Err(Failed(
            "cargo-deny is not installed: `cargo install --locked cargo-deny`".to_owned(),
        ));
    }
    let deny = [
        "deny",
        "--offline",
        "--all-features",
        "check",
        "bans",
        "licenses",
        "sources",
    ];
    stage("deny", &mut cargo(&deny))
}

/// Runs the models under loom: every interleaving of small ones.
pub(crate) fn loom() -> Done {
    let mut command = models("loom");
    command.env("LOOM_MAX_PREEMPTIONS", "3");
    stage("loom", &mut command)
}

/// Runs the models under shuttle: many random schedules of larger ones.
pub(crate) fn shuttle() -> Done {
    stage("shuttle", &mut models("shuttle"))
}

/// Runs the tests of what is built on unsafe code under AddressSanitizer, which knows leaks too. It is part of nightly.
pub(crate) fn asan() -> Done {
    let version = output("asan", &mut nightly(&["rustc", "-vV"])).map_err(|_| {
        Failed("asan needs a nightly: `rustup toolchain install nightly`".to_owned())
    })?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.ok_or_else(|| Failed("asan: rustc does not say its host".to_owned()))?;
    // With a target of its own, so that build scripts are built as ever.
    let mut test = nightly(&[
        "cargo",
        "test",
        "--locked",
        "-p",
        "fascine-it",
        "--target",
        host,
    ]);
    test.args(["--target-dir".into(), root().join("target").join("asan")]);
    test.args(["--test", "it", "--", "concurrency::"]);
    stage("asan", test.env("RUSTFLAGS", "-Zsanitizer=address"))
}

/// Runs the tests of the unsafe code in an interpreter that knows what is undefined, under several schedules.
pub(crate) fn miri() -> Done {
    output("miri", &mut nightly(&["cargo", "miri", "--version"])).map_err(|_| {
        Failed(
            "miri needs a nightly with two components: \
             `rustup toolchain install nightly --component miri --component rust-src`"
                .to_owned(),
        )
    })?;
    let mut test = nightly(&[
        "cargo",
        "miri",
        "test",
        "--locked",
        "-p",
        "fascine-concurrency",
        "--lib",
    ]);
    test.args(["--target-dir".into(), root().join("target").join("miri")]);
    test.args(["--", "raw::"]);
    stage("miri", test.env("MIRIFLAGS", "-Zmiri-many-seeds=0..16"))
}

/// A command of the nightly toolchain, in the root of the workspace.
fn nightly(args: &[&str]) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly"]).args(args);
    command.current_dir(root());
    // This program's own toolchain is not the one it asks for.
    command.env_remove("CARGO").env_remove("RUSTC");
    command
}

/// The models are unit tests behind a `cfg`, built on their own so that nothing else is rebuilt.
fn models(checker: &str) -> Command {
    let mut command = cargo(&[
        "test",
        "--locked",
        "--release",
        "-p",
        "fascine-concurrency",
        "-p",
        "fascine-flow",
        "-p",
        "fascine-resilience",
        "--lib",
    ]);
    command.args(["--target-dir".into(), root().join("target").join(checker)]);
    command.env("RUSTFLAGS", format!("--cfg {checker}"));
    command
}

/// Builds the benchmarks and runs them; how they end is how this ends: 2 if there is no such figure.
pub(crate) fn bench(args: &[&str]) -> ExitCode {
    let peers = |command: &str| {
        let mut cargo = cargo(&[command, "--locked", "--release", "-p", PEERS]);
        if needs(
            args,
            &["model", "binary/", "service/", "stream/", "transport/"],
        ) {
            cargo.args(["--features", "model"]);
        }
        if needs(args, &["flow"]) {
            cargo.args(["--features", "flow"]);
        }
        cargo
    };
    // What it prints may be read by a program: the build speaks on the other stream.
    match ended(&mut peers("build")) {
        0 => ended(peers("run").args(["--quiet", "--"]).args(args)).into(),
        _ => ExitCode::FAILURE,
    }
}

/// Whether some of these figures are to be measured; building their peers takes minutes.
fn needs(args: &[&str], figures: &[&str]) -> bool {
    let name = args.iter().find(|arg| !arg.starts_with('-'));
    name.is_none_or(|name| {
        let of = |figures: &&str| figures.starts_with(name) || name.starts_with(*figures);
        figures.iter().any(of)
    })
}

/// The exit code of a command that says itself what went wrong; 1 if there is none.
fn ended(command: &mut Command) -> u8 {
    match command.status() {
        Ok(status) => status
            .code()
            .and_then(|code| code.try_into().ok())
            .unwrap_or(1),
        Err(error) => {
            eprintln!("xtask: bench: {error}");
            1
        }
    }
}
