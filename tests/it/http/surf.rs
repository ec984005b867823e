use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use fascine::http::{
    H1Transport, MemoryNet, Net, Phase, RetrySafe, SurfBackend, SurfTransport, Timeouts, Transport,
    TransportError,
};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use futures_lite::{AsyncReadExt, AsyncWriteExt, StreamExt, future};
use http::HeaderValue;
use surf::middleware::{Middleware, Next};
use surf::{Client, HttpClient};

use super::cancelled::reaches;
use super::server::{Server, get, post, read_request};
use crate::durations::seconds;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    surf_sends_through_our_transport,
    a_cut_body_is_an_error_through_surf_too,
    a_cancelled_request_of_surf_leaves_its_answer_to_nobody,
    a_long_body_comes_through_surf_as_fast_as_it_is_read,
    middleware_of_surf_sees_what_is_sent_and_received,
    surf_can_be_used_as_it_is_on_our_transport,
}

fn client(rt: &Rt, net: Arc<dyn Net>) -> Client {
    Client::with_http_client(SurfBackend::new(H1Transport::new(rt, net)))
}

fn transport(rt: &Rt, net: Arc<dyn Net>) -> SurfTransport {
    SurfTransport::new(client(rt, net))
}

/// Answers every request with these bytes, and hangs up.
async fn saying(rt: &Rt, net: &Arc<dyn Net>, answer: &'static [u8]) -> Server {
    Server::start(rt, net, move |mut socket| async move {
        read_request(&mut socket).await;
        let _ = socket.write_all(answer).await;
    })
    .await
}

async fn surf_sends_through_our_transport(rt: Rt, net: Arc<dyn Net>) {
    let server = Server::start(&rt, &net, |mut socket| async move {
        while let Some((head, body)) = read_request(&mut socket).await {
            assert!(head.contains("content-type: application/json"), "{head}");
            let length = body.len();
            let head =
                format!("HTTP/1.1 201 Created\r\nx-mine: yes\r\ncontent-length: {length}\r\n\r\n");
            socket
                .write_all(&[head.as_bytes(), &body].concat())
                .await
                .unwrap();
        }
    })
    .await;
    let transport = transport(&rt, net);
    for _ in 0..3 {
        let mut request = post(&server.url, "{}");
        request
            .headers_mut()
            .insert("content-type", "application/json".parse().unwrap());
        let response = transport.send(request).await.unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["x-mine"], "yes");
        assert_eq!(response.into_body().collect(10).await.unwrap(), "{}");
    }
    assert_eq!(server.accepted(), 1);
}

async fn a_cut_body_is_an_error_through_surf_too(rt: Rt, net: Arc<dyn Net>) {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
    let server = saying(&rt, &net, answer).await;
    let transport = transport(&rt, net);
    let response = transport.send(post(&server.url, "")).await.unwrap();
    let error = response.into_body().collect(100).await.unwrap_err();
    assert!(
        matches!(error, TransportError::ClosedInBody { received: 4 }),
        "{error}"
    );
}

/// Keeps what is asked for with the body `slow` waiting, and sends everything else back.
async fn slow_or_echo(rt: &Rt, net: &Arc<dyn Net>, begins: bool) -> Server {
    let clock = rt.clone();
    Server::start(rt, net, move |mut socket| {
        let clock = clock.clone();
        async move {
            while let Some((_, body)) = read_request(&mut socket).await {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                let mut answer = [head.as_bytes(), &body].concat();
                if body == b"slow" {
                    if begins {
                        let _ = socket.write_all(&answer).await;
                        answer.clear();
                    }
                    clock.sleep(Duration::from_millis(30)).await;
                }
                if socket.write_all(&answer).await.is_err() {
                    return;
                }
            }
        }
    })
    .await
}

async fn a_cancelled_request_of_surf_leaves_its_answer_to_nobody(rt: Rt, net: Arc<dyn Net>) {
    let server = slow_or_echo(&rt, &net, false).await;
    let transport = transport(&rt, net);
    for n in 0..30_u32 {
        let cancelled = transport.send(post(&server.url, "slow"));
        let pause = rt.sleep(Duration::from_millis(5));
        future::or(async { drop(cancelled.await) }, pause).await;
        let response = transport.send(post(&server.url, n.to_string())).await;
        let body = response.unwrap().into_body();
        assert_eq!(body.collect(10).await.unwrap(), n.to_string());
    }
    // The server noticed every one of them.
    reaches(&rt, &server.ended, 30).await;
}

