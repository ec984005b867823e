use std::future::pending;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use fascine::http::{
    H1Transport, Http2Config, HyperTransport, MemoryNet, Net, Phase, Timeouts, Transport,
    TransportError,
};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use futures_lite::StreamExt;

use super::peer::{self, Peer};
use crate::durations::seconds;
use crate::http::server::{Server, get};

/// Takes one request at once, and answers with half a body.
async fn halting(rt: &Rt, net: &Arc<dyn Net>, answers: bool) -> Server {
    peer::serve(rt, net, 1, move |mut peer: Peer, _| async move {
        peer.answers_pings = false;
        while let Some(stream) = peer.request().await {
            if answers {
                peer.ok(stream, &[], 0).await;
                peer.data(stream, b"half", 0).await;
            }
        }
    })
    .await
}

fn transport(rt: &Rt, net: Arc<dyn Net>, timeouts: Timeouts) -> HyperTransport {
    let http1 = H1Transport::new(rt, net).with_timeouts(timeouts);
    let mut config = Http2Config::default();
    config.max_connections = NonZeroUsize::MIN;
    let transport = HyperTransport::new(http1).with_http2(config);
    transport.with_prior_knowledge()
}

#[track_caller]
fn check(error: &TransportError, expected: Phase, time: Duration) {
    match error {
        TransportError::Timeout { phase, after } => assert_eq!((*phase, *after), (expected, time)),
        other => panic!("{other}"),
    }
}

fn run<F: Future<Output = ()>>(test: impl Fn(Rt, Arc<dyn Net>) -> F) {
    TestRuntime::run_seeds(8, |rt| test(rt, Arc::new(MemoryNet::new())));
}

#[test]
fn the_head_takes_no_longer_than_it_may() {
    run(|rt, net| async move {
        let server = halting(&rt, &net, false).await;
        let timeouts = Timeouts::none().with_first_byte(seconds(4));
        let transport = transport(&rt, net, timeouts);
        let started = rt.now();
        let error = transport.send(get(&server.url)).await.unwrap_err();
        check(&error, Phase::Head, seconds(4));
        assert_eq!(rt.now() - started, seconds(4));
    });
}

#[test]
fn a_body_pauses_no_longer_than_it_may_and_the_whole_is_no_longer_either() {
    run(|rt, net| async move {
        let server = halting(&rt, &net, true).await;
        for (timeouts, phase, time) in [
            (Timeouts::none().with_idle(seconds(5)), Phase::Body, 5),
            (Timeouts::none().with_total(seconds(7)), Phase::Total, 7),
        ] {
            let transport = transport(&rt, Arc::clone(&net), timeouts);
            let started = rt.now();
            let mut body = transport.send(get(&server.url)).await.unwrap().into_body();
            assert_eq!(body.next().await.unwrap().unwrap(), "half");
            let error = body.next().await.unwrap().unwrap_err();
            check(&error, phase, seconds(time));
            assert_eq!(rt.now() - started, seconds(time));
        }
    });
}

#[test]
fn waiting_for_room_on_a_connection_is_waiting_for_a_place() {
    run(|rt, net| async move {
        let server = halting(&rt, &net, true).await;
        let timeouts = Timeouts::none().with_pool(seconds(3));
        let transport = transport(&rt, net, timeouts);
        let body = transport.send(get(&server.url)).await.unwrap().into_body();
        let started = rt.now();
        let error = transport.send(get(&server.url)).await.unwrap_err();
        check(&error, Phase::Pool, seconds(3));
        assert_eq!(rt.now() - started, seconds(3));
        drop(body);
        transport.send(get(&server.url)).await.unwrap();
        assert_eq!(server.accepted(), 1);
    });
}

#[test]
fn a_server_that_never_says_what_it_takes_is_not_connected_to() {
    run(|rt, net| async move {
        let server = Server::start(&rt, &net, |socket| async move {
            let _open = socket;
            pending::<()>().await;
        })
        .await;
        let timeouts = Timeouts::none()
            .with_connect(seconds(2))
            .with_first_byte(seconds(5));
        let transport = transport(&rt, net, timeouts);
        let first = rt.spawn(transport.send(get(&server.url)));
        rt.sleep(seconds(1)).await;
        let error = transport.send(get(&server.url)).await.unwrap_err();
        check(&error, Phase::Connect, seconds(2));
        check(&first.await.unwrap().unwrap_err(), Phase::Head, seconds(5));
        assert_eq!(server.accepted(), 1);
    });
}

#[test]
fn a_connection_that_answers_no_pings_is_given_up() {
    run(|rt, net| async move {
        let server = halting(&rt, &net, true).await;
        let mut config = Http2Config::default();
        config.ping_interval = Some(seconds(10));
        config.ping_timeout = seconds(3);
        let http1 = H1Transport::new(&rt, net).with_timeouts(Timeouts::none());
        let transport = HyperTransport::new(http1).with_http2(config);
        let transport = transport.with_prior_knowledge();
        let started = rt.now();
        let mut body = transport.send(get(&server.url)).await.unwrap().into_body();
        assert_eq!(body.next().await.unwrap().unwrap(), "half");
        let error = body.next().await.unwrap().unwrap_err();
        assert!(
            matches!(error, TransportError::ClosedInBody { received: 4 }),
            "{error:?}"
        );
        assert_eq!(rt.now() - started, seconds(13));
        // The next request finds another connection.
        transport.send(get(&server.url)).await.unwrap();
        assert_eq!(server.accepted(), 2);
    });
}
