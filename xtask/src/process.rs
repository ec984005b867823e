use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

/// What failed, in a sentence.
#[derive(Debug)]
pub(crate) struct Failed(pub(crate) String);

pub(crate) type Done = Result<(), Failed>;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or_else(|| here.clone(), PathBuf::from)
}

/// The cargo that runs this program, in the root of the workspace.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command
        .args(args)
        .current_dir(root())
        .env("CARGO_TERM_COLOR", "never");
    // Those of this program's own build are not those of what it builds.
    for (name, _) in env::vars_os() {
        let set_by_cargo = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if set_by_cargo {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a stage, prints its time, and fails if it fails.
pub(crate) fn stage(name: &str, command: &mut Command) -> Done {
    println!("== {name}");
    let started = now();
    let status = command
        .status()
        .map_err(|error| Failed(format!("{name}: {error}")))?;
    println!("== {name}: {:.1} s", started.elapsed().as_secs_f64());
    if status.success() {
        Ok(())
    } else {
        Err(Failed(format!("{name} failed: {status}")))
    }
}

/// The standard output of a command that must succeed.
pub(crate) fn output(name: &str, command: &mut Command) -> Result<String, Failed> {
    let output = command
        .output()
        .map_err(|error| Failed(format!("{name}: {error}")))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Failed(format!("{name} failed: {}\n{said}", output.status)))
    }
}

/// Whether `cargo NAME` is installed.
pub(crate) fn has_cargo_command(name: &str) -> bool {
    let mut asked = cargo(&[name, "--version"]);
    asked.stdout(Stdio::null()).stderr(Stdio::null());
    asked.status().is_ok_and(|status| status.success())
}

#[expect(clippy::disallowed_methods, reason = "a stopwatch for people")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
