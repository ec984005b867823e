//! The program as its users meet it: arguments in, text and exit code out.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

#[path = "cli/drawings.rs"]
mod drawings;
#[path = "cli/flow_files.rs"]
mod flow_files;
#[path = "cli/serve_mock.rs"]
mod serve_mock;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

const RUNTIMES: [&str; 4] = ["smol", "async-std", "tokio", "embedded"];

fn fascine(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fascine"));
    command
        .args(args)
        .stdin(Stdio::null())
        .env_remove("OPENAI_API_KEY");
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    command
}

/// The arguments that ask a server on a runtime.
fn asking<'a>(url: &'a str, runtime: &'a str) -> [&'a str; 7] {
    [
        "--base-url",
        url,
        "--model",
        "m",
        "--json",
        "--runtime",
        runtime,
    ]
}

fn run(args: &[&str]) -> Output {
    fascine(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr)))
}

/// The names of the fields, whatever their order.
fn names(object: &Value) -> Vec<&str> {
    let names = object.as_object().unwrap().keys();
    let mut names: Vec<_> = names.map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn every_runtime_says_the_same() {
    let mut said = Vec::new();
    for runtime in RUNTIMES {
        let output = run(&["--runtime", runtime, "--json"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let document = json(&output);
        assert_eq!(document["runtime"], runtime);
        let keys = names(&document);
        let expected = [
            "critical_path_ms",
            "report",
            "requests",
            "retries",
            "runtime",
            "steps",
            "tokens",
            "wall_ms",
        ];
        assert_eq!(keys, expected);
        for step in document["steps"].as_array().unwrap() {
            assert_eq!(
                names(step),
                ["attempts", "elapsed_ms", "error", "name", "status"]
            );
        }
        let steps = document["steps"].as_array().unwrap().iter();
        let statuses: Vec<_> = steps
            .map(|step| (step["name"].clone(), step["status"].clone()))
            .collect();
        assert!(statuses.contains(&("report".into(), "completed".into())));
        assert!(statuses.contains(&("escalation".into(), "skipped".into())));
        said.push((
            statuses,
            document["report"].clone(),
            document["tokens"].clone(),
        ));
    }
    assert!(said.iter().all(|other| *other == said[0]), "{said:?}");
}

#[test]
fn without_a_terminal_it_prints_plain_lines_and_the_report() {
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(0));
    let said = text(&output.stdout);
    for expected in [
        "ingest      started",
        "report      completed",
        "escalation  skipped",
        "The service answered 21,830 requests",
        "critical path",
        "ingest → ",
        "tokens",
        "wall time",
    ] {
        assert!(said.contains(expected), "{expected:?} is not in\n{said}");
    }
    assert!(!said.contains('\u{1b}'), "escape sequences in a pipe");
}

#[test]
fn one_step_at_a_time_takes_the_sum_of_the_steps() {
    for args in [
        &["--sequential", "--json"][..],
        &["--max-concurrent", "1", "--json"],
    ] {
        let document = json(&run(args));
        let steps = document["steps"].as_array().unwrap().iter();
        let work: f64 = steps.map(|step| step["elapsed_ms"].as_f64().unwrap()).sum();
        // Each of them is rounded.
        assert!(document["wall_ms"].as_f64().unwrap() >= work - 0.1);
    }
}

#[test]
fn bad_usage_names_the_argument_and_exits_with_2() {
    for (args, named) in [
        (&["--runtime", "node"][..], "--runtime"),
        (&["--max-concurrent", "0"], "--max-concurrent"),
        (&["--max-concurrent", "-1"], "--max-concurrent"),
        (&["--timeout", "0"], "--timeout"),
        (&["--timeout", "soon"], "--timeout"),
        (&["--timeout", "-5"], "--timeout"),
        (&["--mock-port", "70000"], "--mock-port"),
        (&["--sequential", "--max-concurrent", "2"], "--sequential"),
        (&["--base-url", "http://127.0.0.1:1"], "--model"),
        (&["--model", "m"], "--base-url"),
        (
            &[
                "--base-url",
                "http://127.0.0.1:1",
                "--model",
                "m",
                "--mock-port",
                "1",
            ],
            "--mock-port",
        ),
        (
            &["--base-url", "ftp://127.0.0.1", "--model", "m"],
            "--base-url",
        ),
        (&["--base-url", "nonsense", "--model", "m"], "--base-url"),
        (&["--frobnicate"], "--frobnicate"),
        (&["stray"], "stray"),
        (&["serve-mock", "--port", "70000"], "--port"),
        (&["serve-mock", "--requests", "0"], "--requests"),
        (&["serve-mock", "--latency", "9ms..3ms"], "--latency"),
        (&["serve-mock", "--fault", "sabotage"], "slow-drip"),
        (&["serve-mock", "--fault-rate", "0.1"], "--fault"),
        (
            &["serve-mock", "--fault", "html", "--fault-rate", "2"],
            "--fault-rate",
        ),
        (&["--json", "serve-mock"], "serve-mock"),
    ] {
        let output = run(args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(named), "{args:?}: {said}");
        assert_eq!(text(&output.stdout), "", "{args:?}");
    }
}

#[test]
fn a_port_in_use_names_the_argument() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for runtime in RUNTIMES {
        let output = run(&["--mock-port", &port, "--runtime", runtime]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains(&format!(
                "--mock-port {port} cannot be used: cannot listen at 127.0.0.1:{port}"
            )),
            "{said}"
        );
    }
}

#[test]
fn a_key_is_not_sent_in_plain_text_to_another_machine() {
    let mut command = fascine(&["--base-url", "http://192.0.2.1/v1", "--model", "m"]);
    let output = command.env("OPENAI_API_KEY", "sk-secret").output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("plain text") && !said.contains("secret"),
        "{said}"
    );
}

