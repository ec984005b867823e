//! Benchmarks against named peers: each figure is a ratio, ours over theirs, both measured in this run.
//!
//! `cargo xtask bench [NAME] [--quick] [--json]`: NAME is a suite (`concurrency`) or how the names of figures begin.
//! Times on a shared machine prove nothing; the ratio of the medians of batches that alternate between the sides does.
//! Below 1 is better.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

mod bounded_map;
mod branch;
mod breakers;
#[cfg(any(feature = "flow", feature = "model"))]
mod cpu;
#[cfg(feature = "flow")]
mod flow;
mod gather;
mod groups;
mod harness;
mod limiter;
#[cfg(feature = "model")]
mod model;
mod pipelines;
mod primitives;
mod retries;
mod scopes;
mod spawn;

use std::process::ExitCode;

use harness::Options;

fn main() -> ExitCode {
    #[cfg(feature = "model")]
    if let Some(exit) = model::another_process(std::env::args().skip(1)) {
        return exit;
    }
    let mut options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            println!("bench: {problem}");
            return ExitCode::from(2);
        }
    };
    let before = options.measured();
    options.suite("rt", spawn::run);
    options.suite("concurrency", |options| {
        gather::run(options);
        scopes::run(options);
        groups::run(options);
        primitives::run(options);
        bounded_map::run(options);
    });
    options.suite("resilience", |options| {
        breakers::run(options);
        pipelines::run(options);
        retries::run(options);
        limiter::run(options);
    });
    options.suite("branch", branch::run);
    #[cfg(feature = "model")]
    options.suite("model", model::run);
    #[cfg(feature = "flow")]
    options.suite("flow", flow::run);
    if options.measured() == before {
        println!(
            "bench: no figure is named `{}`: rt, concurrency, resilience, branch, model, flow, or how the names of figures begin",
            options.filter()
        );
        return ExitCode::from(2);
    }
    ExitCode::SUCCESS
}
