//! The embedded model server.

mod answers;
mod apis;
mod checks;
mod faults;
mod quotas;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fascine::http::{Body, H1Transport, MemoryNet, Net, Transport};
use fascine::rt::Rt;
use fascine_mock::{Fault, MockError, MockServer, MockServerBuilder};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use serde_json::{Value, json};

use crate::mock_service;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    it_answers_plain_and_streaming,
    a_port_in_use_is_an_error_that_names_it,
}

async fn start(
    rt: &Rt,
    net: &Arc<dyn Net>,
    server: MockServerBuilder,
) -> (MockServer, H1Transport) {
    let server = mock_service::start(rt, net, server).await;
    (server, H1Transport::new(rt, Arc::clone(net)))
}

async fn send(transport: &H1Transport, server: &MockServer, body: &str) -> http::Response<Body> {
    let url = format!("{}/chat/completions", server.base_url());
    let request = http::Request::post(url)
        .body(Bytes::from(body.to_owned()))
        .unwrap();
    transport.send(request).await.unwrap()
}

fn ask(text: &str, stream: bool) -> String {
    let options = json!({ "include_usage": true });
    json!({
        "model": "any",
        "stream": stream,
        "stream_options": options,
        "messages": [{ "role": "user", "content": text }],
    })
    .to_string()
}

