use fascine_rt::{Rt, Smol};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::hyper_client::HyperClient;
use super::peers::Peer;
use super::rounds::{Took, measure, report_cpu, report_wall, side};
use super::server::Server;
use super::{ours, transport};
use crate::harness::Options;

pub(super) fn run(options: &Options, server: &Server) {
    let smol = Rt::new(Smol);
    let url = format!("{}/chat/completions", server.base_url());
    for (name, width) in [
        ("service/cpu/1", 1),
        ("service/cpu/64", 64),
        ("service/cpu/512", 512),
    ] {
        if !options.wants(name) {
            continue;
        }
        let service = ours::service(&smol, ours::transport_on_smol(), server);
        let hyper = HyperClient::on_smol(server.port());
        let sides = vec![
            side("ours", |units| {
                smol::block_on(at_once(width, units, || ours::call(&service)));
            }),
            side("hyper on smol", |units| {
                smol::block_on(at_once(width, units, || transport::bare(&hyper, &url)));
            }),
        ];
        report_cpu(options, name, &measure(options, 4000.max(width * 4), sides));
    }
    typed(options, server);
    if options.wants("service/smol_vs_tokio") {
        let tokio = runtime();
        let on_smol = ours::service(&smol, ours::transport_on_smol(), server);
        let transport = ours::transport_on_tokio(&tokio);
        let on_tokio = ours::service(&ours::tokio_rt(&tokio), transport, server);
        let sides = vec![
            side("ours", |units| {
                smol::block_on(at_once(64, units, || ours::call(&on_smol)));
            }),
            side("ours on tokio", |units| {
                tokio.block_on(at_once(64, units, || ours::call(&on_tokio)));
            }),
        ];
        report_cpu(
            options,
            "service/smol_vs_tokio",
            &measure(options, 4000, sides),
        );
    }
}

/// The whole service against the clients of others, all of them on tokio.
fn typed(options: &Options, server: &Server) {
    let names = ["service/typed/64", "service/rps/64", "service/lionagi"];
    if !names.iter().any(|name| options.wants(name)) {
        return;
    }
    let tokio = runtime();
    let transport = ours::transport_on_tokio(&tokio);
    let service = ours::service(&ours::tokio_rt(&tokio), transport, server);
    let peers = Peer::all(server);
    let mut sides = vec![side("ours", |units| {
        tokio.block_on(at_once(64, units, || ours::call(&service)));
    })];
    sides.extend(peers.iter().map(|peer| {
        side(peer.name(), |units| {
            tokio.block_on(at_once(64, units, || peer.call()));
        })
    }));
    let took = measure(options, 4000, sides);
    report_cpu(options, "service/typed/64", &took);
    report_wall(options, "service/rps/64", &took);
    if let Some(Took { cpu, .. }) = took.first() {
        options.report(
            "service/lionagi",
            "ns",
            *cpu,
            LIONAGI,
            "lionagi, as recorded",
        );
    }
}

/// Does `units` calls, `width` of them at any time.
pub(super) async fn at_once<F: Future<Output = usize>>(
    width: usize,
    units: usize,
    call: impl Fn() -> F,
) {
    let workers = (0..width).map(|worker| {
        let call = &call;
        async move {
            let mut done = 0;
            for _ in (worker..units).step_by(width) {
                done += call().await;
            }
            done
        }
    });
    let mut workers: FuturesUnordered<_> = workers.collect();
    let mut done = 0;
    while let Some(some) = workers.next().await {
        done += some;
    }
    assert!(done > 0, "the answers were read");
}

pub(super) fn runtime() -> tokio::runtime::Runtime {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().expect("a runtime")
}

/// Nanoseconds of processor time a request, measured once on another machine: the reference says how.
const LIONAGI: f64 = 3_100_000.0;
