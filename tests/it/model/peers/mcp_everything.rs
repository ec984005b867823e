//! `@modelcontextprotocol/server-everything`, the server that shows all that the protocol has.

use std::sync::Arc;

use fascine::branch::{McpClient, McpCommand};
use fascine::http::{H1Transport, Net};
use fascine::message::{Part, Role};
use fascine::rt::Rt;
use serde_json::json;

use crate::on_real_runtimes;

on_real_runtimes! {
    it_is_understood_over_http,
    it_is_understood_as_a_child,
}

async fn it_is_understood_over_http(rt: Rt, net: Arc<dyn Net>) {
    let url = format!("{}/mcp", std::env::var("FASCINE_MCP_EVERYTHING").unwrap());
    let transport = H1Transport::new(&rt, net);
    understood(McpClient::http(&rt, transport, &url).await.unwrap()).await;
}

async fn it_is_understood_as_a_child(rt: Rt, _: Arc<dyn Net>) {
    let program = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../target/peers/node_modules/@modelcontextprotocol/server-everything/dist/index.js"
    );
    let command = McpCommand::new("node").args([program, "stdio"]);
    understood(McpClient::stdio(&rt, command).await.unwrap()).await;
}

async fn understood(client: McpClient) {
    assert_eq!(client.server().name, "mcp-servers/everything");
    let tools = client.tool_set().await.unwrap();
    assert!(tools.get("echo").is_some());
    let echo = client.call_tool("echo", json!({"message": "hi"})).await;
    assert_eq!(echo.unwrap(), "Echo: hi");
    let arguments = json!({"location": "New York"});
    let weather = client.call_tool("get-structured-content", arguments).await;
    assert!(weather.unwrap()["temperature"].is_number());
    // It tells of its progress before it answers.
    let arguments = json!({"duration": 1, "steps": 3});
    let long = client.call_tool("trigger-long-running-operation", arguments);
    assert!(long.await.unwrap().as_str().unwrap().contains("completed"));
    assert!(client.call_tool("no-such-tool", json!({})).await.is_err());
    assert!(
        client
            .call_tool("get-sum", json!({"a": "x"}))
            .await
            .is_err()
    );

    let resources = client.resources().await.unwrap();
    let contents = client.read_resource(&resources[0].uri).await.unwrap();
    assert!(contents[0].text.is_some());
    assert!(!client.resource_templates().await.unwrap().is_empty());
    assert!(client.read_resource("nowhere://x").await.is_err());

    let prompts = client.prompts().await.unwrap();
    assert!(prompts.iter().any(|prompt| !prompt.arguments.is_empty()));
    let messages = client
        .get_prompt("args-prompt", [("city", "Rome")])
        .await
        .unwrap();
    assert_eq!(messages[0].role(), Role::User);
    assert!(matches!(&messages[0].content()[0], Part::Text { text } if text.contains("Rome")));
    client.close().await;
}
