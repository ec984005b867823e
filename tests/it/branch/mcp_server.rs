//! An MCP server, small and without I/O of its own, and the two ways to it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fascine::http::{BoxSocket, Net};
use fascine::rt::{Rt, Task};
use futures_lite::io::BufReader;
use futures_lite::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, StreamExt};
use serde_json::{Value, json};

/// What the server says to a message; nothing to a notification, and to what it never answers.
pub(super) fn answer(message: &Value) -> Option<Value> {
    let id = message.get("id")?;
    let params = &message["params"];
    let result = match message["method"].as_str()? {
        "initialize" => json!({
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}, "resources": {}, "prompts": {}},
            "serverInfo": {"name": "small", "version": "1"},
            "instructions": "Be gentle.",
        }),
        "tools/list" => tools(params["cursor"].as_str()),
        "tools/call" => call(params)?,
        "resources/list" => json!({"resources": [
            {"uri": "test://a", "name": "a", "mimeType": "text/plain"},
            {"uri": "test://b", "name": "b"},
        ]}),
        "resources/templates/list" => json!({"resourceTemplates": [
            {"uriTemplate": "test://{name}", "name": "any"},
        ]}),
        "resources/read" => {
            let uri = params["uri"].as_str()?;
            match uri.strip_prefix("test://") {
                Some(name) => json!({"contents": [{"uri": uri, "text": format!("I am {name}")}]}),
                None => return Some(refuse(id, -32002, "Resource not found")),
            }
        }
        "prompts/list" => json!({"prompts": [
            {"name": "greet", "arguments": [{"name": "who", "required": true}]},
        ]}),
        "prompts/get" => {
            let text = format!("Say hello to {}.", params["arguments"]["who"].as_str()?);
            json!({"messages": [
                {"role": "user", "content": {"type": "text", "text": text}},
                {"role": "assistant", "content": {"type": "image", "data": "AAAA", "mimeType": "image/png"}},
            ]})
        }
        _ => return Some(refuse(id, -32601, "Method not found")),
    };
    Some(json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

fn refuse(id: &Value, code: i64, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
}

/// Two pages.
fn tools(cursor: Option<&str>) -> Value {
    let schema =
        json!({"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]});
    match cursor {
        None => json!({"nextCursor": "2", "tools": [
            {"name": "echo", "description": "Repeats.", "inputSchema": schema},
            {"name": "files.count", "title": "Counts", "inputSchema": {"type": "object"}},
        ]}),
        Some(_) => json!({"tools": [
            {"name": "fails", "inputSchema": {"type": "object"}},
            {"name": "hangs"},
        ]}),
    }
}

fn call(params: &Value) -> Option<Value> {
    let text = |text: &str| json!([{"type": "text", "text": text}]);
    Some(match params["name"].as_str()? {
        "echo" => json!({"content": text(params["arguments"]["text"].as_str()?)}),
        "files.count" => {
            json!({"content": text("{\"count\": 3}"), "structuredContent": {"count": 3}})
        }
        "fails" => json!({"content": text("the disk is full"), "isError": true}),
        "hangs" => return None,
        "pid" => json!({"content": text(&std::process::id().to_string())}),
        _ => json!({"content": text("no such tool"), "isError": true}),
    })
}

/// What a server has heard.
pub(super) type Heard = Arc<Mutex<Vec<Value>>>;

pub(super) fn methods(heard: &Heard) -> Vec<String> {
    let heard = heard.lock().unwrap();
    let methods = heard
        .iter()
        .filter_map(|message| message["method"].as_str());
    methods.map(str::to_owned).collect()
}

/// Serves a connection, a message to a line, with noise in between.
pub(super) async fn serve_lines(socket: BoxSocket, heard: Heard) {
    let (reader, mut writer) = futures_lite::io::split(socket);
    let mut lines = BufReader::new(reader).lines();
    let noise = "not a message\n\n{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n";
    let _ = writer.write_all(noise.as_bytes()).await;
    while let Some(Ok(line)) = lines.next().await {
        let message: Value = serde_json::from_str(&line).unwrap();
        heard.lock().unwrap().push(message.clone());
        if message["params"]["name"] == "dies" {
            return;
        }
        let mut answered = answer(&message).map(|answer| answer.to_string());
        if message["method"] == "tools/list" {
            // It asks before it answers.
            let ask = json!({"jsonrpc": "2.0", "id": "q", "method": "roots/list"});
            answered = answered.map(|answer| format!("{ask}\n{answer}"));
        }
        if let Some(answer) = answered
            && writer
                .write_all(format!("{answer}\n").as_bytes())
                .await
                .is_err()
        {
            return;
        }
    }
}

/// A connection to a server that speaks in lines.
pub(super) async fn lines(rt: &Rt, net: &Arc<dyn Net>) -> (BoxSocket, Heard, Task<()>) {
    let listener = net.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let heard = Heard::default();
    let hears = Arc::clone(&heard);
    let server = rt.spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        serve_lines(socket, hears).await;
    });
    (net.connect(address).await.unwrap(), heard, server)
}

/// How a server over HTTP answers.
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) enum Manner {
    /// With a stream that breaks off, and goes on where it is asked to.
    BreaksOff,
    #[default]
    Json,
    /// With a stream that has a question in it.
    Stream,
}

