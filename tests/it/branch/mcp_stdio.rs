//! Servers that are children of this process: this very program, started again.

use std::io::{BufRead, Write};
use std::time::Duration;

use fascine::branch::{McpClient, McpCommand, McpError};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use serde_json::{Value, json};

use super::mcp_server::answer;

/// Set in the process that is to be a server.
const AGAIN: &str = "FASCINE_IT_AS_MCP_SERVER";

/// What a test is made of on every runtime: a process knows no virtual time, so it is not run in many orders on the test
/// runtime.
async fn a_conversation_with_a_child(rt: Rt) {
    let client = McpClient::stdio(&rt, server()).await.unwrap();
    assert_eq!(client.server().name, "small");
    assert_eq!(client.tools().await.unwrap().len(), 4);
    let large = "x".repeat(200_000);
    let said = client.call_tool("echo", json!({"text": large})).await;
    assert_eq!(said.unwrap(), Value::String(large));
    let process = process_of(&client).await;
    assert!(process.is_there());
    client.close().await;
    process.gone(&rt).await;

    let client = McpClient::stdio(&rt, server()).await.unwrap();
    let process = process_of(&client).await;
    drop(client);
    process.gone(&rt).await;
}

#[test]
fn a_child_on_the_test_runtime() {
    if std::env::var_os(AGAIN).is_some() {
        return serve();
    }
    TestRuntime::run(a_conversation_with_a_child);
}

#[cfg(feature = "smol")]
#[test]
fn a_child_on_smol() {
    crate::runtimes::on(crate::runtimes::SmolHost, |rt, _| {
        a_conversation_with_a_child(rt)
    });
}

#[cfg(feature = "async-std")]
#[test]
fn a_child_on_async_std() {
    crate::runtimes::on(crate::runtimes::AsyncStdHost, |rt, _| {
        a_conversation_with_a_child(rt)
    });
}

#[cfg(feature = "tokio")]
#[test]
fn a_child_on_tokio() {
    use crate::runtimes::TokioHost;
    for host in [TokioHost::current_thread(), TokioHost::multi_thread()] {
        crate::runtimes::on(host, |rt, _| a_conversation_with_a_child(rt));
    }
}

#[cfg(feature = "tokio")]
#[test]
fn a_runtime_that_ends_first_does_not_wait_for_the_child() {
    use fascine_testing::conformance::Host;
    let host = crate::runtimes::TokioHost::multi_thread();
    let connected = async {
        let client = McpClient::stdio(&host.rt(), server()).await.unwrap();
        let process = process_of(&client).await;
        (client, process)
    };
    let (client, process) = host.block_on(connected);
    drop(host);
    TestRuntime::run(|rt| async move {
        process.gone(&rt).await;
        let error = client.tools().await.unwrap_err();
        let text = "the connection to the MCP server has ended: its task was stopped";
        assert_eq!(error.to_string(), text);
    });
}

#[cfg(feature = "async-executor")]
#[test]
fn a_child_on_an_embedded_executor() {
    let host = crate::runtimes::EmbeddedHost::new();
    crate::runtimes::on(host, |rt, _| a_conversation_with_a_child(rt));
}

#[test]
fn a_child_that_dies_says_its_last_words() {
    TestRuntime::run(|rt| async move {
        let client = McpClient::stdio(&rt, server()).await.unwrap();
        let error = client.call_tool("dies", json!({})).await.unwrap_err();
        let text = error.text();
        assert!(text.contains("the MCP server has ended"), "{text}");
        assert!(text.ends_with("its last words: a fatal fault"), "{text}");
    });
}

#[test]
fn a_program_that_is_not_there_is_named() {
    TestRuntime::run(|rt| async move {
        let command = McpCommand::new("/nowhere/a-server").env("KEY", "secret");
        let shown = format!("{command:?}");
        assert!(
            shown.contains("KEY") && !shown.contains("secret"),
            "{shown}"
        );
        let error = McpClient::stdio(&rt, command).await.unwrap_err();
        assert!(matches!(error, McpError::Start { .. }));
        assert_eq!(
            error.to_string(),
            "the MCP server `/nowhere/a-server` did not start"
        );
    });
}

fn server() -> McpCommand {
    let name = "branch::mcp_stdio::a_child_on_the_test_runtime";
    McpCommand::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--quiet"])
        .env(AGAIN, "1")
}

/// Answers until the input ends.
fn serve() {
    // Cargo sets it for the tests; it is not passed on.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_none());
    let mut output = std::io::stdout().lock();
    // What the test harness has written before is no part of a message.
    writeln!(output).unwrap();
    for line in std::io::stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if message["params"]["name"] == "dies" {
            std::io::stderr().write_all(b"a fatal fault\n").unwrap();
            std::process::exit(1);
        }
        if let Some(answer) = answer(&message) {
            writeln!(output, "{answer}").unwrap();
            output.flush().unwrap();
        }
    }
}

async fn process_of(client: &McpClient) -> Process {
    let said = client.call_tool("pid", json!({})).await.unwrap();
    Process(said.as_str().unwrap().parse().unwrap())
}

struct Process(u32);

impl Process {
    /// A process that has ended and was not waited for is still there.
    fn is_there(&self) -> bool {
        let status = std::process::Command::new("ps")
            .args(["-p", &self.0.to_string()])
            .output();
        status.unwrap().status.success()
    }

    async fn gone(&self, rt: &Rt) {
        for _ in 0..1_000 {
            if !self.is_there() {
                return;
            }
            rt.sleep(Duration::from_millis(10)).await;
        }
        panic!("process {} is still there", self.0);
    }
}
