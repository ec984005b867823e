use std::sync::Arc;

use bytes::Bytes;
use fascine::http::{H1Transport, Net, PoolConfig, Transport, TransportError};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use futures_lite::{AsyncReadExt, AsyncWriteExt};

use super::server::{Server, echo, get, post, read_request};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    what_is_sent_comes_back,
    a_long_body_goes_both_ways,
    chunks_arrive_as_they_are_sent,
    many_requests_at_once_never_mix,
    a_server_may_answer_before_it_has_read_everything,
}

async fn what_is_sent_comes_back(rt: Rt, net: Arc<dyn Net>) {
    let server = echo(&rt, &net).await;
    let transport = H1Transport::new(&rt, net);
    for text in ["", "hello", "\0\r\n\r\n"] {
        let response = transport.send(post(&server.url, text)).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.into_body().collect(100).await.unwrap(), text);
    }
    assert_eq!(server.accepted(), 1, "the connection was not kept");
}

async fn a_long_body_goes_both_ways(rt: Rt, net: Arc<dyn Net>) {
    let server = echo(&rt, &net).await;
    let transport = H1Transport::new(&rt, net);
    let long: Bytes = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let response = transport
        .send(post(&server.url, long.clone()))
        .await
        .unwrap();
    assert_eq!(
        response.into_body().collect(long.len()).await.unwrap(),
        long
    );
    let response = transport
        .send(post(&server.url, long.clone()))
        .await
        .unwrap();
    let error = response
        .into_body()
        .collect(long.len() - 1)
        .await
        .unwrap_err();
    assert!(
        matches!(error, TransportError::TooLarge { what: "body", .. }),
        "{error}"
    );
}

async fn chunks_arrive_as_they_are_sent(rt: Rt, net: Arc<dyn Net>) {
    // The server sends a piece when it is asked for one, over a second connection.
    let asked = net.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let mut next = net.connect(asked.local_addr().unwrap()).await.unwrap();
    let (turn, _) = asked.accept().await.unwrap();
    let turn = Arc::new(std::sync::Mutex::new(Some(turn)));
    let server = Server::start(&rt, &net, move |mut socket| {
        let turn = turn.lock().unwrap().take();
        async move {
            let mut turn = turn.unwrap();
            read_request(&mut socket).await;
            let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            socket.write_all(head).await.unwrap();
            for piece in [
                "5\r\nfirst\r\n",
                "6;ext=1\r\nsecond\r\n",
                "0\r\ntrailer: x\r\n\r\n",
            ] {
                turn.read_exact(&mut [0]).await.unwrap();
                socket.write_all(piece.as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    let response = H1Transport::new(&rt, net)
        .send(get(&server.url))
        .await
        .unwrap();
    let mut body = response.into_body();
    for expected in [Some("first"), Some("second"), None] {
        next.write_all(&[1]).await.unwrap();
        let chunk = body.chunk().await.unwrap();
        assert_eq!(chunk, expected.map(Bytes::from));
    }
    assert_eq!(body.chunk().await.unwrap(), None, "the end stays the end");
}

async fn many_requests_at_once_never_mix(rt: Rt, net: Arc<dyn Net>) {
    let server = echo(&rt, &net).await;
    let mut config = PoolConfig::default();
    config.max_idle = config.max_in_use.get();
    let transport = H1Transport::new(&rt, net).with_pool(config);
    let tasks: Vec<_> = (0..300)
        .map(|n: u32| {
            let request = post(&server.url, n.to_string());
            let sent = transport.send(request);
            rt.spawn(async move {
                let body = sent.await.unwrap().into_body().collect(100).await.unwrap();
                assert_eq!(body, n.to_string());
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(
        server.accepted() <= 100,
        "{} connections",
        server.accepted()
    );
}

async fn a_server_may_answer_before_it_has_read_everything(rt: Rt, net: Arc<dyn Net>) {
    let server = Server::start(&rt, &net, |mut socket| async move {
        let answer = b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nno!";
        socket.write_all(answer).await.unwrap();
        // Keeps the connection open without reading it.
        std::future::pending::<()>().await;
    })
    .await;
    let long = vec![7; 30_000_000];
    let response = H1Transport::new(&rt, net)
        .send(post(&server.url, long))
        .await
        .unwrap();
    assert_eq!(response.status(), 413);
    assert_eq!(response.into_body().collect(10).await.unwrap(), "no!");
}

#[test]
fn the_head_is_sound_http_and_the_lengths_are_ours() {
    TestRuntime::run(|rt| async move {
        let net: Arc<dyn Net> = Arc::new(fascine::http::MemoryNet::new());
        let (heads, seen) = std::sync::mpsc::channel();
        let server = Server::start(&rt, &net, move |mut socket| {
            let heads = heads.clone();
            async move {
                let (head, _) = read_request(&mut socket).await.unwrap();
                heads.send(head).unwrap();
                let _ = socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
            }
        })
        .await;
        let transport = H1Transport::new(&rt, net);
        let mut request = post(&format!("{}a/b?c=d", server.url), "four");
        request.headers_mut().insert("content-length", 9999.into());
        request
            .headers_mut()
            .insert("transfer-encoding", "chunked".parse().unwrap());
        request.headers_mut().insert(
            "x-mine",
            http::HeaderValue::from_bytes(b"\xE9t\xE9").unwrap(),
        );
        let response = transport.send(request).await.unwrap();
        assert_eq!(response.status(), 204);
        assert_eq!(response.into_body().collect(0).await.unwrap(), "");
        let head = seen.recv().unwrap();
        assert!(head.starts_with("POST /a/b?c=d HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("content-length: 4"), "{head}");
        assert!(!head.contains("transfer-encoding"), "{head}");
        assert!(head.contains("host: 127.0.0.1:"), "{head}");
    });
}

#[test]
fn requests_that_cannot_be_sent_fail_before_anything_is_opened() {
    TestRuntime::run(|rt| async move {
        let transport = H1Transport::new(&rt, fascine::http::MemoryNet::new());
        for url in [
            "/relative",
            "ftp://127.0.0.1/",
            "http://user:pw@127.0.0.1/",
            "https://127.0.0.1/",
        ] {
            let error = transport.send(get(url)).await.unwrap_err();
            assert!(
                matches!(error, TransportError::InvalidUrl { .. }),
                "{url}: {error}"
            );
            assert!(error.is_before_request() && !error.is_retryable());
        }
        let error = transport
            .send(get("http://127.0.0.1:1/"))
            .await
            .unwrap_err();
        assert!(
            matches!(error, TransportError::Connect { port: 1, .. }),
            "{error}"
        );
        assert!(error.is_before_request() && error.is_retryable());
    });
}
