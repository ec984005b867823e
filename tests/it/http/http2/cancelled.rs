use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use fascine::http::{MemoryNet, Net, Transport};
use fascine::rt::Rt;
use fascine_testing::drop_after_every_poll;
use futures_lite::{StreamExt, future};

use super::peer::{self, CANCEL, HEADERS, Peer, RST_STREAM};
use super::{echo, shared};
use crate::http::cancelled::reaches;
use crate::http::server::{Server, get, post};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_request_that_is_dropped_resets_its_stream_and_nobody_elses,
    a_body_that_is_dropped_resets_its_stream_and_nobody_elses,
    a_long_request_that_is_dropped_while_it_is_sent_resets_its_stream,
    connections_end_with_the_transport_and_its_bodies,
}

/// Answers what comes to `/`-streams in order: the first request of a pair with silence or half a body, the second with
/// a whole one; counts what was reset.
async fn pairs(rt: &Rt, net: &Arc<dyn Net>, half: bool) -> (Server, Arc<AtomicUsize>) {
    let resets = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&resets);
    let server = peer::serve(rt, net, 100, move |mut peer: Peer, _| {
        let counter = Arc::clone(&counter);
        async move {
            let mut silent = true;
            let mut last = 0;
            while let Some(frame) = peer.next().await {
                match frame.kind {
                    RST_STREAM => {
                        assert_eq!((frame.stream, frame.number()), (last, CANCEL));
                        counter.fetch_add(1, SeqCst);
                    }
                    HEADERS if silent => {
                        silent = false;
                        last = frame.stream;
                        if half {
                            peer.ok(last, &[], 0).await;
                            peer.data(last, b"half", 0).await;
                        }
                    }
                    HEADERS => {
                        silent = true;
                        peer.answer(frame.stream, b"whole").await;
                    }
                    _ => {}
                }
            }
        }
    })
    .await;
    (server, resets)
}

async fn a_request_that_is_dropped_resets_its_stream_and_nobody_elses(rt: Rt, net: Arc<dyn Net>) {
    let (server, resets) = pairs(&rt, &net, false).await;
    let transport = shared(&rt, net);
    for n in 1..=10 {
        let mut abandoned = transport.send(get(&server.url));
        let pause = rt.sleep(Duration::from_millis(10));
        let answer = future::or(async { Some((&mut abandoned).await) }, async {
            pause.await;
            None
        });
        assert!(answer.await.is_none());
        drop(abandoned);
        reaches(&rt, &resets, n).await;
        let response = transport.send(get(&server.url)).await.unwrap();
        assert_eq!(response.into_body().collect(10).await.unwrap(), "whole");
    }
    assert_eq!(server.accepted(), 1);
}

async fn a_body_that_is_dropped_resets_its_stream_and_nobody_elses(rt: Rt, net: Arc<dyn Net>) {
    let (server, resets) = pairs(&rt, &net, true).await;
    let transport = shared(&rt, net);
    for n in 1..=10 {
        let mut body = transport.send(get(&server.url)).await.unwrap().into_body();
        assert_eq!(body.next().await.unwrap().unwrap(), "half");
        let other = transport.send(get(&server.url)).await.unwrap();
        drop(body);
        reaches(&rt, &resets, n).await;
        assert_eq!(other.into_body().collect(10).await.unwrap(), "whole");
    }
    assert_eq!(server.accepted(), 1);
}

async fn a_long_request_that_is_dropped_while_it_is_sent_resets_its_stream(
    rt: Rt,
    net: Arc<dyn Net>,
) {
    // More than the server's window takes, and it gives no more.
    let (server, resets) = pairs(&rt, &net, false).await;
    let transport = shared(&rt, net);
    let mut abandoned = transport.send(post(&server.url, vec![7; 10_000_000]));
    let pause = rt.sleep(Duration::from_millis(50));
    future::or(async { drop((&mut abandoned).await) }, pause).await;
    drop(abandoned);
    reaches(&rt, &resets, 1).await;
    let response = transport.send(get(&server.url)).await.unwrap();
    assert_eq!(response.into_body().collect(10).await.unwrap(), "whole");
}

async fn connections_end_with_the_transport_and_its_bodies(rt: Rt, net: Arc<dyn Net>) {
    let (server, _) = pairs(&rt, &net, true).await;
    let transport = shared(&rt, net);
    let body = transport.send(get(&server.url)).await.unwrap().into_body();
    drop(transport);
    rt.sleep(Duration::from_millis(20)).await;
    assert_eq!(server.ended(), 0);
    drop(body);
    reaches(&rt, &server.ended, 1).await;
}

#[test]
fn an_exchange_that_is_dropped_anywhere_leaves_the_transport_as_it_was() {
    drop_after_every_poll(|rt, cut| async move {
        let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let server = echo(&rt, &net, 1).await;
        let transport = shared(&rt, net);
        let exchange = async {
            let response = transport.send(post(&server.url, "first")).await.unwrap();
            response.into_body().collect(10).await.unwrap()
        };
        cut.apply(exchange).await;
        let response = transport.send(post(&server.url, "second")).await.unwrap();
        assert_eq!(response.into_body().collect(10).await.unwrap(), "second");
        assert!(server.accepted() <= 2, "{}", server.accepted());
    });
}
