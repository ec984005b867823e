use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use smol::Timer;
use smol::net::{TcpListener, TcpStream};

use super::answers::{ANSWER, EVENTS, PIECES, events};

/// The server's process, which ends with this value.
pub(super) struct Server {
    process: Child,
    port: u16,
}

impl Server {
    pub(super) fn start() -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut process = Command::new(program)
            .arg("serve")
            .stdout(Stdio::piped())
            .stdin(Stdio::piped())
            .spawn()
            .expect("this program starts");
        let mut line = String::new();
        let output = process.stdout.take().expect("it was piped");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("the server says its port");
        let port = line.trim().parse().expect("a port is a number");
        Self { process, port }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The base URL of an OpenAI-like API.
    pub(super) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has nothing to lose, and may be gone.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Is the server, until the process that started it is gone.
pub(crate) fn serve() {
    std::thread::spawn(|| {
        // The other end closes when that process ends, however it ends.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    let executor = smol::LocalExecutor::new();
    smol::block_on(executor.run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        println!("{port}");
        std::io::stdout().flush().expect("somebody listens");
        let long = pieces(PIECES);
        let short = pieces(EVENTS);
        let (long, short) = (&*long.leak(), &*short.leak());
        loop {
            let (socket, _) = listener.accept().await.expect("connections come");
            let answering = answer(socket, long, short);
            executor.spawn(answering).detach();
        }
    }));
}

async fn answer(mut socket: TcpStream, long: &[Vec<u8>], short: &[Vec<u8>]) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut buffer = Vec::new();
    let mut piece = [0; 8192];
    loop {
        let Some((path, end)) = request(&buffer) else {
            let count = socket.read(&mut piece).await?;
            if count == 0 {
                return Ok(());
            }
            buffer.extend_from_slice(&piece[..count]);
            continue;
        };
        let streams = contains(&buffer[..end], b"\"stream\":true");
        buffer.drain(..end);
        if path.starts_with("/hold") {
            Timer::after(Duration::from_secs(3600)).await;
        }
        match (streams, path.starts_with("/short")) {
            (false, _) => socket.write_all(&whole()).await?,
            (true, false) => stream(&mut socket, long).await?,
            (true, true) => stream(&mut socket, short).await?,
        }
    }
}

fn whole() -> Vec<u8> {
    let length = ANSWER.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-length: {length}\r\n\r\n{ANSWER}")
        .into_bytes()
}

async fn stream(socket: &mut TcpStream, pieces: &[Vec<u8>]) -> std::io::Result<()> {
    for piece in pieces {
        socket.write_all(piece).await?;
    }
    Ok(())
}

/// The head and then some events to each write, as a busy server's kernel would send them.
fn pieces(count: usize) -> Vec<Vec<u8>> {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut pieces = vec![head.to_vec()];
    for some in events(count).chunks(8) {
        let chunk = |event: &String| format!("{:x}\r\n{event}\r\n", event.len());
        pieces.push(some.iter().map(chunk).collect::<String>().into_bytes());
    }
    pieces.push(b"0\r\n\r\n".to_vec());
    pieces
}

/// The path of the first request in the buffer, and where that ends, once it is whole.
fn request(buffer: &[u8]) -> Option<(String, usize)> {
    let head = find(buffer, b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&buffer[..head]).ok()?;
    let path = text.split(' ').nth(1)?.to_owned();
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    let end = head + length.unwrap_or(0);
    (buffer.len() >= end).then_some((path, end))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    find(haystack, needle).is_some()
}