/// A server that does the same to every connection.
fn server(handle: impl Fn(std::net::TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let handle = std::sync::Arc::new(handle);
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let handle = std::sync::Arc::clone(&handle);
            thread::spawn(move || handle(socket));
        }
    });
    url
}

fn read_request(socket: &mut std::net::TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 65536];
    while !text(&bytes).contains("\"messages\"") || !bytes.ends_with(b"}") {
        match socket.read(&mut piece) {
            Ok(0) | Err(_) => break,
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
        }
    }
    text(&bytes)
}

#[test]
fn a_server_elsewhere_is_asked_through_the_proxy_of_the_environment() {
    let (tell, told) = std::sync::mpsc::channel();
    let proxy = server(move |mut socket| {
        tell.send(read_request(&mut socket)).unwrap();
        let _ = socket.write_all(b"HTTP/1.1 400 No\r\ncontent-length: 0\r\n\r\n");
    });
    let proxy = proxy.trim_end_matches("/v1");
    let elsewhere = ["--base-url", "http://model.example/v1", "--model", "m"];
    let output = fascine(&elsewhere).env("http_proxy", proxy).output();
    assert_eq!(output.unwrap().status.code(), Some(1));
    let request = told.recv().unwrap();
    let expected = "POST http://model.example/v1/chat/completions HTTP/1.1\r\n";
    assert!(request.starts_with(expected), "{request}");

    let output = fascine(&elsewhere).env("HTTP_PROXY", "socks5://x").output();
    let output = output.unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("HTTP_PROXY"), "{said}");
    // The embedded server is not reached through one.
    let output = fascine(&["--json"]).env("HTTP_PROXY", proxy).output();
    assert!(output.unwrap().status.success());
}

