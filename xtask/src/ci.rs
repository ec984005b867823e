use crate::process::{Done, has_cargo_command, now};
use crate::{api, checks, features, test, tidy};

/// Every check, fastest first; stops at the first that fails.
pub(crate) fn run() -> Done {
    let started = now();
    checks::fmt()?;
    tidy::run()?;
    api::run(false)?;
    checks::check()?;
    checks::lint()?;
    test::run(None)?;
    checks::doc()?;
    features::run()?;
    checks::loom()?;
    checks::shuttle()?;
    if has_cargo_command("deny") {
        checks::deny()?;
    } else {
        println!(
            "== deny: SKIPPED, cargo-deny is not installed: `cargo install --locked cargo-deny`"
        );
    }
    println!(
        "== ci: green after {:.0} s",
        started.elapsed().as_secs_f64()
    );
    Ok(())
}
