use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use fascine::http::{
    H1Transport, MemoryNet, Net, PoolConfig, RetrySafe, Transport, TransportError,
};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::{AsyncReadExt, AsyncWriteExt, future};

use super::server::{Server, get, post, read_request};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_cancelled_request_never_answers_the_next_one,
    the_server_sees_that_a_request_was_cancelled,
}

/// Answers with the body, slowly: after the head it waits.
async fn slow_echo(rt: &Rt, net: &Arc<dyn Net>, pause: Duration) -> Server {
    let clock = rt.clone();
    Server::start(rt, net, move |mut socket| {
        let clock = clock.clone();
        async move {
            while let Some((_, body)) = read_request(&mut socket).await {
                clock.sleep(pause).await;
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                if socket.write_all(head.as_bytes()).await.is_err() {
                    break;
                }
                clock.sleep(pause).await;
                if socket.write_all(&body).await.is_err() {
                    break;
                }
            }
        }
    })
    .await
}

async fn a_cancelled_request_never_answers_the_next_one(rt: Rt, net: Arc<dyn Net>) {
    let pause = Duration::from_millis(4);
    let server = slow_echo(&rt, &net, pause).await;
    let transport = H1Transport::new(&rt, net);
    for n in 0..10 {
        // Before the head, then inside the body.
        let cut = pause * (1 + n % 2) - pause / 2;
        let sent = transport.send(post(&server.url, format!("cancelled {n}")));
        let whole = async { sent.await.unwrap().into_body().collect(100).await.map(drop) };
        future::or(async { drop(whole.await) }, async { rt.sleep(cut).await }).await;
        let response = transport
            .send(post(&server.url, format!("asked {n}")))
            .await
            .unwrap();
        let answer = response.into_body().collect(100).await.unwrap();
        assert_eq!(answer, format!("asked {n}"));
    }
}

async fn the_server_sees_that_a_request_was_cancelled(rt: Rt, net: Arc<dyn Net>) {
    let (got, gone) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let server = Server::start(&rt, &net, {
        let (got, gone) = (Arc::clone(&got), Arc::clone(&gone));
        move |mut socket| {
            let (got, gone) = (Arc::clone(&got), Arc::clone(&gone));
            async move {
                read_request(&mut socket).await;
                got.fetch_add(1, SeqCst);
                if !matches!(socket.read(&mut [0]).await, Ok(1..)) {
                    gone.fetch_add(1, SeqCst);
                }
            }
        }
    })
    .await;
    let transport = H1Transport::new(&rt, net);
    let reaches = |counter: &Arc<AtomicUsize>, count| {
        let (rt, counter) = (rt.clone(), Arc::clone(counter));
        async move {
            while counter.load(SeqCst) < count {
                rt.sleep(Duration::from_millis(1)).await;
            }
        }
    };
    for n in 1..=5 {
        let sent = transport.send(get(&server.url));
        future::or(async { drop(sent.await) }, reaches(&got, n)).await;
    }
    reaches(&gone, 5).await;
    assert_eq!(server.accepted(), 5);
}

/// Answers `requests` times on each connection and closes it.
async fn tired(rt: &Rt, net: &Arc<dyn Net>, requests: usize) -> Server {
    Server::start(rt, net, move |mut socket| async move {
        for _ in 0..requests {
            if read_request(&mut socket).await.is_none() {
                return;
            }
            let _ = socket
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                .await;
        }
    })
    .await
}

fn on_memory<F: Future<Output = ()>>(test: impl Fn(Rt, Arc<dyn Net>) -> F) {
    TestRuntime::run_seeds(8, |rt| test(rt, Arc::new(MemoryNet::new())));
}

async fn ask(transport: &H1Transport, url: &str) -> Result<(), TransportError> {
    let body = transport
        .send(get(url))
        .await?
        .into_body()
        .collect(10)
        .await?;
    assert_eq!(body, "ok");
    Ok(())
}

#[test]
fn a_connection_that_was_closed_while_idle_is_noticed() {
    on_memory(|rt, net| async move {
        let server = tired(&rt, &net, 1).await;
        let transport = H1Transport::new(&rt, net);
        for n in 1..=5 {
            // A POST: a second try would not be made for it.
            let response = transport.send(post(&server.url, "x")).await.unwrap();
            assert_eq!(response.into_body().collect(10).await.unwrap(), "ok");
            rt.sleep(Duration::from_millis(1)).await;
            assert_eq!(server.accepted(), n);
        }
    });
}