#[test]
fn a_server_that_misbehaves_gives_an_error_with_step_attempt_and_cause() {
    let cases: [(&str, &str); 5] = [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n<html></html>",
            "at attempt 1: the answer is not in the provider's format",
        ),
        (
            "HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n",
            "at attempt 5 (no attempts are left): the provider answered 500",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"choices\":",
            "at attempt 5 (no attempts are left): the request failed on the way: the server closed the connection after 11 bytes",
        ),
        (
            "",
            "at attempt 5 (no attempts are left): the request failed on the way: the server closed the connection without an answer",
        ),
        (
            "SSH-2.0-OpenSSH\r\n\r\n",
            "at attempt 1: the request failed on the way: the server's answer is not valid HTTP",
        ),
    ];
    let runs: Vec<_> = cases
        .into_iter()
        .map(|(answer, expected)| {
            thread::spawn(move || {
                let url = server(move |mut socket| {
                    read_request(&mut socket);
                    let _ = socket.write_all(answer.as_bytes());
                });
                let output = run(&["--base-url", &url, "--model", "m", "--json"]);
                assert_eq!(output.status.code(), Some(1));
                let document = json(&output);
                let first = &document["steps"][0];
                assert_eq!(first["status"], "failed");
                let error = first["error"].as_str().unwrap();
                assert!(
                    error.starts_with("step `ingest` failed at attempt"),
                    "{error}"
                );
                assert!(error.contains(expected), "{error}");
                assert_eq!(document["steps"][4]["status"], "skipped");
                assert!(
                    document["steps"][4]["error"]
                        .as_str()
                        .unwrap()
                        .contains("`ingest` did not complete")
                );
                assert_eq!(document["report"], Value::Null);
            })
        })
        .collect();
    for run in runs {
        run.join().unwrap();
    }
}

#[test]
fn other_steps_finish_when_one_fails() {
    let url = server(|mut socket| {
        let request = read_request(&mut socket);
        let answer = match request.contains("Describe the patterns") {
            true => "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
                .to_owned(),
            false => {
                let body = r#"{"choices":[{"message":{"content":"severity: HIGH"},"finish_reason":"stop"}]}"#;
                let length = body.len();
                format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
                )
            }
        };
        let _ = socket.write_all(answer.as_bytes());
    });
    let output = run(&asking(&url, "tokio"));
    assert_eq!(output.status.code(), Some(1));
    let document = json(&output);
    let steps = document["steps"].as_array().unwrap().iter();
    let statuses: Vec<_> = steps.map(|step| step["status"].as_str().unwrap()).collect();
    // The escalation is taken this time.
    assert_eq!(
        statuses,
        [
            "completed",
            "completed",
            "failed",
            "completed",
            "skipped",
            "completed"
        ]
    );
}

#[test]
fn a_server_that_never_answers_runs_into_the_timeout() {
    for runtime in RUNTIMES {
        let url = server(|mut socket| {
            read_request(&mut socket);
            let _ = socket.read(&mut [0]);
        });
        let args = [&asking(&url, runtime)[..], &["--timeout", "150ms"]].concat();
        let output = run(&args);
        assert_eq!(output.status.code(), Some(1));
        let document = json(&output);
        let error = document["steps"][0]["error"].as_str().unwrap();
        assert!(
            error.contains("there was no answer within 150ms"),
            "{error}"
        );
        let attempts = document["steps"][0]["attempts"].as_u64().unwrap();
        assert!((1..=2).contains(&attempts), "{attempts} attempts");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_cancels_marks_every_step_and_exits_with_130() {
    for runtime in RUNTIMES {
        let (asked, first) = std::sync::mpsc::channel();
        let asked = std::sync::Mutex::new(asked);
        let url = server(move |mut socket| {
            read_request(&mut socket);
            let _ = asked.lock().unwrap().send(());
            let _ = socket.read(&mut [0]);
        });
        let mut command = fascine(&asking(&url, runtime));
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        first.recv_timeout(Duration::from_secs(30)).unwrap();
        let killed = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
        let document = json(&output);
        let steps = document["steps"].as_array().unwrap().iter();
        let statuses: Vec<_> = steps.map(|step| step["status"].as_str().unwrap()).collect();
        assert_eq!(statuses[0], "cancelled");
        assert!(
            statuses[1..].iter().all(|status| *status == "aborted"),
            "{statuses:?}"
        );
    }
}

#[test]
fn a_reader_that_goes_away_is_no_crash() {
    let mut child = fascine(&[])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
}