/// Sends a request of any API.
async fn call(
    transport: &H1Transport,
    server: &MockServer,
    method_and_path: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> http::Response<Body> {
    let (method, path) = method_and_path.split_once(' ').unwrap();
    let mut request = http::Request::builder()
        .method(method)
        .uri(format!("http://{}{path}", server.address()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = match body {
        Value::Null => Bytes::new(),
        body => Bytes::from(body.to_string()),
    };
    transport.send(request.body(body).unwrap()).await.unwrap()
}

async fn text_of(response: http::Response<Body>) -> String {
    let body = response.into_body().collect(1 << 20).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

async fn json_of(response: http::Response<Body>) -> Value {
    let body = response.into_body().collect(1 << 20).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

async fn it_answers_plain_and_streaming(rt: Rt, net: Arc<dyn Net>) {
    let (server, transport) = start(
        &rt,
        &net,
        MockServer::builder().with_answer("sky", "It is blue today."),
    )
    .await;
    let whole = send(&transport, &server, &ask("the sky?", false)).await;
    assert_eq!(
        (whole.status().as_u16(), &whole.headers()["content-type"]),
        (200, &"application/json".parse().unwrap())
    );
    let whole = json_of(whole).await;
    assert_eq!(
        whole["choices"][0]["message"]["content"],
        "It is blue today."
    );
    let counts = ["prompt_tokens", "completion_tokens", "total_tokens"];
    assert_eq!(
        counts.map(|name| whole["usage"][name].as_u64()),
        [2, 5, 7].map(Some)
    );

    let stream = send(&transport, &server, &ask("the sky?", true)).await;
    let stream = stream.into_body().collect(1 << 20).await.unwrap();
    let stream = std::str::from_utf8(&stream).unwrap();
    let events: Vec<&str> = stream
        .split_terminator("\n\n")
        .map(|event| &event[6..])
        .collect();
    assert_eq!(events.last(), Some(&"[DONE]"));
    let chunks: Vec<Value> = events[..events.len() - 1]
        .iter()
        .map(|event| serde_json::from_str(event).unwrap())
        .collect();
    let text: String = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(text, "It is blue today.");
    assert_eq!(chunks.last().unwrap()["usage"], whole["usage"]);
    assert_eq!(chunks[0]["id"], whole["id"]);
    assert_eq!((server.answered(), server.refused()), (2, 0));
    server.shutdown().await;
}

async fn a_port_in_use_is_an_error_that_names_it(rt: Rt, net: Arc<dyn Net>) {
    let (server, _) = start(&rt, &net, MockServer::builder()).await;
    let error = MockServer::builder()
        .start(&rt, net, server.address())
        .await
        .unwrap_err();
    assert!(matches!(error, MockError::Bind { address, .. } if address == server.address()));
    server.shutdown().await;
}

fn on_memory<F: Future<Output = ()>>(test: impl Fn(Rt, Arc<dyn Net>) -> F) {
    TestRuntime::run(|rt| test(rt, Arc::new(MemoryNet::new())));
}

#[test]
fn answers_and_latencies_depend_on_the_question_not_on_the_order() {
    on_memory(|rt, net| async move {
        let latency = Duration::from_millis(10)..=Duration::from_millis(1000);
        let settings = MockServer::builder()
            .with_seed(5)
            .with_latency(latency.clone());
        let mut answers = Vec::new();
        for order in [["one", "two", "three"], ["three", "one", "two"]] {
            let (server, transport) = start(&rt, &net, settings.clone()).await;
            let mut round = Vec::new();
            for question in order {
                let started = rt.now();
                let answer = json_of(send(&transport, &server, &ask(question, false)).await).await;
                let took = rt.now() - started;
                assert!(latency.contains(&took), "{took:?}");
                round.push((question, answer.to_string(), took));
            }
            round.sort();
            answers.push(round);
            server.shutdown().await;
        }
        assert_eq!(answers[0], answers[1]);
        let times: std::collections::HashSet<_> =
            answers[0].iter().map(|(.., took)| took).collect();
        assert_eq!(times.len(), 3);
    });
}

#[test]
fn the_quota_refuses_with_the_time_to_come_back() {
    on_memory(|rt, net| async move {
        let two = NonZeroU32::new(2).unwrap();
        let settings = MockServer::builder().with_quota(two, Duration::from_millis(1500));
        let (server, transport) = start(&rt, &net, settings).await;
        for remaining in ["1", "0"] {
            let answer = send(&transport, &server, &ask("a", false)).await;
            assert_eq!(
                answer.headers()["x-ratelimit-remaining-requests"],
                remaining
            );
            answer.into_body().collect(9999).await.unwrap();
        }
        rt.sleep(Duration::from_millis(300)).await;
        let refused = send(&transport, &server, &ask("a", false)).await;
        assert_eq!(refused.status(), 429);
        assert_eq!(refused.headers()["retry-after"], "2", "rounded up");
        assert_eq!(refused.headers()["retry-after-ms"], "1200");
        assert_eq!(
            json_of(refused).await["error"]["code"],
            "rate_limit_exceeded"
        );
        rt.sleep(Duration::from_millis(1200)).await;
        assert_eq!(
            send(&transport, &server, &ask("a", false)).await.status(),
            200
        );
        assert_eq!((server.answered(), server.refused()), (3, 1));
    });
}

#[test]
fn requests_that_make_no_sense_are_refused_with_the_field() {
    on_memory(|rt, net| async move {
        let (server, transport) = start(&rt, &net, MockServer::builder()).await;
        for (body, field) in [
            ("{\"model\"", Value::Null),
            ("[]", Value::Null),
            ("{}", json!("model")),
            (r#"{"model": "m"}"#, json!("messages")),
            (r#"{"model": "m", "messages": []}"#, json!("messages")),
            (r#"{"model": 7, "messages": []}"#, json!("model")),
            (
                r#"{"model": "m", "stream": 1, "messages": []}"#,
                json!("stream"),
            ),
            (
                r#"{"model": "m", "messages": [{"role": "king", "content": ""}]}"#,
                json!("messages[0].role"),
            ),
            (
                r#"{"model": "m", "messages": [{"role": "user"}]}"#,
                json!("messages[0].content"),
            ),
            (r#"{"model": "m", "messages": [3]}"#, json!("messages[0]")),
        ] {
            let answer = send(&transport, &server, body).await;
            assert_eq!(answer.status(), 400, "{body}");
            let error = json_of(answer).await;
            assert_eq!(error["error"]["param"], field, "{body}: {error}");
        }
        let elsewhere = http::Request::post(format!("{}/nowhere", server.base_url()));
        let elsewhere = transport
            .send(elsewhere.body(Bytes::new()).unwrap())
            .await
            .unwrap();
        assert_eq!(elsewhere.status(), 404);
        drop(elsewhere);
        let get = http::Request::get(format!("{}/chat/completions", server.base_url()));
        assert_eq!(
            transport
                .send(get.body(Bytes::new()).unwrap())
                .await
                .unwrap()
                .status(),
            405
        );
        let large = send(&transport, &server, &"x".repeat(9 * 1024 * 1024)).await;
        assert_eq!(large.status(), 413);
    });
}

#[test]
fn faults_befall_whom_they_should() {
    on_memory(|rt, net| async move {
        let settings = MockServer::builder()
            .with_fault(1, Fault::Status(503))
            .with_fault_when("html", Fault::Html)
            .with_fault_when("close", Fault::CloseBeforeHead)
            .with_fault_when("cut", Fault::CloseMidBody)
            .with_fault_when("silence", Fault::NeverAnswer)
            .with_fault_when("broken", Fault::MalformedJson);
        let (server, transport) = start(&rt, &net, settings).await;
        assert_eq!(
            send(&transport, &server, &ask("x", false)).await.status(),
            503
        );
        assert_eq!(
            send(&transport, &server, &ask("x", false)).await.status(),
            200
        );
        let html = send(&transport, &server, &ask("html", false)).await;
        assert_eq!(html.headers()["content-type"], "text/html");
        let broken = send(&transport, &server, &ask("broken", false)).await;
        let broken = broken.into_body().collect(999).await.unwrap();
        assert!(serde_json::from_slice::<Value>(&broken).is_err());
        for stream in [false, true] {
            let cut = send(&transport, &server, &ask("cut", stream)).await;
            assert!(cut.into_body().collect(99_999).await.is_err());
        }
        let url = format!("{}/chat/completions", server.base_url());
        let post = |text| {
            http::Request::post(&url)
                .body(Bytes::from(ask(text, false)))
                .unwrap()
        };
        assert!(transport.send(post("close")).await.is_err());
        let started = rt.now();
        assert!(transport.send(post("silence")).await.is_err());
        assert_eq!(
            rt.now() - started,
            Duration::from_secs(600),
            "the client's own patience"
        );
        assert_eq!(server.answered(), 1);
    });
}

#[test]
fn connections_that_end_are_forgotten_and_shutdown_closes_the_rest() {
    on_memory(|rt, net| async move {
        let (server, transport) = start(&rt, &net, MockServer::builder()).await;
        for _ in 0..50 {
            drop(send(&transport, &server, &ask("x", true)).await); // Unread: closes its connection.
        }
        rt.sleep(Duration::from_secs(1)).await;
        assert_eq!(server.connections(), 0);
        json_of(send(&transport, &server, &ask("x", false)).await).await;
        assert_eq!(server.connections(), 1);
        let address = server.address();
        server.shutdown().await;
        assert!(net.connect(address).await.is_err());
    });
}

#[test]
fn a_client_that_says_nothing_is_hung_up_on() {
    use futures_lite::AsyncReadExt;
    on_memory(|rt, net| async move {
        let (server, _) = start(&rt, &net, MockServer::builder()).await;
        let mut silent = net.connect(server.address()).await.unwrap();
        assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
        assert_eq!(server.connections(), 0);
    });
}

#[test]
fn dropping_start_or_shutdown_at_any_poll_closes_everything() {
    drop_after_every_poll(|rt, cut| async move {
        let net = MemoryNet::new();
        let address = "127.0.0.1:80".parse().unwrap();
        let ask_twice = async {
            let server = MockServer::builder().start(&rt, net.clone(), address);
            let server = server.await.unwrap();
            let transport = H1Transport::new(&rt, net.clone());
            json_of(send(&transport, &server, &ask("x", false)).await).await;
            server.shutdown().await;
        };
        cut.apply(ask_twice).await;
        rt.sleep(Duration::from_millis(1)).await;
        assert!(net.connect(address).await.is_err(), "the port is closed");
    });
}

#[test]
fn a_question_about_the_head_alone_leaves_nothing_for_the_next() {
    on_memory(|rt, net| async move {
        let (server, transport) = start(&rt, &net, MockServer::builder()).await;
        let head = call(&transport, &server, "HEAD /v1/models", &[], &Value::Null).await;
        assert_eq!(head.status(), 405);
        assert_eq!(text_of(head).await, "");
        let next = text_of(send(&transport, &server, &ask("x", false)).await).await;
        assert!(next.starts_with('{'), "{next}");
    });
}