/// Answers once on each connection; a second request is read and the connection closed.
async fn one_and_a_half(rt: &Rt, net: &Arc<dyn Net>) -> Server {
    Server::start(rt, net, |mut socket| async move {
        read_request(&mut socket).await;
        let _ = socket
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            .await;
        read_request(&mut socket).await;
    })
    .await
}

#[test]
fn a_stale_connection_costs_one_more_try_where_that_is_safe() {
    on_memory(|rt, net| async move {
        let server = one_and_a_half(&rt, &net).await;
        let transport = H1Transport::new(&rt, net);
        ask(&transport, &server.url).await.unwrap();
        ask(&transport, &server.url).await.unwrap();
        assert_eq!(server.accepted(), 2);

        let error = transport.send(post(&server.url, "once")).await.unwrap_err();
        assert!(
            matches!(error, TransportError::ClosedBeforeResponse),
            "{error}"
        );

        ask(&transport, &server.url).await.unwrap();
        let mut request = post(&server.url, "again");
        request.extensions_mut().insert(RetrySafe);
        assert_eq!(transport.send(request).await.unwrap().status(), 200);
    });
}

#[test]
fn there_is_no_second_try_once_a_byte_has_come() {
    for answer in ["H", "HTTP/1.1 100 Continue\r\n\r\n"] {
        on_memory(|rt, net| async move {
            let server = Server::start(&rt, &net, move |mut socket| async move {
                read_request(&mut socket).await;
                let ok = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                let _ = socket.write_all(ok).await;
                read_request(&mut socket).await;
                let _ = socket.write_all(answer.as_bytes()).await;
            })
            .await;
            let transport = H1Transport::new(&rt, net);
            ask(&transport, &server.url).await.unwrap();
            let error = ask(&transport, &server.url).await.unwrap_err();
            assert!(matches!(error, TransportError::ClosedInHead), "{error}");
            assert_eq!(server.accepted(), 1);
        });
    }
}

#[test]
fn a_server_that_says_more_than_it_was_asked_is_not_asked_again_on_that_connection() {
    on_memory(|rt, net| async move {
        let server = Server::start(&rt, &net, |mut socket| async move {
            read_request(&mut socket).await;
            let more = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok{more}");
            let _ = socket.write_all(answer.as_bytes()).await;
            std::future::pending::<()>().await;
        })
        .await;
        let transport = H1Transport::new(&rt, net);
        for _ in 0..2 {
            let error = ask(&transport, &server.url).await.unwrap_err();
            assert!(
                matches!(error, TransportError::ExcessBody { .. }),
                "{error}"
            );
        }
        assert_eq!(server.accepted(), 2);
    });
}

/// Asks once, and says whether the connection was good for a second time.
fn is_kept(head: &'static str, body: &'static str) -> bool {
    let kept = Arc::new(AtomicUsize::new(0));
    on_memory(|rt, net| {
        let kept = Arc::clone(&kept);
        async move {
            let server = Server::start(&rt, &net, move |mut socket| async move {
                while read_request(&mut socket).await.is_some() {
                    let answer = format!("{head}\r\n\r\n{body}");
                    let _ = socket.write_all(answer.as_bytes()).await;
                }
            })
            .await;
            let transport = H1Transport::new(&rt, net);
            for _ in 0..2 {
                let response = transport.send(get(&server.url)).await.unwrap();
                response.into_body().collect(100).await.unwrap();
            }
            kept.store(server.accepted(), SeqCst);
        }
    });
    kept.load(SeqCst) == 1
}

#[test]
fn a_connection_is_kept_exactly_where_both_sides_agree() {
    assert!(is_kept("HTTP/1.1 200 OK\r\ncontent-length: 2", "hi"));
    assert!(is_kept("HTTP/1.1 204 No Content", ""));
    assert!(is_kept(
        "HTTP/1.1 304 Not Modified\r\ncontent-length: 9",
        ""
    ));
    assert!(is_kept(
        "HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: Keep-Alive",
        "hi"
    ));
    assert!(is_kept(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked",
        "2\r\nhi\r\n0\r\n\r\n"
    ));
    assert!(!is_kept("HTTP/1.0 200 OK\r\ncontent-length: 2", "hi"));
    assert!(!is_kept(
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: x, close",
        "hi"
    ));
    // Two lengths that agree today need not tomorrow.
    assert!(!is_kept(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 2",
        "2\r\nhi\r\n0\r\n\r\n"
    ));
    assert!(!is_kept("HTTP/1.1 200 OK\r\ncontent-length: 2", "hi\r\n"));
}