async fn a_long_body_comes_through_surf_as_fast_as_it_is_read(rt: Rt, net: Arc<dyn Net>) {
    const PIECE: usize = 64 * 1024;
    const PIECES: usize = 1024;
    let counter = Arc::<AtomicUsize>::default();
    let sent = Arc::clone(&counter);
    let server = Server::start(&rt, &net, move |mut socket| {
        let sent = Arc::clone(&sent);
        async move {
            read_request(&mut socket).await;
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
                PIECE * PIECES
            );
            socket.write_all(head.as_bytes()).await.unwrap();
            for _ in 0..PIECES {
                socket.write_all(&[7; PIECE]).await.unwrap();
                sent.fetch_add(1, SeqCst);
            }
        }
    })
    .await;
    let transport = transport(&rt, net);
    let mut body = transport.send(get(&server.url)).await.unwrap().into_body();
    let mut received = body.next().await.unwrap().unwrap().len();
    rt.sleep(Duration::from_millis(50)).await;
    // What the sockets hold, and no more: the body is 64 MiB long.
    assert!(counter.load(SeqCst) < PIECES / 2, "{counter:?}");
    while let Some(piece) = body.next().await {
        received += piece.unwrap().len();
    }
    assert_eq!(received, PIECE * PIECES);
}

/// Asks for something in the name of the program, and counts the answers.
struct Stamp(Arc<AtomicUsize>);

#[surf::utils::async_trait]
impl Middleware for Stamp {
    async fn handle(
        &self,
        mut request: surf::Request,
        client: Client,
        next: Next<'_>,
    ) -> surf::Result<surf::Response> {
        request.insert_header("x-stamp", "mine");
        let response = next.run(request, client).await?;
        self.0
            .fetch_add(usize::from(response.status().is_success()), SeqCst);
        Ok(response)
    }
}

async fn middleware_of_surf_sees_what_is_sent_and_received(rt: Rt, net: Arc<dyn Net>) {
    let server = Server::start(&rt, &net, |mut socket| async move {
        while let Some((head, _)) = read_request(&mut socket).await {
            assert!(head.contains("x-stamp: mine"), "{head}");
            let _ = socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    })
    .await;
    let answers = Arc::<AtomicUsize>::default();
    let client = client(&rt, net).with(Stamp(Arc::clone(&answers)));
    let transport = SurfTransport::new(client);
    for _ in 0..3 {
        transport.send(get(&server.url)).await.unwrap();
    }
    assert_eq!((answers.load(SeqCst), server.accepted()), (3, 1));
}

async fn surf_can_be_used_as_it_is_on_our_transport(rt: Rt, net: Arc<dyn Net>) {
    let server = slow_or_echo(&rt, &net, true).await;
    let client = client(&rt, net);
    for n in 0..10_u32 {
        // Half-read bodies are dropped, with their connections.
        let mut abandoned = client.post(&server.url).body("slow").await.unwrap();
        assert_eq!(abandoned.status(), surf::StatusCode::Ok);
        let mut piece = [0; 2];
        abandoned.read_exact(&mut piece).await.unwrap();
        assert_eq!(&piece, b"sl");
        drop(abandoned);
        let mut answer = client.post(&server.url).body(n.to_string()).await.unwrap();
        assert_eq!(answer.body_string().await.unwrap(), n.to_string());
    }
}

/// Runs a test in memory against a server that always says this.
fn against<F: Future<Output = ()>>(
    answer: &'static [u8],
    test: impl Fn(Rt, Arc<dyn Net>, String) -> F,
) {
    TestRuntime::run(|rt| async move {
        let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let server = saying(&rt, &net, answer).await;
        test(rt, net, server.url.clone()).await;
    });
}

#[test]
fn header_values_that_are_not_ascii_cost_nobody_the_response() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\nx-utf8: caf\xc3\xa9\r\nx-b: c\r\ncontent-length: 2\r\n\r\nok"[..],
        b"HTTP/1.1 200 OK\r\nx-latin: caf\xe9\r\nx-b: c\r\ncontent-length: 2\r\n\r\nok",
    ] {
        against(answer, |rt, net, url| async move {
            let response = transport(&rt, net).send(get(&url)).await.unwrap();
            assert_eq!(response.headers()["x-b"], "c");
            assert_eq!(response.into_body().collect(10).await.unwrap(), "ok");
        });
    }
}

