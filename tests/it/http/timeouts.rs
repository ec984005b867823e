use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use fascine::http::{
    BoxSocket, H1Transport, Listener, MemoryNet, Net, Phase, PoolConfig, Timeouts, Transport,
    TransportError,
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

/// Answers with a byte of its endless body each second, after a pause.
async fn drip(rt: &Rt, net: &Arc<dyn Net>, pause: Duration) -> Server {
    let clock = rt.clone();
    Server::start(rt, net, move |mut socket| {
        let clock = clock.clone();
        async move {
            read_request(&mut socket).await;
            clock.sleep(pause).await;
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n";
            let _ = socket.write_all(head).await;
            while socket.write_all(b"x").await.is_ok() {
                clock.sleep(seconds(1)).await;
            }
        }
    })
    .await
}

#[test]
fn the_whole_has_a_limit_of_its_own_wherever_it_is_reached() {
    TestRuntime::run(|rt| async move {
        let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let server = drip(&rt, &net, seconds(5)).await;
        let limited = |limit| H1Transport::new(&rt, Arc::clone(&net)).with_total_timeout(limit);

        let started = rt.now();
        let error = limited(seconds(3))
            .send(get(&server.url))
            .await
            .unwrap_err();
        check_timeout(&error, Phase::Total, seconds(3));
        assert_eq!(rt.now() - started, seconds(3));
        assert!(error.is_retryable() && !error.is_before_request());
        assert_eq!(error.to_string(), "the whole was not over after 3s");

        let started = rt.now();
        let response = limited(seconds(30)).send(get(&server.url)).await.unwrap();
        let error = response.into_body().collect(1000).await.unwrap_err();
        check_timeout(&error, Phase::Total, seconds(30));
        assert_eq!(rt.now() - started, seconds(30));

        let started = rt.now();
        let transport = H1Transport::new(&rt, BlackHole).with_total_timeout(seconds(2));
        let error = transport.send(get("http://127.0.0.1/")).await.unwrap_err();
        check_timeout(&error, Phase::Total, seconds(2));
        assert_eq!(rt.now() - started, seconds(2));
    });
}

#[test]
fn a_request_may_bring_its_own_limits() {
    TestRuntime::run(|rt| async move {
        let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let server = drip(&rt, &net, seconds(50)).await;
        let transport = H1Transport::new(&rt, net).with_timeouts(Timeouts::none());
        let mut request = get(&server.url);
        let limits = Timeouts::none().with_first_byte(seconds(20));
        request.extensions_mut().insert(limits);
        let error = transport.send(request).await.unwrap_err();
        check_timeout(&error, Phase::Head, seconds(20));
        assert!(transport.send(get(&server.url)).await.is_ok());
    });
}

#[test]
fn waiting_for_a_place_has_a_limit_where_one_is_set() {
    TestRuntime::run(|rt| async move {
        let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let server = drip(&rt, &net, seconds(1)).await;
        let mut config = PoolConfig::default();
        config.max_in_use = NonZeroUsize::MIN;
        let transport = H1Transport::new(&rt, net)
            .with_pool(config)
            .with_timeouts(Timeouts::default().with_pool(seconds(7)));
        let held = transport.send(get(&server.url)).await.unwrap();
        let started = rt.now();
        let error = transport.send(get(&server.url)).await.unwrap_err();
        check_timeout(&error, Phase::Pool, seconds(7));
        assert!(error.is_before_request());
        assert_eq!(rt.now() - started, seconds(7));
        drop(held);
        assert!(transport.send(get(&server.url)).await.is_ok());
    });
}

#[test]
fn a_reader_that_takes_its_time_is_no_pause_of_the_servers() {
    TestRuntime::run(|rt| async move {
        let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let server = drip(&rt, &net, seconds(1)).await;
        let transport = H1Transport::new(&rt, net).with_idle_timeout(seconds(5));
        let mut body = transport.send(get(&server.url)).await.unwrap().into_body();
        for _ in 0..3 {
            rt.sleep(seconds(60)).await;
            body.chunk().await.unwrap().unwrap();
            body.chunk().await.unwrap().unwrap();
        }
    });
}
