use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use fascine::http::{
    BoxSocket, H1Transport, Listener, MemoryNet, Net, Phase, PoolConfig, Transport, TransportError,
};
use fascine::rt::{BoxFuture, Rt};
use fascine_testing::TestRuntime;
use futures_lite::AsyncWriteExt;

use super::server::{Server, get, read_request};
use crate::durations::seconds;

#[track_caller]
fn check_timeout(error: &TransportError, expected: Phase, time: Duration) {
    match error {
        TransportError::Timeout { phase, after } => assert_eq!((*phase, *after), (expected, time)),
        other => panic!("{other}"),
    }
}

/// A network where nobody ever answers the door.
#[derive(Debug)]
struct BlackHole;

impl Net for BlackHole {
    fn connect(&self, _: SocketAddr) -> BoxFuture<io::Result<BoxSocket>> {
        Box::pin(pending())
    }

    fn listen(&self, _: SocketAddr) -> BoxFuture<io::Result<Box<dyn Listener>>> {
        Box::pin(pending())
    }
}

/// A server that answers each request after so long.
async fn slow(rt: &Rt, net: &Arc<dyn Net>, after: Duration) -> Server {
    let clock = rt.clone();
    Server::start(rt, net, move |mut socket| {
        let clock = clock.clone();
        async move {
            while read_request(&mut socket).await.is_some() {
                clock.sleep(after).await;
                let _ = socket
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                    .await;
            }
        }
    })
    .await
}

#[test]
fn connecting_takes_no_longer_than_it_may() {
    TestRuntime::run(|rt| async move {
        let started = rt.now();
        let transport = H1Transport::new(&rt, BlackHole).with_connect_timeout(seconds(3));
        let error = transport.send(get("http://127.0.0.1/")).await.unwrap_err();
        check_timeout(&error, Phase::Connect, seconds(3));
        assert_eq!(rt.now() - started, seconds(3));
    });
}

#[test]
fn the_head_takes_no_longer_than_it_may() {
    TestRuntime::run(|rt| async move {
        let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let server = Server::start(&rt, &net, |mut socket| async move {
            read_request(&mut socket).await;
            let _ = socket.write_all(b"HTTP/1.1 200").await;
            pending::<()>().await;
        })
        .await;
        let transport = H1Transport::new(&rt, net).with_first_byte_timeout(seconds(4));
        let started = rt.now();
        let error = transport.send(get(&server.url)).await.unwrap_err();
        check_timeout(&error, Phase::Head, seconds(4));
        assert_eq!(rt.now() - started, seconds(4));
    });
}

#[test]
fn a_body_may_take_long_but_not_pause_long() {
    TestRuntime::run(|rt| async move {
        let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let clock = rt.clone();
        let server = Server::start(&rt, &net, move |mut socket| {
            let clock = clock.clone();
            async move {
                read_request(&mut socket).await;
                let _ = socket
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n")
                    .await;
                for _ in 0..20 {
                    clock.sleep(seconds(4)).await;
                    let _ = socket.write_all(b"x").await;
                }
                pending::<()>().await;
            }
        })
        .await;
        let transport = H1Transport::new(&rt, net).with_idle_timeout(seconds(5));
        let started = rt.now();
        let mut body = transport.send(get(&server.url)).await.unwrap().into_body();
        for _ in 0..20 {
            assert_eq!(body.chunk().await.unwrap().unwrap(), "x");
        }
        check_timeout(&body.chunk().await.unwrap_err(), Phase::Body, seconds(5));
        assert_eq!(rt.now() - started, seconds(85));
        assert!(
            body.chunk().await.unwrap().is_none(),
            "nothing comes after an error"
        );
    });
}

#[test]
fn waiting_for_a_place_is_not_connecting() {
    TestRuntime::run(|rt| async move {
        let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let server = slow(&rt, &net, seconds(50)).await;
        let mut config = PoolConfig::default();
        config.max_in_use = NonZeroUsize::MIN;
        let transport = H1Transport::new(&rt, net).with_pool(config);
        let sent: Vec<_> = (0..3)
            .map(|_| rt.spawn(transport.send(get(&server.url))))
            .collect();
        let started = rt.now();
        for sent in sent {
            assert_eq!(sent.await.unwrap().unwrap().status(), 200);
        }
        assert_eq!(rt.now() - started, seconds(150));
    });
}

#[test]
fn no_limit_is_no_limit() {
    TestRuntime::run(|rt| async move {
        let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let server = slow(&rt, &net, seconds(100_000)).await;
        let transport = H1Transport::new(&rt, net)
            .with_connect_timeout(Duration::MAX)
            .with_first_byte_timeout(Duration::MAX)
            .with_idle_timeout(Duration::MAX);
        assert_eq!(
            transport.send(get(&server.url)).await.unwrap().status(),
            200
        );
    });
}
