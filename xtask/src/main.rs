//! The developer's commands: `cargo xtask help` lists them. Nothing but cargo and std.

mod api;
mod checks;
mod ci;
mod features;
mod manifest;
mod peers;
mod process;
mod rows;
mod test;
mod test_output;
mod tidy;
mod tidy_docs;
mod tidy_sources;
mod tidy_trees;

use std::process::ExitCode;

use process::Failed;

const HELP: &str = "\
cargo xtask COMMAND

  ci                       every check below, fastest first; stops at the first red
  fmt                      formatting
  tidy                     the invariants of docs/architecture.md
  lint                     clippy on all targets and features, warnings are errors
  test [ROW]               the runtime matrix, or one row: none, smol, async-std, tokio, embedded, all
  doc                      rustdoc, warnings are errors
  features                 each crate with no features, each feature alone, all together
  deny                     licences, bans and sources, by cargo-deny
  api [--bless]            the public API against docs/public-api; --bless accepts it
  loom                     the models under `cfg(loom)`: every interleaving
  asan                     tests under AddressSanitizer, of what is built on unsafe code; needs a nightly
  shuttle                  the models under `cfg(shuttle)`: many random schedules
  peers                    tests against model servers that somebody else wrote; installs them by npm and pip
  bench [NAME] [--quick] [--json]
                           ratios against named peers, measured in one run; NAME is a suite or a figure
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["ci"] => ci::run(),
        ["fmt"] => checks::fmt(),
        ["tidy"] => tidy::run(),
        ["lint"] => checks::lint(),
        ["test"] => test::run(None),
        ["test", row] => match rows::find(row) {
            Some(row) => test::run(Some(row)),
            None => return usage(&format!("unknown row `{row}`: {}", rows::names())),
        },
        ["doc"] => checks::doc(),
        ["features"] => features::run(),
        ["deny"] => checks::deny(),
        ["api"] => api::run(false),
        ["api", "--bless"] => api::run(true),
        ["loom"] => checks::loom(),
        ["asan"] => checks::asan(),
        ["shuttle"] => checks::shuttle(),
        ["peers"] => peers::run(),
        ["bench", rest @ ..] => checks::bench(rest),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        [command, rest @ ..] => {
            let known = HELP
                .lines()
                .any(|line| line.trim_start().starts_with(&format!("{command} ")));
            return usage(&if known && !rest.is_empty() {
                format!("`{command}` does not take `{}`", rest.join(" "))
            } else {
                format!("unknown command `{command}`")
            });
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed(what)) => {
            eprintln!("xtask: {what}");
            ExitCode::FAILURE
        }
    }
}

fn usage(problem: &str) -> ExitCode {
    eprintln!("xtask: {problem}\n\n{HELP}");
    ExitCode::from(2)
}
