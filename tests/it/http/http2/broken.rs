use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use fascine::http::{MemoryNet, Net, RetrySafe, Transport, TransportError};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use futures_lite::AsyncWriteExt;

use super::peer::{self, INTERNAL_ERROR, NO_ERROR, PROTOCOL_ERROR, Peer, REFUSED_STREAM};
use super::shared;
use crate::http::server::{Server, get, post};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    what_a_server_that_goes_away_has_not_begun_is_sent_to_another_connection,
    a_connection_that_breaks_costs_nobody_an_answer_who_may_ask_twice,
}

async fn what_a_server_that_goes_away_has_not_begun_is_sent_to_another_connection(
    rt: Rt,
    net: Arc<dyn Net>,
) {
    let server = peer::serve(&rt, &net, 100, |mut peer: Peer, number| async move {
        if number > 0 {
            while let Some(stream) = peer.request().await {
                peer.answer(stream, b"second connection").await;
            }
            return;
        }
        let first = peer.request().await.unwrap();
        peer.request().await.unwrap();
        peer.request().await.unwrap();
        peer.go_away(first, NO_ERROR).await;
        peer.answer(first, b"first connection").await;
        while peer.next().await.is_some() {}
    })
    .await;
    let transport = shared(&rt, net);
    // Not idempotent, and not marked: the server has said that it did nothing.
    let sent: Vec<_> = (0..3)
        .map(|_| {
            let sent = transport.send(post(&server.url, "x"));
            rt.spawn(async move { sent.await.unwrap().into_body().collect(100).await.unwrap() })
        })
        .collect();
    let mut answers = Vec::new();
    for task in sent {
        answers.push(task.await.unwrap());
    }
    answers.sort();
    assert_eq!(
        answers,
        ["first connection", "second connection", "second connection"]
    );
    assert_eq!(server.accepted(), 2);
}

/// Ends each connection at its second request.
async fn fickle(rt: &Rt, net: &Arc<dyn Net>) -> Server {
    peer::serve(rt, net, 100, |mut peer: Peer, _| async move {
        if let Some(first) = peer.request().await {
            peer.answer(first, b"ok").await;
        }
        peer.request().await;
    })
    .await
}

async fn a_connection_that_breaks_costs_nobody_an_answer_who_may_ask_twice(
    rt: Rt,
    net: Arc<dyn Net>,
) {
    let server = fickle(&rt, &net).await;
    let transport = shared(&rt, net);
    for _ in 0..5 {
        let mut marked = post(&server.url, "x");
        marked.extensions_mut().insert(RetrySafe);
        for request in [get(&server.url), marked] {
            let response = transport.send(request).await.unwrap();
            assert_eq!(response.into_body().collect(10).await.unwrap(), "ok");
        }
    }
}

/// Runs a test in memory, with a server that handles its connections in this way.
fn against<F, T>(
    handle: impl Fn(Peer, usize) -> F + Clone + Send + Sync + 'static,
    test: impl Fn(Rt, Arc<dyn Net>, Server) -> T,
) where
    F: Future<Output = ()> + Send + 'static,
    T: Future<Output = ()>,
{
    TestRuntime::run_seeds(8, |rt| {
        let (handle, test) = (handle.clone(), &test);
        async move {
            let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
            let server = peer::serve(&rt, &net, 100, handle).await;
            test(rt, net, server).await;
        }
    });
}

#[test]
fn a_request_that_must_not_be_sent_twice_is_not() {
    TestRuntime::run_seeds(8, |rt| async move {
        let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let server = fickle(&rt, &net).await;
        let transport = shared(&rt, net);
        let response = transport.send(post(&server.url, "x")).await.unwrap();
        assert_eq!(response.into_body().collect(10).await.unwrap(), "ok");
        let error = transport.send(post(&server.url, "x")).await.unwrap_err();
        assert!(
            matches!(error, TransportError::ClosedBeforeResponse),
            "{error}"
        );
        assert_eq!(server.accepted(), 1);
    });
}

#[test]
fn a_request_that_the_server_refuses_is_sent_again_and_not_for_ever() {
    let asked = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&asked);
    against(
        move |mut peer, _| {
            let counter = Arc::clone(&counter);
            async move {
                while let Some(stream) = peer.request().await {
                    match counter.fetch_add(1, SeqCst) {
                        2 => peer.answer(stream, b"at last").await,
                        _ => peer.reset(stream, REFUSED_STREAM).await,
                    }
                }
            }
        },
        |rt, net, server| {
            let asked = Arc::clone(&asked);
            async move {
                asked.store(0, SeqCst);
                let transport = shared(&rt, net);
                let response = transport.send(post(&server.url, "x")).await.unwrap();
                assert_eq!(response.into_body().collect(10).await.unwrap(), "at last");
                let error = transport.send(post(&server.url, "x")).await.unwrap_err();
                assert!(
                    matches!(
                        error,
                        TransportError::StreamReset {
                            code: REFUSED_STREAM,
                            ..
                        }
                    ),
                    "{error}"
                );
                assert!(error.is_retryable());
                assert_eq!((asked.load(SeqCst), server.accepted()), (3 + 5, 1));
            }
        },
    );
}

#[test]
fn a_stream_that_is_reset_is_an_error_that_says_why_and_the_others_go_on() {
    against(
        |mut peer, _| async move {
            for code in [INTERNAL_ERROR, PROTOCOL_ERROR] {
                let Some(stream) = peer.request().await else {
                    return;
                };
                peer.reset(stream, code).await;
            }
            while let Some(stream) = peer.request().await {
                peer.answer(stream, b"ok").await;
            }
        },
        |rt, net, server| async move {
            let transport = shared(&rt, net);
            for (expected, retryable) in [("INTERNAL_ERROR", true), ("PROTOCOL_ERROR", false)] {
                let error = transport.send(get(&server.url)).await.unwrap_err();
                let text = error.to_string();
                assert_eq!(
                    text,
                    format!(
                        "the server reset the stream with {expected} while waiting for the response"
                    )
                );
                assert_eq!(error.is_retryable(), retryable);
            }
            transport.send(get(&server.url)).await.unwrap();
            assert_eq!(server.accepted(), 1);
        },
    );
}

#[test]
fn what_is_not_http_2_is_an_error() {
    for answer in [
        &b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"[..],
        b"\0\0\0\0\0\0\0\0\0",
        b"\0\0\x05\x04\0\0\0\0\0hello",
        &[0xff; 64],
        b"",
    ] {
        TestRuntime::run(|rt| async move {
            let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
            let server = Server::start(&rt, &net, move |mut socket| async move {
                let _ = socket.write_all(answer).await;
            })
            .await;
            let error = shared(&rt, net).send(get(&server.url)).await.unwrap_err();
            assert!(
                matches!(
                    error,
                    TransportError::MalformedResponse { .. }
                        | TransportError::ClosedBeforeResponse
                        | TransportError::Io { .. }
                ),
                "{error:?}"
            );
        });
    }
}