#[test]
fn the_answer_to_head_has_no_body_whatever_it_says() {
    on_memory(|rt, net| async move {
        let server = tired(&rt, &net, 2).await;
        let transport = H1Transport::new(&rt, net);
        let head = http::Request::head(&server.url).body(bytes::Bytes::new());
        // The server of this test sends a body all the same: it is no part of any answer.
        let response = transport.send(head.unwrap()).await.unwrap();
        assert_eq!(response.headers()["content-length"], "2");
        drop(response);
        ask(&transport, &server.url).await.unwrap();
        assert_eq!(server.accepted(), 2);
    });
}

#[test]
fn connections_that_nobody_asks_for_again_are_closed_when_they_are_too_old() {
    on_memory(|rt, net| async move {
        let forgotten = tired(&rt, &net, 100).await;
        let used = tired(&rt, &net, 100).await;
        let transport = H1Transport::new(&rt, net);
        ask(&transport, &forgotten.url).await.unwrap();
        for _ in 0..4 {
            rt.sleep(Duration::from_secs(15)).await;
            ask(&transport, &used.url).await.unwrap();
        }
        rt.sleep(Duration::from_millis(1)).await;
        assert_eq!((forgotten.ended(), used.accepted()), (1, 1));
    });
}

#[test]
fn a_body_that_is_not_read_closes_its_connection() {
    on_memory(|rt, net| async move {
        let server = slow_echo(&rt, &net, Duration::from_millis(1)).await;
        let transport = H1Transport::new(&rt, net);
        drop(transport.send(post(&server.url, "unread")).await.unwrap());
        rt.sleep(Duration::from_millis(10)).await;
        assert_eq!(server.ended(), 1);
        let response = transport.send(post(&server.url, "read")).await.unwrap();
        assert_eq!(response.into_body().collect(10).await.unwrap(), "read");
        assert_eq!(server.accepted(), 2);
    });
}

#[test]
fn idle_connections_are_few_and_do_not_stay_for_ever() {
    on_memory(|rt, net| async move {
        let server = slow_echo(&rt, &net, Duration::from_millis(1)).await;
        let mut config = PoolConfig::default();
        config.max_idle = 2;
        config.idle_timeout = Duration::from_secs(5);
        let transport = H1Transport::new(&rt, net).with_pool(config);
        let round = |count: usize| {
            let sent: Vec<_> = (0..count)
                .map(|_| transport.send(post(&server.url, "ok")))
                .collect();
            let tasks: Vec<_> = sent
                .into_iter()
                .map(|sent| {
                    rt.spawn(async {
                        sent.await.unwrap().into_body().collect(9).await.unwrap();
                    })
                })
                .collect();
            async move {
                for task in tasks {
                    task.await.unwrap();
                }
            }
        };
        round(6).await;
        rt.sleep(Duration::from_millis(10)).await;
        assert_eq!((server.accepted(), server.ended()), (6, 4), "two are kept");
        round(1).await;
        assert_eq!(server.accepted(), 6);
        rt.sleep(Duration::from_secs(6)).await;
        round(1).await;
        assert_eq!(server.accepted(), 7, "the kept ones were too old");
    });
}

#[test]
fn no_more_requests_than_allowed_are_on_their_way() {
    on_memory(|rt, net| async move {
        let server = slow_echo(&rt, &net, Duration::from_millis(10)).await;
        let mut config = PoolConfig::default();
        config.max_in_use = NonZeroUsize::new(3).unwrap();
        let transport = H1Transport::new(&rt, net).with_pool(config);
        let started = rt.now();
        let tasks: Vec<_> = (0..9)
            .map(|_| {
                let sent = transport.send(post(&server.url, "x"));
                rt.spawn(async { sent.await.unwrap().into_body().collect(9).await.unwrap() })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(server.accepted(), 3);
        assert_eq!(rt.now() - started, Duration::from_millis(60));
    });
}

#[test]
fn dropping_an_exchange_at_any_poll_leaves_a_sound_pool() {
    drop_after_every_poll(|rt, cut| async move {
        let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let server = slow_echo(&rt, &net, Duration::from_millis(1)).await;
        let mut config = PoolConfig::default();
        config.max_in_use = NonZeroUsize::MIN;
        let transport = H1Transport::new(&rt, net).with_pool(config);
        let first = transport.send(post(&server.url, "first"));
        cut.apply(async { first.await.unwrap().into_body().collect(10).await.unwrap() })
            .await;
        let second = transport.send(post(&server.url, "second")).await.unwrap();
        assert_eq!(second.into_body().collect(10).await.unwrap(), "second");
    });
}
