//! Servers that speak the Model Context Protocol over HTTP.

use std::sync::Arc;
use std::time::Duration;

use fascine::branch::{McpClient, McpError};
use fascine::http::{H1Transport, MemoryNet, Net};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future;
use serde_json::{Value, json};

use super::mcp_server::{HttpServer, Manner};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    answers_come_whole_or_as_a_stream,
    a_forgotten_session_is_begun_anew,
}

async fn connect(rt: &Rt, net: &Arc<dyn Net>, manner: Manner) -> (HttpServer, McpClient) {
    let server = HttpServer::start(rt, net, manner).await;
    let transport = H1Transport::new(rt, Arc::clone(net));
    let client = McpClient::http(rt, transport, &server.url).await.unwrap();
    (server, client)
}

fn memory() -> Arc<dyn Net> {
    Arc::new(MemoryNet::new())
}

async fn echo(client: &McpClient, text: &str) -> Value {
    client
        .call_tool("echo", json!({"text": text}))
        .await
        .unwrap()
}

async fn answers_come_whole_or_as_a_stream(rt: Rt, net: Arc<dyn Net>) {
    for manner in [Manner::Json, Manner::Stream] {
        let (server, client) = connect(&rt, &net, manner).await;
        assert_eq!(client.tools().await.unwrap().len(), 4);
        assert_eq!(echo(&client, "one").await, "one");
        client.close().await;
        let error = client.tools().await.unwrap_err();
        assert!(matches!(error, McpError::Closed { .. }), "{error}");
        let mut expected = vec!["initialize", "notifications/initialized"];
        let replied = manner == Manner::Stream;
        for method in ["tools/list", "tools/list", "tools/call"] {
            expected.push(method);
            // The answer to the ping.
            expected.extend(replied.then_some("post"));
        }
        expected.push("delete");
        assert_eq!(server.methods(), expected);
        let state = server.state.lock().unwrap();
        for (head, message) in &state.requests[1..] {
            assert!(head.contains("mcp-session-id: s0\r\n"), "{head}");
            assert!(
                head.contains("mcp-protocol-version: 2025-11-25\r\n")
                    || message["method"] == "initialize",
                "{head}"
            );
        }
    }
}

async fn a_forgotten_session_is_begun_anew(rt: Rt, net: Arc<dyn Net>) {
    let (server, client) = connect(&rt, &net, Manner::Json).await;
    echo(&client, "before").await;
    server.forget();
    let texts = ["a", "b", "c"];
    let calls: Vec<_> = texts
        .into_iter()
        .map(|text| {
            let client = client.clone();
            rt.spawn(async move { echo(&client, text).await })
        })
        .collect();
    for (call, text) in calls.into_iter().zip(texts) {
        assert_eq!(call.await.unwrap(), text);
    }
    let begun = server.methods();
    let begun = begun
        .iter()
        .filter(|method| *method == "initialize")
        .count();
    assert_eq!(begun, 2, "once at first, and once for all");
}

#[test]
fn a_stream_that_breaks_off_is_continued() {
    TestRuntime::run_seeds(8, |rt| async move {
        let (server, client) = connect(&rt, &memory(), Manner::BreaksOff).await;
        assert_eq!(echo(&client, "late").await, "late");
        assert_eq!(server.methods()[2..], ["tools/call", "get"]);
    });
}

#[test]
fn a_server_hears_that_nobody_waits_any_more() {
    TestRuntime::run_seeds(8, |rt| async move {
        let (server, client) = connect(&rt, &memory(), Manner::Json).await;
        let hangs = client.call_tool("hangs", json!({}));
        let soon = async {
            rt.sleep(Duration::from_secs(1)).await;
            Ok(Value::Null)
        };
        future::or(hangs, soon).await.unwrap();
        rt.sleep(Duration::from_secs(1)).await;
        let state = server.state.lock().unwrap();
        let (_, told) = state.requests.last().unwrap();
        assert_eq!(told["method"], "notifications/cancelled");
        let (_, call) = &state.requests[state.requests.len() - 2];
        assert_eq!(told["params"]["requestId"], call["id"]);
    });
}

#[test]
fn what_is_no_server_gets_a_typed_error() {
    TestRuntime::run(|rt| async move {
        let transport = H1Transport::new(&rt, MemoryNet::new());
        let error = McpClient::http(&rt, transport.clone(), "nonsense")
            .await
            .unwrap_err();
        assert!(matches!(error, McpError::Url { .. }), "{error}");
        let url = "http://127.0.0.1:9/mcp";
        let error = McpClient::http(&rt, transport, url).await.unwrap_err();
        assert!(matches!(error, McpError::Transport { .. }), "{error}");
        assert_eq!(
            error.to_string(),
            "the MCP server could not be asked `initialize`"
        );
        assert!(error.is_retryable());
    });
}

#[test]
fn a_question_may_be_dropped_at_every_poll() {
    drop_after_every_poll(|rt, cut| async move {
        let (server, client) = connect(&rt, &memory(), Manner::Stream).await;
        server.forget();
        cut.apply(client.tools()).await;
        assert_eq!(echo(&client, "whole").await, "whole");
    });
}
