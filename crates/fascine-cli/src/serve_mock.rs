use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use fascine::concurrency::Event;
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_mock::{Api, MockServer, MockServerBuilder, Script};

use crate::interrupt;
use crate::serve_mock_args::ServeMockArgs;
use crate::setup::SetupError;

/// Serves until Ctrl-C.
pub(crate) async fn serve(
    args: ServeMockArgs,
    rt: Rt,
    net: Arc<dyn Net>,
) -> Result<(), SetupError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let port = args.port;
    let started = settings(args).start(&rt, net, address).await;
    let server = started.map_err(|error| SetupError::new(format!("--port {port}"), error))?;
    let stop = Arc::new(Event::new());
    interrupt::on_interrupt({
        let stop = Arc::clone(&stop);
        move || {
            stop.set();
        }
    });
    // Whoever started it may have gone away; that does not stop it.
    let _ = announce(&server);
    stop.wait().await;
    let _ = sum_up(&server);
    server.shutdown().await;
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a program may look at the clock: the dates in its answers are read by people"
)]
fn settings(args: ServeMockArgs) -> MockServerBuilder {
    let mut server = MockServer::builder()
        .with_seed(args.seed)
        .with_wall_clock(std::time::SystemTime::now());
    if let Some(latency) = args.latency {
        server = server.with_latency(latency);
    }
    if let Some(delay) = args.event_delay {
        server = server.with_event_delay(delay);
    }
    if let Some(requests) = args.requests {
        server = server.with_quota(requests, args.per);
    }
    if let Some(tokens) = args.tokens {
        server = server.with_token_quota(tokens, args.per);
    }
    if args.hidden_quota {
        server = server.with_hidden_quota();
    }
    if let Some(requests) = args.concurrency {
        server = server.with_concurrency_limit(requests);
    }
    for (when, answer) in args.answers {
        server = server.with_answer(when, answer);
    }
    for key in args.keys {
        server = server.with_api_key(key);
    }
    let faults = args.faults.into_iter().map(|fault| (1, fault));
    server.with_script(Script::mix(args.seed, args.fault_rate, faults))
}

fn announce(server: &MockServer) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for api in Api::ALL {
        writeln!(out, "{:16}  {}", api.name(), server.base_url_for(api))?;
    }
    out.flush()
}

fn sum_up(server: &MockServer) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} requests: {} answered, {} with a fault, {} refused, {} rejected; {} clients left early",
        server.arrived(),
        server.answered(),
        server.faulted(),
        server.refused(),
        server.rejected(),
        server.aborted(),
    )?;
    out.flush()
}
