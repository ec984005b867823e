//! The server that is no model, as a program.

use super::*;

#[cfg(unix)]
#[test]
fn the_mock_server_prints_its_urls_answers_and_stops_on_ctrl_c() {
    use std::io::{BufRead, BufReader};

    for runtime in RUNTIMES {
        let args = ["serve-mock", "--port", "0", "--runtime", runtime];
        let rules = ["--answer", "sky=Blue.", "--key", "k", "--requests", "2"];
        let mut child = fascine(&[&args[..], &rules[..]].concat())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut urls = Vec::new();
        for line in lines.by_ref().take(5) {
            let line = line.unwrap();
            let (api, url) = line.split_once(' ').unwrap();
            urls.push((api.to_owned(), url.trim().to_owned()));
        }
        let names: Vec<&str> = urls.iter().map(|(api, _)| api.as_str()).collect();
        assert_eq!(
            names,
            [
                "anthropic",
                "gemini",
                "ollama",
                "openai",
                "openai-responses"
            ]
        );
        let host = urls[2].1.strip_prefix("http://").unwrap();
        let ask =
            r#"{"model": "m", "stream": false, "messages": [{"role": "user", "content": "sky?"}]}"#;
        let mut statuses = Vec::new();
        for key in ["k", "k", "k", "wrong"] {
            let mut socket = std::net::TcpStream::connect(host).unwrap();
            let length = ask.len();
            write!(
                socket,
                "POST /api/chat HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\n\
                 connection: close\r\ncontent-length: {length}\r\n\r\n{ask}"
            )
            .unwrap();
            let mut answer = String::new();
            socket.read_to_string(&mut answer).unwrap();
            assert_eq!(
                answer.contains("Blue."),
                answer.contains("200 OK"),
                "{answer}"
            );
            statuses.push(answer[9..12].to_owned());
        }
        assert_eq!(statuses, ["200", "200", "429", "401"]);
        let killed = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
        assert_eq!(child.wait().unwrap().code(), Some(0));
        let last = lines.next().unwrap().unwrap();
        assert_eq!(
            last,
            "4 requests: 2 answered, 0 with a fault, 1 refused, 1 rejected; 0 clients left early"
        );
    }
}
