//! The `fascine` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    fascine_cli::run(clap::Parser::parse())
}
