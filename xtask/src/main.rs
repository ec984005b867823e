//! The developer's commands: `cargo xtask help` lists them. Nothing but cargo and std.

mod api;
mod checks;
mod ci;
mod command;
mod features;
mod manifest;
mod peers;
mod process;
mod rows;
mod screenshots;
mod test;
mod test_output;
mod tidy;
mod tidy_docs;
mod tidy_sources;
mod tidy_trees;

use std::process::ExitCode;

use command::{Command, HELP};
use process::Failed;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let command = match Command::parse(&words) {
        Ok(command) => command,
        Err(problem) => {
            eprintln!("xtask: {problem}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let done = match command {
        Command::Api { bless } => api::run(bless),
        Command::Asan => checks::asan(),
        Command::Bench(args) => return checks::bench(args),
        Command::Ci => ci::run(),
        Command::Deny => checks::deny(),
        Command::Doc => checks::doc(),
        Command::Features => features::run(),
        Command::Fmt => checks::fmt(),
        Command::Help => {
            print!("{HELP}");
            Ok(())
        }
        Command::Lint => checks::lint(),
        Command::Loom => checks::loom(),
        Command::Miri => checks::miri(),
        Command::Peers => peers::run(),
        Command::Screenshots => screenshots::run(),
        Command::Shuttle => checks::shuttle(),
        Command::Test(row) => test::run(row),
        Command::Tidy => tidy::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed(what)) => {
            eprintln!("xtask: {what}");
            ExitCode::FAILURE
        }
    }
}
