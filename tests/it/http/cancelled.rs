use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use fascine::http::{H1Transport, Net, PoolConfig, RetrySafe, Transport};
use fascine::rt::Rt;
use futures_lite::{AsyncReadExt, AsyncWriteExt, future};

use super::server::{Server, echo, get, post, read_request};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_body_that_is_dropped_ends_its_connection_at_once,
    a_request_that_is_dropped_while_it_is_sent_ends_its_connection,
    twice_as_many_requests_as_places_all_get_their_own_answers,
    a_server_that_hangs_up_just_then_costs_nobody_an_answer,
}

/// Waits until a counter is there.
pub(super) async fn reaches(rt: &Rt, counter: &AtomicUsize, count: usize) {
    while counter.load(SeqCst) < count {
        rt.sleep(Duration::from_millis(1)).await;
    }
}

async fn a_body_that_is_dropped_ends_its_connection_at_once(rt: Rt, net: Arc<dyn Net>) {
    let gone = Arc::<AtomicUsize>::default();
    let server = Server::start(&rt, &net, {
        let gone = Arc::clone(&gone);
        move |mut socket| {
            let gone = Arc::clone(&gone);
            async move {
                read_request(&mut socket).await;
                let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n";
                socket.write_all(head).await.unwrap();
                // The end of the stream, or that it was reset.
                if !matches!(socket.read(&mut [0]).await, Ok(1..)) {
                    gone.fetch_add(1, SeqCst);
                }
            }
        }
    })
    .await;
    let transport = H1Transport::new(&rt, net);
    for n in 1..=5 {
        let mut body = transport.send(get(&server.url)).await.unwrap().into_body();
        assert_eq!(body.chunk().await.unwrap().unwrap(), "first");
        assert!(future::poll_once(body.chunk()).await.is_none());
        drop(body);
        reaches(&rt, &gone, n).await;
    }
    assert_eq!(server.accepted(), 5);
}

async fn a_request_that_is_dropped_while_it_is_sent_ends_its_connection(rt: Rt, net: Arc<dyn Net>) {
    const LENGTH: usize = 50_000_000;
    let counters: [Arc<AtomicUsize>; 3] = Default::default();
    let [begun, dropped, gone] = counters.clone();
    let clock = rt.clone();
    let server = Server::start(&rt, &net, move |mut socket| {
        let ([begun, dropped, gone], clock) = (counters.clone(), clock.clone());
        async move {
            // It stops reading at once, and more was sent than any socket holds.
            socket.read_exact(&mut [0; 16]).await.unwrap();
            begun.fetch_add(1, SeqCst);
            reaches(&clock, &dropped, 1).await;
            let (mut piece, mut total) = (vec![0; 1 << 20], 0);
            while let Ok(count @ 1..) = socket.read(&mut piece).await {
                total += count;
            }
            assert!(total < LENGTH, "all of it was sent");
            gone.fetch_add(1, SeqCst);
        }
    })
    .await;
    let transport = H1Transport::new(&rt, net);
    let sent = transport.send(post(&server.url, vec![7; LENGTH]));
    future::or(async { drop(sent.await) }, reaches(&rt, &begun, 1)).await;
    dropped.fetch_add(1, SeqCst);
    reaches(&rt, &gone, 1).await;
}

async fn twice_as_many_requests_as_places_all_get_their_own_answers(rt: Rt, net: Arc<dyn Net>) {
    let server = echo(&rt, &net).await;
    let mut config = PoolConfig::default();
    config.max_in_use = NonZeroUsize::new(100).unwrap();
    let transport = H1Transport::new(&rt, net).with_pool(config);
    for _round in 0..3 {
        let tasks: Vec<_> = (0..200)
            .map(|n: u32| {
                let sent = transport.send(post(&server.url, n.to_string()));
                rt.spawn(async move {
                    let body = sent.await.unwrap().into_body().collect(10).await.unwrap();
                    assert_eq!(body, n.to_string());
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    }
    // Within a round, whoever waits takes over a connection; between them, twenty are kept.
    assert!(server.accepted() <= 280, "{}", server.accepted());
}

async fn a_server_that_hangs_up_just_then_costs_nobody_an_answer(rt: Rt, net: Arc<dyn Net>) {
    let clock = rt.clone();
    let server = Server::start(&rt, &net, move |mut socket| {
        let clock = clock.clone();
        async move {
            read_request(&mut socket).await;
            let ok = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            let _ = socket.write_all(ok).await;
            // It promised to stay, and leaves as the next request is on its way.
            clock.sleep(Duration::from_micros(300)).await;
        }
    })
    .await;
    let transport = H1Transport::new(&rt, net);
    for n in 0..100 {
        let mut request = post(&server.url, "x");
        request.extensions_mut().insert(RetrySafe);
        let response = transport.send(request).await.unwrap();
        assert_eq!(response.into_body().collect(10).await.unwrap(), "ok");
        rt.sleep(Duration::from_micros(250 + n)).await;
    }
}
