//! Clients of model APIs, against a server in its own process: the same bytes for everybody.

mod answers;
mod binary;
mod hyper_client;
mod memory;
mod ours;
mod peers;
mod rounds;
mod server;
mod service;
mod streams;
mod transport;

use std::process::ExitCode;

use crate::harness::Options;

/// The part of this program that runs in a process of its own, if it is asked for.
pub(crate) fn another_process(mut args: impl Iterator<Item = String>) -> Option<ExitCode> {
    match (args.next().as_deref(), args.next(), args.next()) {
        (Some("serve"), None, None) => server::serve(),
        (Some("hold"), Some(side), Some(port)) => memory::hold(&side, port.parse().ok()?),
        _ => return None,
    }
    Some(ExitCode::SUCCESS)
}

pub(crate) fn run(options: &Options) {
    let figures = ["service/", "transport/", "stream/", "binary/"];
    if !figures.iter().any(|figures| options.wants_some_of(figures)) {
        return;
    }
    binary::run(options);
    let server = server::Server::start();
    transport::run(options, &server);
    service::run(options, &server);
    streams::run(options, &server);
    memory::run(options, &server);
}
