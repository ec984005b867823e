use bytes::Bytes;
use fascine_http::{H1Transport, Transport};
use futures_util::StreamExt;
use http::Request;
use http_body_util::{BodyExt, Full};
use tokio::runtime::Runtime;

use super::hyper_client::HyperClient;
use super::ours;
use super::rounds::{Work, measure, report_cpu, side};
use super::server::Server;
use super::service::{at_once, runtime};
use crate::harness::Options;

const BODY: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"Hello!"}]}"#;
const STREAMED: &str =
    r#"{"model":"gpt-4o","messages":[{"role":"user","content":"Hello!"}],"stream":true}"#;

pub(super) fn run(options: &Options, server: &Server) {
    let url = format!("{}/chat/completions", server.base_url());
    let short = format!("http://127.0.0.1:{}/short", server.port());
    if options.wants("transport/cpu/64") {
        let (transport, hyper) = (
            ours::transport_on_smol(),
            HyperClient::on_smol(server.port()),
        );
        let sides = vec![
            side("ours", |units| {
                smol::block_on(at_once(64, units, || send(&transport, &url, BODY)))
            }),
            side("hyper on smol", |units| {
                smol::block_on(at_once(64, units, || bare(&hyper, &url)))
            }),
        ];
        report_cpu(options, "transport/cpu/64", &measure(options, 4000, sides));
    }
    let tokio = runtime();
    if options.wants("transport/cpu/64/tokio") {
        let transport = ours::transport_on_tokio(&tokio);
        let hyper = HyperClient::on_tokio(server.port());
        let sides = vec![
            side("ours", |units| {
                tokio.block_on(at_once(64, units, || send(&transport, &url, BODY)))
            }),
            side("hyper on tokio", |units| {
                tokio.block_on(at_once(64, units, || bare(&hyper, &url)))
            }),
        ];
        report_cpu(
            options,
            "transport/cpu/64/tokio",
            &measure(options, 4000, sides),
        );
    }
    // reqwest is at home on tokio: the first figure is ours on the same runtime.
    let on_tokio = ours::transport_on_tokio(&tokio);
    let ours = side("ours", |units| {
        tokio.block_on(at_once(16, units, || send(&on_tokio, &short, STREAMED)));
    });
    streams(options, "transport/sse", ours, &tokio, &short);
    let on_smol = ours::transport_on_smol();
    let ours = side("ours", |units| {
        smol::block_on(at_once(16, units, || send(&on_smol, &short, STREAMED)));
    });
    streams(options, "transport/sse/smol", ours, &tokio, &short);
}

fn streams(options: &Options, name: &str, ours: Work<'_>, tokio: &Runtime, url: &str) {
    if !options.wants(name) {
        return;
    }
    let client = reqwest::Client::new();
    let theirs = side("reqwest", |units| {
        tokio.block_on(at_once(16, units, || async {
            let sent = client.post(url).body(STREAMED).send();
            let mut pieces = sent.await.expect("an answer").bytes_stream();
            let mut length = 0;
            while let Some(piece) = pieces.next().await {
                length += piece.expect("a whole answer").len();
            }
            length
        }));
    });
    report_cpu(options, name, &measure(options, 400, vec![ours, theirs]));
}

async fn send(transport: &H1Transport, url: &str, body: &'static str) -> usize {
    let request = request(url).body(Bytes::from_static(body.as_bytes()));
    let sent = transport.send(request.expect("a request")).await;
    let mut body = sent.expect("an answer").into_body();
    let mut length = 0;
    while let Some(piece) = body.chunk().await.expect("a whole answer") {
        length += piece.len();
    }
    length
}

pub(super) async fn bare(client: &HyperClient, url: &str) -> usize {
    let body = Full::new(Bytes::from_static(BODY.as_bytes()));
    let request = request(url).header("host", "127.0.0.1").body(body);
    let response = client.send(request.expect("a request")).await;
    let collected = response.into_body().collect().await;
    collected.expect("a whole answer").to_bytes().len()
}

fn request(url: &str) -> http::request::Builder {
    Request::post(url)
        .header("content-type", "application/json")
        .header("authorization", "Bearer k")
}
