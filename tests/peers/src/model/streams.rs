use fascine_model::{Chunk, Model, ModelService};

use super::answers::PIECES;
use super::ours;
use super::peers::Peer;
use super::rounds::{measure, report_cpu, side};
use super::server::Server;
use super::service::{at_once, runtime};
use crate::harness::Options;

pub(super) fn run(options: &Options, server: &Server) {
    if !options.wants("stream/cpu_per_event") {
        return;
    }
    let tokio = runtime();
    let transport = ours::transport_on_tokio(&tokio);
    let service = ours::service(&ours::tokio_rt(&tokio), transport, server);
    let peers = Peer::all(server);
    let mut sides = vec![side("ours", |units| {
        tokio.block_on(at_once(4, units / PIECES, || read(&service)));
    })];
    sides.extend(peers.iter().map(|peer| {
        side(peer.name(), |units| {
            tokio.block_on(at_once(4, units / PIECES, || async {
                let pieces = peer.stream().await;
                assert_eq!(pieces, PIECES, "{}", peer.name());
                pieces
            }));
        })
    }));
    let took = measure(options, 80 * PIECES, sides);
    report_cpu(options, "stream/cpu_per_event", &took);
}

async fn read(service: &ModelService) -> usize {
    let mut stream = service.stream(ours::question()).await.expect("an answer");
    let mut pieces = 0;
    while let Some(chunk) = stream.chunk().await.expect("a whole answer") {
        pieces += usize::from(matches!(chunk, Chunk::Text(_)));
    }
    assert_eq!(pieces, PIECES);
    pieces
}
