use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fascine::http::{Http2Config, Net, Transport};
use fascine::rt::Rt;
use futures_lite::future;

use super::peer::{self, HEADERS};
use super::{echo, shared};
use crate::http::server::{get, post};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_hundred_requests_at_once_to_a_new_host_share_one_connection,
    a_full_connection_is_joined_by_a_second_one_and_then_requests_wait,
    a_server_may_take_back_what_it_allowed,
    a_reader_who_stops_does_not_stop_the_others,
    a_long_body_goes_up_and_comes_back_whole,
}

async fn a_hundred_requests_at_once_to_a_new_host_share_one_connection(rt: Rt, net: Arc<dyn Net>) {
    let server = echo(&rt, &net, 250).await;
    let transport = shared(&rt, net);
    for _round in 0..3 {
        let tasks: Vec<_> = (0..100)
            .map(|n: u32| {
                let sent = transport.send(post(&server.url, n.to_string()));
                rt.spawn(async move {
                    let response = sent.await.unwrap();
                    assert_eq!(response.version(), http::Version::HTTP_2);
                    let body = response.into_body().collect(10).await.unwrap();
                    assert_eq!(body, n.to_string());
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    }
    assert_eq!(server.accepted(), 1);
}

async fn a_full_connection_is_joined_by_a_second_one_and_then_requests_wait(
    rt: Rt,
    net: Arc<dyn Net>,
) {
    const STREAMS: usize = 3;
    let open = Arc::<[AtomicUsize; 2]>::default();
    let most = Arc::<AtomicUsize>::default();
    let (counts, peak, clock) = (Arc::clone(&open), Arc::clone(&most), rt.clone());
    let server = peer::serve(&rt, &net, STREAMS as u32, move |mut peer, number| {
        let (counts, peak, clock) = (Arc::clone(&counts), Arc::clone(&peak), clock.clone());
        async move {
            let mut waiting = Vec::new();
            loop {
                // A pause without new requests, and those that there are get their answers.
                let pause = async {
                    clock.sleep(Duration::from_millis(20)).await;
                    None
                };
                let Some(next) = future::or(async { Some(peer.next().await) }, pause).await else {
                    for stream in waiting.drain(..) {
                        counts[number].fetch_sub(1, SeqCst);
                        peer.answer(stream, b"ok").await;
                    }
                    continue;
                };
                let Some(frame) = next else { return };
                if frame.kind == HEADERS {
                    waiting.push(frame.stream);
                    let now = counts[number].fetch_add(1, SeqCst) + 1;
                    peak.fetch_max(now, SeqCst);
                }
            }
        }
    })
    .await;
    let mut config = Http2Config::default();
    config.max_connections = NonZeroUsize::new(2).unwrap();
    let transport = shared(&rt, net).with_http2(config);
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let sent = transport.send(get(&server.url));
            rt.spawn(async move { sent.await.unwrap().into_body().collect(10).await.unwrap() })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), "ok");
    }
    assert_eq!(server.accepted(), 2);
    assert_eq!(most.load(SeqCst), STREAMS);
}

async fn a_server_may_take_back_what_it_allowed(rt: Rt, net: Arc<dyn Net>) {
    let together = Arc::<Mutex<Vec<usize>>>::default();
    let seen = Arc::clone(&together);
    let server = peer::serve(&rt, &net, 2, move |mut peer, _| {
        let seen = Arc::clone(&seen);
        async move {
            let first = peer.request().await.unwrap();
            peer.settings(&[(peer::MAX_CONCURRENT_STREAMS, 1)]).await;
            peer.answer(first, b"").await;
            while let Some(stream) = peer.request().await {
                seen.lock().unwrap().push(1);
                peer.answer(stream, b"").await;
            }
        }
    })
    .await;
    let mut config = Http2Config::default();
    config.max_connections = NonZeroUsize::MIN;
    let transport = shared(&rt, net).with_http2(config);
    for _ in 0..2 {
        let sent: Vec<_> = (0..4)
            .map(|_| {
                let sent = transport.send(get(&server.url));
                rt.spawn(async move { sent.await.unwrap().into_body().collect(0).await })
            })
            .collect();
        for task in sent {
            task.await.unwrap().unwrap();
        }
    }
    assert_eq!(server.accepted(), 1);
    assert_eq!(together.lock().unwrap().len(), 7);
}

async fn a_reader_who_stops_does_not_stop_the_others(rt: Rt, net: Arc<dyn Net>) {
    const LENGTH: usize = 1 << 20;
    let server = echo(&rt, &net, 250).await;
    let transport = shared(&rt, net);
    let mut stalled = Vec::new();
    for _ in 0..30 {
        let sent = transport.send(post(&server.url, vec![7; LENGTH]));
        stalled.push(sent.await.unwrap().into_body());
    }
    for n in 0..5_u32 {
        let sent = transport.send(post(&server.url, n.to_string()));
        let body = sent.await.unwrap().into_body();
        assert_eq!(body.collect(10).await.unwrap(), n.to_string());
    }
    for body in stalled {
        assert_eq!(body.collect(LENGTH).await.unwrap().len(), LENGTH);
    }
    assert_eq!(server.accepted(), 1);
}

async fn a_long_body_goes_up_and_comes_back_whole(rt: Rt, net: Arc<dyn Net>) {
    let server = echo(&rt, &net, 250).await;
    let transport = shared(&rt, net);
    let sent: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let response = transport.send(post(&server.url, sent.clone())).await;
    let body = response.unwrap().into_body();
    assert!(body.collect(sent.len()).await.unwrap() == sent);
    // An empty one has no frames of data at all.
    let response = transport.send(get(&server.url)).await.unwrap();
    assert_eq!(response.into_body().collect(0).await.unwrap(), "");
}
