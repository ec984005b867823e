use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use fascine::http::{MemoryNet, Net, Transport, TransportError};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use futures_lite::StreamExt;

use super::peer::{self, CANCEL, END_STREAM, INTERNAL_ERROR, NO_ERROR, Peer, WINDOW_UPDATE};
use super::shared;
use crate::http::cancelled::reaches;
use crate::http::server::get;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_server_sends_no_more_than_somebody_reads,
}

async fn a_server_sends_no_more_than_somebody_reads(rt: Rt, net: Arc<dyn Net>) {
    const WINDOW: usize = 256 * 1024;
    let counters: [Arc<AtomicUsize>; 2] = Default::default();
    let [filled, reading] = counters.clone();
    let clock = rt.clone();
    let server = peer::serve(&rt, &net, 100, move |mut peer: Peer, _| {
        let ([filled, reading], clock) = (counters.clone(), clock.clone());
        async move {
            let stream = peer.request().await.unwrap();
            peer.ok(stream, &[], 0).await;
            for _ in 0..WINDOW / 16_384 {
                peer.data(stream, &[7; 16_384], 0).await;
            }
            // Nobody has read any of it, so nobody may have asked for more.
            peer.send(peer::PING, 0, 0, &[0; 8]).await;
            while let Some(frame) = peer.next().await {
                assert!(frame.kind != WINDOW_UPDATE || frame.stream == 0);
                if frame.kind == peer::PING {
                    break;
                }
            }
            filled.store(1, SeqCst);
            reaches(&clock, &reading, 1).await;
            let mut more = 0;
            while more < 64 * 1024 {
                let update = peer.next_of(WINDOW_UPDATE).await.unwrap();
                if update.stream == stream {
                    more += update.number();
                }
            }
            peer.data(stream, b"end", END_STREAM).await;
            while peer.next().await.is_some() {}
        }
    })
    .await;
    let transport = shared(&rt, net);
    let body = transport.send(get(&server.url)).await.unwrap().into_body();
    reaches(&rt, &filled, 1).await;
    reading.store(1, SeqCst);
    assert_eq!(body.collect(WINDOW + 3).await.unwrap().len(), WINDOW + 3);
}

/// Gets the body that a server sends in this way.
fn body<F>(
    respond: impl Fn(Peer, u32) -> F + Clone + Send + Sync + 'static,
    check: impl Fn(Vec<u8>, Option<TransportError>),
) where
    F: Future<Output = ()> + Send + 'static,
{
    TestRuntime::run_seeds(8, |rt: Rt| {
        let (respond, check) = (respond.clone(), &check);
        async move {
            let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
            let server = peer::serve(&rt, &net, 100, move |mut peer, _| {
                let respond = respond.clone();
                async move {
                    let stream = peer.request().await.unwrap();
                    respond(peer, stream).await;
                }
            })
            .await;
            let transport = shared(&rt, net);
            let mut body = transport.send(get(&server.url)).await.unwrap().into_body();
            let mut whole = Vec::new();
            let error = loop {
                match body.next().await {
                    Some(Ok(piece)) => whole.extend(piece),
                    Some(Err(error)) => break Some(error),
                    None => break None,
                }
            };
            assert!(body.next().await.is_none());
            check(whole, error);
        }
    });
}

async fn linger(mut peer: Peer) {
    while peer.next().await.is_some() {}
}

#[test]
fn trailers_are_no_part_of_the_body() {
    body(
        |mut peer, stream| async move {
            peer.ok(stream, &[("x-mine", "yes")], 0).await;
            peer.data(stream, b"whole", 0).await;
            peer.data(stream, b"", 0).await;
            peer.trailers(stream, &[("x-sum", "5")]).await;
            linger(peer).await;
        },
        |whole, error| {
            assert_eq!(whole, b"whole");
            assert!(error.is_none(), "{error:?}");
        },
    );
}

#[test]
fn a_body_that_is_reset_is_an_error_whatever_the_reason() {
    for reason in [CANCEL, INTERNAL_ERROR, NO_ERROR] {
        body(
            move |mut peer, stream| async move {
                peer.ok(stream, &[], 0).await;
                peer.data(stream, b"half", 0).await;
                peer.reset(stream, reason).await;
                linger(peer).await;
            },
            |_, error| {
                assert!(
                    matches!(error, Some(TransportError::StreamReset { code, .. }) if code == reason),
                    "{error:?}"
                );
            },
        );
    }
}

#[test]
fn a_server_that_goes_away_inside_a_body_cuts_it() {
    body(
        |mut peer, stream| async move {
            peer.ok(stream, &[], 0).await;
            peer.data(stream, b"half", 0).await;
            peer.go_away(0, NO_ERROR).await;
            linger(peer).await;
        },
        |_, error| {
            assert!(error.is_some());
        },
    );
}

#[test]
fn a_connection_that_ends_inside_a_body_cuts_it() {
    body(
        |mut peer, stream| async move {
            peer.ok(stream, &[], 0).await;
            peer.data(stream, b"half", 0).await;
        },
        |whole, error| {
            assert_eq!(whole, b"half");
            assert!(
                matches!(error, Some(TransportError::ClosedInBody { received: 4 })),
                "{error:?}"
            );
        },
    );
}

#[test]
fn a_body_of_another_length_than_its_head_says_is_an_error() {
    for length in ["3", "5"] {
        body(
            move |mut peer, stream| async move {
                peer.ok(stream, &[("content-length", length)], 0).await;
                peer.data(stream, b"four", END_STREAM).await;
                linger(peer).await;
            },
            |_, error| {
                assert!(
                    matches!(error, Some(TransportError::MalformedResponse { .. })),
                    "{error:?}"
                );
            },
        );
    }
    body(
        |mut peer, stream| async move {
            peer.ok(stream, &[("content-length", "4")], 0).await;
            peer.data(stream, b"four", END_STREAM).await;
            linger(peer).await;
        },
        |whole, error| {
            assert_eq!(whole, b"four");
            assert!(error.is_none(), "{error:?}");
        },
    );
}
