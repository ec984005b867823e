use std::sync::Arc;

use fascine::http::{Body, H1Transport, MemoryNet, Net, Phase, Transport, TransportError};
use fascine_testing::TestRuntime;
use futures_lite::AsyncWriteExt;

use super::server::{Server, get, read_request};

/// What a client makes of these bytes, after which the connection is closed.
async fn receive(rt: fascine::rt::Rt, bytes: &'static [u8]) -> Result<Vec<u8>, TransportError> {
    let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
    let server = Server::start(&rt, &net, move |mut socket| async move {
        read_request(&mut socket).await;
        let _ = socket.write_all(bytes).await;
    })
    .await;
    let response = H1Transport::new(&rt, net).send(get(&server.url)).await?;
    Body::collect(response.into_body(), 1 << 20)
        .await
        .map(|body| body.to_vec())
}

#[track_caller]
fn check(bytes: &'static [u8], expected: impl Fn(&Result<Vec<u8>, TransportError>) -> bool) {
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    TestRuntime::run_seeds(4, |rt| {
        let (received, shown, expected) = (receive(rt, bytes), &shown, &expected);
        async move {
            let received = received.await;
            assert!(expected(&received), "{shown:?} gave {received:?}");
        }
    });
}

#[test]
fn bodies_of_every_kind_end_where_they_end() {
    let all = |text: &'static str| {
        move |got: &Result<Vec<u8>, _>| got.as_ref().is_ok_and(|got| got == text.as_bytes())
    };
    check(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", all("hi"));
    check(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", all(""));
    check(
        b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
        all("until the end"),
    );
    check(b"HTTP/1.0 200 OK\r\n\r\nold", all("old"));
    check(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        all("hi"),
    );
    check(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx",
        all("x"),
    );
    check(
        b"HTTP/1.1 100 Continue\r\ndate: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx",
        all("x"),
    );
    check(
        b"HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\ncontent-length: 2\r\n\r\nhi",
        all("hi"),
    );
    check(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n001;a=b\r\nh\r\n1 \r\ni\r\n0\r\nx: y\r\n\r\n",
        all("hi"),
    );
    check(
        b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx",
        all("x"),
    );
    check(
        b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n",
        all(""),
    );
    check(
        b"HTTP/1.1 302 Found\r\nlocation: http://elsewhere/\r\ncontent-length: 2\r\n\r\ngo",
        all("go"),
    );
    check(
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi\r\n",
        all("hi"),
    );
    check(
        b"HTTP/1.1 200 OK\r\nx-name: caf\xC3\xA9 \xE9\r\ncontent-length: 1\r\n\r\nx",
        all("x"),
    );
}

#[test]
fn bodies_that_are_cut_short_are_errors_never_shorter_bodies() {
    let cut = |received: u64| move |got: &Result<Vec<u8>, TransportError>| matches!(got, Err(TransportError::ClosedInBody { received: n }) if *n == received);
    check(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort", cut(5));
    check(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", cut(0));
    check(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nshort",
        cut(5),
    );
    check(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nshort\r\n",
        cut(5),
    );
}

#[test]
fn bodies_that_are_longer_than_promised_are_errors_too() {
    let excess = |count: usize| move |got: &Result<Vec<u8>, TransportError>| matches!(got, Err(TransportError::ExcessBody { excess }) if *excess == count);
    check(
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi and more",
        excess(9),
    );
    check(
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nmore",
        excess(4),
    );
    check(b"HTTP/1.1 204 No Content\r\n\r\nmore", excess(4));
    check(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nmore",
        excess(4),
    );
}

#[test]
fn answers_that_are_no_http_are_errors() {
    let malformed = |got: &Result<Vec<u8>, TransportError>| {
        matches!(got, Err(TransportError::MalformedResponse { .. }))
    };
    check(b"<html>hello</html>\r\n\r\n", malformed);
    check(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", malformed);
    check(
        b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
        malformed,
    );
    check(
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
        malformed,
    );
    check(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        malformed,
    );
    check(b"HTTP/1.1 999999 OK\r\n\r\n", malformed);
    check(b"HTTP/1.1 000 OK\r\n\r\n", malformed);
    check(
        b"HTTP/1.1 200 OK\r\ncontent-length: 2, 3\r\n\r\nhi",
        malformed,
    );
    check(
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nhi",
        malformed,
    );
    check(
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\nhi",
        malformed,
    );
    // A folded line, of old: some take it for a header of its own.
    check(
        b"HTTP/1.1 200 OK\r\nx-a: b\r\n content-length: 2\r\n\r\nhi",
        malformed,
    );
    check(b"HTTP/1.1 200 OK\r\nx-\0a: b\r\n\r\n", malformed);
}

#[test]
fn transfer_codings_that_nobody_undoes_are_errors() {
    let malformed = |got: &Result<Vec<u8>, TransportError>| {
        matches!(got, Err(TransportError::MalformedResponse { .. }))
    };
    for coding in ["gzip, chunked", "chunked, chunked", "gzip", "identity"] {
        let head = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: {coding}\r\n\r\n0\r\n\r\n");
        check(Vec::leak(head.into_bytes()), malformed);
    }
}

#[test]
fn chunks_that_are_no_chunks_are_errors() {
    let malformed = |got: &Result<Vec<u8>, TransportError>| {
        matches!(got, Err(TransportError::MalformedResponse { .. }))
    };
    for chunks in [
        "-1\r\n",
        "11111111111111111\r\n",
        "2\r\nhi!\r\n0\r\n\r\n",
        "\r\n\r\n",
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}");
        check(Vec::leak(answer.into_bytes()), malformed);
    }
}

#[test]
fn bombs_of_every_kind_are_cut_off() {
    let is_refused = |got: &Result<Vec<u8>, TransportError>| {
        matches!(
            got,
            Err(TransportError::MalformedResponse { .. }
                | TransportError::TooLarge { what: "head", .. })
        )
    };
    let many = |before: &str, one: &str, count: usize| -> &'static [u8] {
        Vec::leak(format!("{before}{}", one.repeat(count)).into_bytes())
    };
    let ok = "HTTP/1.1 200 OK\r\n";
    check(many(ok, "a: b\r\n", 5_000), is_refused);
    check(
        many("", "HTTP/1.1 100 Continue\r\n\r\n", 100_000),
        is_refused,
    );
    check(
        many("", "HTTP/1.1 103 Early Hints\r\n\r\n", 100_000),
        is_refused,
    );
    let chunked = format!("{ok}transfer-encoding: chunked\r\n\r\n");
    check(many(&chunked, "1", 100_000), is_refused);
    check(many(&format!("{chunked}1;"), "x", 100_000), is_refused);
    check(
        many(&format!("{chunked}0\r\na: "), "x", 100_000),
        is_refused,
    );
    check(many(&format!("{ok}a: "), "x", 100_000), is_refused);
    check(
        many(&format!("{chunked}0\r\n"), "a: b\r\n", 100_000),
        |got| {
            matches!(
                got,
                Err(TransportError::TooLarge {
                    what: "trailers",
                    ..
                })
            )
        },
    );
}

#[test]
fn a_head_of_many_headers_is_read_and_one_of_too_many_is_not() {
    let head = |count: usize| -> &'static [u8] {
        let headers = "a: b\r\n".repeat(count);
        let head = format!("HTTP/1.1 200 OK\r\n{headers}content-length: 2\r\n\r\nhi");
        Vec::leak(head.into_bytes())
    };
    for count in [30, 31, 32, 127] {
        check(head(count), |got| {
            got.as_deref().is_ok_and(|got| got == b"hi")
        });
    }
    check(head(128), |got| {
        matches!(got, Err(TransportError::MalformedResponse { .. }))
    });
}

#[test]
fn lengths_that_are_no_lengths_are_errors() {
    for length in ["+2", "-2", "2a", "", "2, 3", "0x2", "99999999999999999999"] {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\nhi");
        check(Vec::leak(head.into_bytes()), |got| {
            matches!(got, Err(TransportError::MalformedResponse { .. }))
        });
    }
}

#[test]
fn what_came_before_a_broken_chunk_is_given_first() {
    let answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n+1\r\n!";
    TestRuntime::run_seeds(4, |rt| async move {
        let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let server = Server::start(&rt, &net, move |mut socket| async move {
            read_request(&mut socket).await;
            let _ = socket.write_all(answer).await;
        })
        .await;
        let response = H1Transport::new(&rt, net).send(get(&server.url)).await;
        let mut body = response.unwrap().into_body();
        assert_eq!(body.chunk().await.unwrap().unwrap(), "hi");
        let error = body.chunk().await.unwrap_err();
        assert!(matches!(error, TransportError::MalformedResponse { .. }));
        assert!(body.chunk().await.unwrap().is_none());
    });
}

#[test]
fn silence_and_half_a_head_are_errors_of_their_own() {
    check(b"", |got| {
        matches!(got, Err(TransportError::ClosedBeforeResponse))
    });
    check(b"HTTP/1.1 200 OK\r\ncontent-le", |got| {
        matches!(got, Err(TransportError::ClosedInHead))
    });
}

#[test]
fn a_head_without_end_is_cut_off() {
    let endless: &'static [u8] = Vec::leak({
        let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
        (0..90).for_each(|n| head.extend(format!("x-{n}: {}\r\n", "y".repeat(1000)).into_bytes()));
        head
    });
    check(endless, |got| {
        matches!(got, Err(TransportError::TooLarge { what: "head", .. }))
    });
}

#[test]
fn errors_say_what_can_be_done() {
    let io = TransportError::Io {
        phase: Phase::Body,
        source: std::io::ErrorKind::ConnectionReset.into(),
    };
    assert!(io.is_retryable() && !io.is_before_request());
    assert_eq!(
        io.to_string(),
        "the connection broke while reading the body"
    );
    let malformed = TransportError::MalformedResponse { reason: "x".into() };
    assert!(!malformed.is_retryable());
}
