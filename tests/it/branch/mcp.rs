//! Servers that speak the Model Context Protocol, a message to a line.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use fascine::branch::{Branch, McpClient, McpError, Tool, ToolContext, ToolError, ToolSetError};
use fascine::http::{MemoryNet, Net};
use fascine::message::{MediaSource, Part, Role, ToolCall};
use fascine::model::EchoModel;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::{AsyncReadExt, AsyncWriteExt, future};
use serde_json::{Value, json};

use super::mcp_server::{Heard, lines, methods};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_server_s_tools_are_a_branch_s,
    each_thing_of_a_server_is_itself,
    many_questions_share_one_conversation,
}

async fn client(rt: &Rt, net: &Arc<dyn Net>) -> (McpClient, Heard) {
    let (socket, heard, server) = lines(rt, net).await;
    server.detach(); // Ends with the connection.
    let (reader, writer) = futures_lite::io::split(socket);
    let client = McpClient::builder(rt).over(reader, writer).await.unwrap();
    (client, heard)
}

fn memory() -> Arc<dyn Net> {
    Arc::new(MemoryNet::new())
}

async fn a_server_s_tools_are_a_branch_s(rt: Rt, net: Arc<dyn Net>) {
    let (client, heard) = client(&rt, &net).await;
    let server = client.server();
    assert_eq!(
        (server.name.as_str(), server.version.as_str()),
        ("small", "1")
    );
    assert_eq!(server.instructions.as_deref(), Some("Be gentle."));
    let tools = client.tool_set().await.unwrap();
    assert_eq!(
        tools.names().collect::<Vec<_>>(),
        ["echo", "fails", "files_count", "hangs"]
    );
    let spec = tools.get("echo").unwrap().spec();
    assert_eq!(spec.description, "Repeats.");
    assert_eq!(spec.parameters["required"], json!(["text"]));
    let schema = &tools.get("hangs").unwrap().spec().parameters;
    assert_eq!(*schema, json!({"type": "object", "properties": {}}));

    let branch = Branch::builder(&rt, "b", EchoModel).tools(tools).build();
    let calls = vec![
        ToolCall::new("1", "echo", r#"{"text": "hello"}"#),
        ToolCall::new("2", "fails", ""),
        ToolCall::new("3", "files_count", ""),
    ];
    let results = branch.act(calls).await.unwrap();
    let results: Vec<_> = results
        .iter()
        .map(|r| (r.text.as_str(), r.is_error))
        .collect();
    let expected = [
        ("hello", false),
        ("the tool failed: the disk is full", true),
        (r#"{"count":3}"#, false),
    ];
    assert_eq!(results, expected);
    let heard = methods(&heard);
    assert_eq!(heard[..2], ["initialize", "notifications/initialized"]);
    assert_eq!(
        heard
            .iter()
            .filter(|method| *method == "tools/call")
            .count(),
        3
    );
}

async fn each_thing_of_a_server_is_itself(rt: Rt, net: Arc<dyn Net>) {
    let (client, _) = client(&rt, &net).await;
    // Made in a loop, called afterwards: each is the one it was made for.
    let resources = client.resources().await.unwrap();
    for resource in resources.iter().rev() {
        let contents = client.read_resource(&resource.uri).await.unwrap();
        assert_eq!(contents[0].text, Some(format!("I am {}", resource.name)));
    }
    let tools = client.tools().await.unwrap();
    let names: Vec<_> = tools.iter().map(|tool| tool.server_name()).collect();
    assert_eq!(names, ["echo", "files.count", "fails", "hangs"]);
    let call = |index: usize| tools[index].call(json!({"text": "x"}), ToolContext::new(&rt, "1"));
    let (count, echo) = future::zip(call(1), call(0)).await;
    assert_eq!(
        (count.unwrap(), echo.unwrap()),
        (json!({"count": 3}), json!("x"))
    );

    let templates = client.resource_templates().await.unwrap();
    assert_eq!(templates[0].uri_template, "test://{name}");
    let error = client.read_resource("other://x").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the MCP server answered `resources/read` with error -32002: Resource not found"
    );
    let prompts = client.prompts().await.unwrap();
    assert!(prompts[0].arguments[0].required);
    let messages = client.get_prompt("greet", [("who", "Ada")]).await.unwrap();
    assert_eq!(
        (messages[0].role(), messages[0].text()),
        (Role::User, "Say hello to Ada.".into())
    );
    let [Part::Image(media)] = messages[1].content() else {
        panic!("{messages:?}");
    };
    assert_eq!(media.source, MediaSource::Base64("AAAA".to_owned()));
}

async fn many_questions_share_one_conversation(rt: Rt, net: Arc<dyn Net>) {
    let (client, heard) = client(&rt, &net).await;
    let calls = (0..100).map(|n| {
        let client = client.clone();
        rt.spawn(async move {
            let text = n.to_string();
            let answer = client.call_tool("echo", json!({"text": text})).await;
            assert_eq!(answer.unwrap(), Value::String(text));
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    let begun = methods(&heard);
    assert_eq!(
        begun
            .iter()
            .filter(|method| *method == "initialize")
            .count(),
        1
    );
}

#[test]
fn a_server_hears_that_nobody_waits_any_more() {
    TestRuntime::run_seeds(8, |rt| async move {
        let (client, heard) = client(&rt, &memory()).await;
        let dropped = client.call_tool("hangs", json!({}));
        let soon = async {
            rt.sleep(Duration::from_secs(1)).await;
            Ok(Value::Null)
        };
        assert_eq!(future::or(dropped, soon).await.unwrap(), Value::Null);
        let began = rt.now();
        let error = client.call_tool("hangs", json!({})).await.unwrap_err();
        assert_eq!(rt.now() - began, Duration::from_secs(60));
        assert_eq!(
            error.text(),
            "the tool failed: the MCP server did not answer `tools/call` within 60s"
        );
        client
            .call_tool("echo", json!({"text": "still here"}))
            .await
            .unwrap();
        let heard = heard.lock().unwrap();
        let told: Vec<_> = heard
            .iter()
            .filter(|message| message["method"] == "notifications/cancelled")
            .map(|message| message["params"]["requestId"].clone())
            .collect();
        assert_eq!(told, [2, 3]);
    });
}

#[test]
fn what_a_server_asks_is_answered() {
    TestRuntime::run_seeds(8, |rt| async move {
        let (client, heard) = client(&rt, &memory()).await;
        client.tools().await.unwrap();
        client.prompts().await.unwrap();
        let heard = heard.lock().unwrap();
        let replies: Vec<_> = heard.iter().filter(|m| m["id"] == "q").collect();
        assert_eq!(replies.len(), 2, "one for each page");
        assert_eq!(replies[0]["result"], json!({"roots": []}));
    });
}

#[test]
fn a_server_that_goes_away_leaves_nobody_waiting() {
    TestRuntime::run_seeds(8, |rt| async move {
        let (client, _) = client(&rt, &memory()).await;
        let hangs = client.call_tool("hangs", json!({}));
        let dies = client.call_tool("dies", json!({}));
        let (one, other) = future::zip(hangs, dies).await;
        let text =
            "the tool failed: the connection to the MCP server has ended: the server has ended it";
        assert_eq!(one.unwrap_err().text(), text);
        assert_eq!(other.unwrap_err().text(), text);
        let error = client.tools().await.unwrap_err();
        assert!(matches!(error, McpError::Closed { .. }), "{error}");
    });
}

#[test]
fn closing_ends_the_conversation_for_all() {
    TestRuntime::run_seeds(8, |rt| async move {
        let (client, _) = client(&rt, &memory()).await;
        let tools = client.tools().await.unwrap();
        let waits = client.call_tool("hangs", json!({}));
        let closes = async {
            rt.sleep(Duration::from_secs(1)).await;
            client.close().await;
        };
        let (waited, ()) = future::zip(waits, closes).await;
        let text = "the tool failed: the connection to the MCP server has ended: it was closed";
        assert_eq!(waited.unwrap_err().text(), text);
        let called = tools[0].call(json!({}), ToolContext::new(&rt, "1")).await;
        assert_eq!(called.unwrap_err().text(), text);
        client.close().await;
    });
}

#[test]
fn open_questions_and_messages_are_bounded() {
    TestRuntime::run(|rt| async move {
        let net = memory();
        let (socket, _, server) = lines(&rt, &net).await;
        let (reader, writer) = futures_lite::io::split(socket);
        let builder = McpClient::builder(&rt)
            .pending(NonZeroUsize::new(2).unwrap())
            .message_bytes(1_000);
        let client = builder.over(reader, writer).await.unwrap();
        let hang = || client.call_tool("hangs", json!({}));
        let (mut one, mut two) = (Box::pin(hang()), Box::pin(hang()));
        assert!(future::poll_once(&mut one).await.is_none());
        assert!(future::poll_once(&mut two).await.is_none());
        let error = hang().await.unwrap_err();
        assert_eq!(
            error.text(),
            "the tool failed: 2 questions to the MCP server are open already"
        );
        drop(one);
        let error = client
            .call_tool("echo", json!({"text": "x".repeat(2_000)}))
            .await;
        let text = error.unwrap_err().text();
        assert!(
            text.contains("a line of the stream is larger than 1000 bytes"),
            "{text}"
        );
        assert!(two.await.is_err());
        drop(client);
        server.await.unwrap();
    });
}

#[test]
fn a_server_that_does_not_listen_does_not_fill_the_memory() {
    TestRuntime::run(|rt| async move {
        let net = memory();
        let listener = net.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = rt.spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let _ = socket.read(&mut [0; 1024]).await;
            let hello = b"{\"id\":1,\"result\":{\"protocolVersion\":\"2025-06-18\"}}\n";
            socket.write_all(hello).await.unwrap();
            future::pending::<()>().await;
        });
        let (reader, writer) = futures_lite::io::split(net.connect(address).await.unwrap());
        let client = McpClient::builder(&rt).over(reader, writer).await.unwrap();
        // The socket takes some of it.
        let large = json!({"text": "x".repeat(10_000)});
        let mut refused = 0;
        for _ in 0..2_000 {
            let asked = future::poll_once(client.call_tool("echo", large.clone())).await;
            refused += usize::from(asked.is_some_and(|answer| answer.is_err()));
            future::yield_now().await;
        }
        assert!(refused > 1_000, "{refused}");
        drop((client, server));
    });
}

#[test]
fn servers_that_make_no_sense_get_a_typed_error() {
    TestRuntime::run(|rt| async move {
        let asked = |answer: &'static str| {
            let rt = rt.clone();
            async move {
                let net = MemoryNet::new();
                let listener = net.listen("127.0.0.1:1".parse().unwrap()).await.unwrap();
                let server = rt.spawn(async move {
                    let (mut socket, _) = listener.accept().await.unwrap();
                    let _ = socket.read(&mut [0; 1024]).await;
                    let _ = socket.write_all(answer.as_bytes()).await;
                    let _ = socket.read(&mut [0; 1024]).await;
                });
                let socket = net.connect("127.0.0.1:1".parse().unwrap()).await.unwrap();
                let (reader, writer) = futures_lite::io::split(socket);
                let error = McpClient::builder(&rt)
                    .over(reader, writer)
                    .await
                    .unwrap_err();
                server.await.unwrap();
                error
            }
        };
        let error = asked("{\"id\":1,\"result\":{\"protocolVersion\":\"1999-01-01\"}}\n").await;
        assert!(matches!(error, McpError::Version { version } if version == "1999-01-01"));
        let error = asked("{\"id\":1,\"result\":7}\n").await;
        assert!(matches!(error, McpError::Unreadable { .. }), "{error}");
        let error = asked("{\"id\":1}\n").await;
        assert!(
            matches!(error, McpError::Refused { code: -32603, .. }),
            "{error}"
        );
        let error = asked("hello\n").await;
        assert!(matches!(error, McpError::TimedOut { .. }), "{error}");
    });
}

#[test]
fn tools_of_two_servers_are_told_apart_by_a_prefix() {
    TestRuntime::run(|rt| async move {
        let net = memory();
        let (first, _) = client(&rt, &net).await;
        let (socket, _, server) = lines(&rt, &net).await;
        server.detach(); // Ends with the connection.
        let (reader, writer) = futures_lite::io::split(socket);
        let second = McpClient::builder(&rt)
            .prefix("two_")
            .over(reader, writer)
            .await;
        let second = second.unwrap().tool_set().await.unwrap();
        let first = first.tool_set().await.unwrap();
        let error = first.clone().try_with_all(&first).unwrap_err();
        assert!(matches!(error, ToolSetError::Duplicate { .. }));
        let both = first.try_with_all(&second).unwrap();
        assert_eq!(both.len(), 8);
        let echo = both.get("two_echo").unwrap();
        let said = echo
            .call(json!({"text": "hi"}), ToolContext::new(&rt, "1"))
            .await;
        assert_eq!(said.unwrap(), json!("hi"));
    });
}

#[test]
fn a_question_may_be_dropped_at_every_poll() {
    drop_after_every_poll(|rt, cut| async move {
        let (client, _) = client(&rt, &memory()).await;
        cut.apply(client.tools()).await;
        let said = client.call_tool("echo", json!({"text": "whole"})).await;
        assert_eq!(
            said.map_err(|error: ToolError| error.text()),
            Ok(json!("whole"))
        );
    });
}

#[test]
fn a_conversation_may_be_dropped_at_every_poll_from_its_first_word_to_its_last() {
    drop_after_every_poll(|rt, cut| async move {
        let net = memory();
        let (socket, _, server) = lines(&rt, &net).await;
        server.detach(); // Ends with the connection.
        let (reader, writer) = futures_lite::io::split(socket);
        let whole = async {
            let client = McpClient::builder(&rt).over(reader, writer).await.unwrap();
            client.resources().await.unwrap();
            client.resource_templates().await.unwrap();
            client.prompts().await.unwrap();
            let text = json!({"text": "hi"});
            assert_eq!(client.call_tool("echo", text).await.unwrap(), json!("hi"));
            client.close().await;
        };
        cut.apply(whole).await;
        let (other, _) = client(&rt, &net).await;
        assert_eq!(other.tools().await.unwrap().len(), 4);
    });
}