/// A server over HTTP.
pub(super) struct HttpServer {
    pub(super) url: String,
    pub(super) state: Arc<Mutex<State>>,
    _serving: Task<()>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) manner: Manner,
    /// Method and heads of the requests, with their messages.
    pub(super) requests: Vec<(String, Value)>,
    pub(super) sessions: usize,
    /// Answers to broken streams.
    waiting: Option<Value>,
}

impl HttpServer {
    pub(super) async fn start(rt: &Rt, net: &Arc<dyn Net>, manner: Manner) -> Self {
        let listener = net.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            manner,
            ..State::default()
        }));
        let serving = rt.spawn({
            let (rt, state) = (rt.clone(), Arc::clone(&state));
            async move {
                let mut open = Vec::new();
                while let Ok((socket, _)) = listener.accept().await {
                    open.push(rt.spawn(serve_http(rt.clone(), socket, Arc::clone(&state))));
                }
            }
        });
        Self {
            url,
            state,
            _serving: serving,
        }
    }

    /// The session is no longer known.
    pub(super) fn forget(&self) {
        self.state.lock().unwrap().sessions += 1;
    }

    pub(super) fn methods(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let methods = state.requests.iter().map(|(head, message)| {
            let method = message["method"].as_str();
            let verb = head.split(' ').next().unwrap_or_default();
            method.unwrap_or(verb).to_owned()
        });
        methods.collect()
    }
}

async fn serve_http(rt: Rt, mut socket: BoxSocket, state: Arc<Mutex<State>>) {
    while let Some((head, body)) = read_request(&mut socket).await {
        let message: Value = serde_json::from_slice(&body).unwrap_or_default();
        let response = respond(&state, &head, &message);
        state.lock().unwrap().requests.push((head, message));
        let Some(response) = response else {
            // Never.
            rt.sleep(Duration::MAX).await;
            return;
        };
        if socket.write_all(response.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read_request(socket: &mut BoxSocket) -> Option<(String, Vec<u8>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).await.ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?.to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    socket.read_exact(&mut body).await.ok()?;
    Some((head, body))
}

fn respond(state: &Mutex<State>, head: &str, message: &Value) -> Option<String> {
    let mut state = state.lock().unwrap();
    let current = format!("mcp-session-id: s{}\r\n", state.sessions);
    let is_first = message["method"] == "initialize";
    if !is_first && !head.contains(&current) {
        return Some(whole("404 Not Found", "", "text/plain", "no such session"));
    }
    if head.starts_with("delete") {
        return Some(whole("200 OK", "", "text/plain", ""));
    }
    if head.starts_with("get") {
        let answer = state.waiting.take()?;
        assert!(head.contains("last-event-id: e7\r\n"), "{head}");
        return Some(whole(
            "200 OK",
            "",
            "text/event-stream",
            &format!("data: {answer}\n\n"),
        ));
    }
    if message.get("id").is_none() || message.get("method").is_none() {
        return Some(whole("202 Accepted", "", "text/plain", ""));
    }
    let answer = answer(message)?;
    let session = match is_first {
        true => current.as_str(),
        false => "",
    };
    Some(match state.manner {
        _ if is_first => whole("200 OK", session, "application/json", &answer.to_string()),
        Manner::Json => whole("200 OK", session, "application/json", &answer.to_string()),
        Manner::Stream => {
            let ask = json!({"jsonrpc": "2.0", "id": 9, "method": "ping"});
            let body = format!(": hello\n\ndata: {ask}\n\nid: 1\ndata: {answer}\n\n");
            whole("200 OK", session, "text/event-stream; charset=utf-8", &body)
        }
        Manner::BreaksOff => {
            state.waiting = Some(answer);
            whole("200 OK", session, "text/event-stream", "id: e7\ndata:\n\n")
        }
    })
}

fn whole(status: &str, headers: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}