#[test]
fn a_length_that_speaks_of_no_body_of_this_response_is_believed_of_none() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n";
    against(answer, |rt, net, url| async move {
        let mut request = get(&url);
        *request.method_mut() = http::Method::HEAD;
        let response = transport(&rt, net).send(request).await.unwrap();
        assert_eq!(response.headers()["content-length"], "10");
        assert_eq!(response.into_body().collect(10).await.unwrap(), "");
    });
    let answer = b"HTTP/1.1 304 Not Modified\r\ncontent-length: 10\r\n\r\n";
    against(answer, |rt, net, url| async move {
        let response = transport(&rt, net).send(get(&url)).await.unwrap();
        assert_eq!(response.into_body().collect(10).await.unwrap(), "");
    });
}

/// A backend that gives a body of another length than it says, as surf's own do.
#[derive(Debug)]
struct Careless(&'static str);

impl HttpClient for Careless {
    fn send<'a, 'b>(
        &'a self,
        _: surf::http::Request,
    ) -> Pin<Box<dyn Future<Output = Result<surf::http::Response, surf::Error>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        let mut response = surf::http::Response::new(200);
        let reader = futures_lite::io::Cursor::new(self.0.as_bytes());
        response.set_body(surf::Body::from_reader(reader, None));
        response.insert_header("content-length", "4");
        Box::pin(async { Ok(response) })
    }
}

#[test]
fn lengths_are_checked_from_outside_whatever_the_backend_does() {
    TestRuntime::run(|_| async move {
        for (sent, expected) in [
            ("four", Ok("four")),
            ("cut", Err(false)),
            ("surplus", Err(true)),
        ] {
            let transport = SurfTransport::new(Client::with_http_client(Careless(sent)));
            let response = transport.send(get("http://127.0.0.1/")).await.unwrap();
            let body = response.into_body().collect(100).await;
            match expected {
                Ok(whole) => assert_eq!(body.unwrap(), whole),
                Err(true) => assert!(
                    matches!(body, Err(TransportError::ExcessBody { excess: 3 })),
                    "{body:?}"
                ),
                Err(false) => assert!(
                    matches!(body, Err(TransportError::ClosedInBody { received: 3 })),
                    "{body:?}"
                ),
            }
        }
    });
}

#[test]
fn what_a_request_of_surf_has_no_words_for_reaches_the_transport() {
    TestRuntime::run(|rt| async move {
        let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let again = Arc::<AtomicBool>::default();
        let server = Server::start(&rt, &net, {
            let clock = rt.clone();
            move |mut socket| {
                let (clock, again) = (clock.clone(), Arc::clone(&again));
                async move {
                    read_request(&mut socket).await;
                    let _ = socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
                    // The second request on the first connection gets no answer; on any other, it is slow.
                    read_request(&mut socket).await;
                    if again.swap(true, SeqCst) {
                        clock.sleep(seconds(60)).await;
                    }
                }
            }
        })
        .await;
        let transport = transport(&rt, net);
        for _ in 0..2 {
            let mut request = post(&server.url, "x");
            request.extensions_mut().insert(RetrySafe);
            transport.send(request).await.unwrap();
        }
        assert_eq!(server.accepted(), 2);

        let mut request = post(&server.url, "x");
        let hasty = Timeouts::none().with_first_byte(seconds(2));
        request.extensions_mut().insert(hasty);
        let error = transport.send(request).await.unwrap_err();
        assert!(
            matches!(error, TransportError::Timeout { phase: Phase::Head, after } if after == seconds(2)),
            "{error}"
        );

        let mut request = get("http://10.0.0.1/");
        let mut key = HeaderValue::from_static("abc");
        key.set_sensitive(true);
        request.headers_mut().insert("x-mine", key);
        let error = transport.send(request).await.unwrap_err();
        assert!(
            matches!(&error, TransportError::PlaintextCredentials { header, .. } if header == "x-mine"),
            "{error}"
        );
    });
}
