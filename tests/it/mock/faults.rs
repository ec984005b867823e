use fascine::http::TransportError;
use fascine_mock::Script;
use futures_lite::StreamExt as _;

use super::*;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_reset_is_seen_and_the_next_request_is_answered,
    what_breaks_the_protocol_is_an_error_and_costs_one_connection,
}

async fn a_reset_is_seen_and_the_next_request_is_answered(rt: Rt, net: Arc<dyn Net>) {
    let settings = MockServer::builder().with_fault(1, Fault::Reset);
    let (server, transport) = start(&rt, &net, settings).await;
    let error = transport.send(post(&server, "x")).await.unwrap_err();
    let expected = matches!(
        error,
        TransportError::Io { .. } | TransportError::ClosedBeforeResponse
    );
    assert!(expected, "{error:?}");
    assert_eq!(
        send(&transport, &server, &ask("x", false)).await.status(),
        200
    );
    assert_eq!(
        (server.arrived(), server.faulted(), server.answered()),
        (2, 1, 1)
    );
    server.shutdown().await;
}

async fn what_breaks_the_protocol_is_an_error_and_costs_one_connection(rt: Rt, net: Arc<dyn Net>) {
    let faults = [
        Fault::ChunkedNonsense,
        Fault::Garbage,
        Fault::ShortBody,
        Fault::CloseBeforeHead,
        Fault::CutAtByte(5),
    ];
    let list = faults.clone().map(Some);
    let settings = MockServer::builder().with_script(Script::list(list));
    let (server, transport) = start(&rt, &net, settings).await;
    for fault in faults {
        let body = match transport.send(post(&server, "x")).await {
            Ok(answer) => answer.into_body().collect(9999).await.map(drop),
            Err(error) => Err(error),
        };
        assert!(body.is_err(), "{fault:?}");
    }
    text_of(send(&transport, &server, &ask("x", false)).await).await;
    assert_eq!((server.faulted(), server.answered()), (5, 1));
    assert_eq!(server.accepted(), 6);
    server.shutdown().await;
}

fn post(server: &MockServer, text: &str) -> http::Request<Bytes> {
    let url = format!("{}/chat/completions", server.base_url());
    let request = http::Request::post(url);
    request.body(Bytes::from(ask(text, false))).unwrap()
}

#[test]
fn answers_that_are_late_slow_or_odd_are_answers_still() {
    on_memory(|rt, net| async move {
        let ms = Duration::from_millis;
        let faults = [
            Fault::Delay(ms(700)),
            Fault::SlowDrip {
                bytes: 100,
                every: ms(10),
            },
            Fault::InterimFlood(20),
            Fault::WrongContentType,
        ];
        let settings = MockServer::builder()
            .with_answer("x", "Fine.")
            .with_script(Script::list(faults.map(Some)));
        let (server, transport) = start(&rt, &net, settings).await;
        for least in [700, 30, 0, 0] {
            let started = rt.now();
            let answer = send(&transport, &server, &ask("x", false)).await;
            assert!(text_of(answer).await.contains("Fine."));
            assert!(rt.now() - started >= ms(least), "{:?}", rt.now() - started);
        }
        assert_eq!((server.faulted(), server.accepted()), (4, 1));
    });
}

#[test]
fn a_body_that_is_too_long_does_not_reach_the_next_caller() {
    on_memory(|rt, net| async move {
        let settings = MockServer::builder()
            .with_fault_when("long", Fault::LongBody)
            .with_answer("next", "Mine.");
        let (server, transport) = start(&rt, &net, settings).await;
        // The announced part is whole: whether it is taken is the client's choice.
        if let Ok(answer) = transport.send(post(&server, "long")).await {
            let _ = answer.into_body().collect(9999).await;
        }
        let next = text_of(send(&transport, &server, &ask("next", false)).await).await;
        assert!(next.contains("Mine."), "{next}");
        assert_eq!(
            server.accepted(),
            2,
            "the first connection was not trusted again"
        );
    });
}

#[test]
fn a_stream_that_falls_silent_gives_what_came_before() {
    on_memory(|rt, net| async move {
        let settings = MockServer::builder()
            .with_event_delay(Duration::from_millis(100))
            .with_script(Script::from_fn(|arrival| {
                assert!(arrival.stream);
                (arrival.asked == "x").then_some(Fault::StallAtEvent(3))
            }));
        let (server, transport) = start(&rt, &net, settings).await;
        let started = rt.now();
        let mut body = send(&transport, &server, &ask("x", true)).await.into_body();
        let mut events = 0;
        while events < 3 {
            let piece = body.next().await.unwrap().unwrap();
            events += piece
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty())
                .count();
        }
        assert_eq!(rt.now() - started, Duration::from_millis(200));
        assert_eq!((server.in_flight(), server.aborted()), (1, 0));
        drop(body);
        rt.sleep(Duration::from_millis(1)).await;
        assert_eq!(
            (server.in_flight(), server.aborted(), server.connections()),
            (0, 1, 0)
        );
    });
}

#[test]
fn a_client_that_leaves_while_it_waits_is_noticed_at_once() {
    on_memory(|rt, net| async move {
        let minute = Duration::from_secs(60);
        let settings = MockServer::builder().with_latency(minute..=minute);
        let (server, transport) = start(&rt, &net, settings).await;
        let waiting = rt.spawn({
            let (transport, request) = (Arc::new(transport), post(&server, "x"));
            async move { transport.send(request).await.map(drop) }
        });
        rt.sleep(Duration::from_secs(1)).await;
        assert_eq!((server.in_flight(), server.connections()), (1, 1));
        drop(waiting);
        rt.sleep(Duration::from_millis(1)).await;
        assert_eq!(
            (server.in_flight(), server.connections(), server.aborted()),
            (0, 0, 1)
        );
    });
}

#[test]
fn errors_come_in_the_middle_of_a_stream_and_as_refusals() {
    on_memory(|rt, net| async move {
        let retry_after = Duration::from_millis(1500);
        let settings = MockServer::builder()
            .with_fault(1, Fault::ErrorAtEvent(2))
            .with_fault(2, Fault::TooManyRequests { retry_after })
            .with_fault(3, Fault::EndAtEvent(2))
            .with_fault(4, Fault::DuplicateEvent(1));
        let (server, transport) = start(&rt, &net, settings).await;
        let broken = text_of(send(&transport, &server, &ask("x", true)).await).await;
        assert_eq!(broken.matches("data: ").count(), 3);
        assert!(broken.contains(r#""type":"server_error""#), "{broken}");
        let refused = send(&transport, &server, &ask("x", true)).await;
        assert_eq!(
            (
                refused.status().as_u16(),
                &refused.headers()["retry-after-ms"]
            ),
            (429, &"1500".parse().unwrap())
        );
        text_of(refused).await;
        let ended = text_of(send(&transport, &server, &ask("x", true)).await).await;
        assert!(ended.matches("data: ").count() == 2 && !ended.contains("[DONE]"));
        let twice = text_of(send(&transport, &server, &ask("x", true)).await).await;
        let events: Vec<&str> = twice.split("\n\n").collect();
        assert!(events[1] == events[2] && events[0] != events[1]);
    });
}

#[test]
fn a_reset_cannot_depend_on_what_a_request_says() {
    on_memory(|rt, net| async move {
        let settings = MockServer::builder().with_fault_when("sky", Fault::Reset);
        let address = "127.0.0.1:0".parse().unwrap();
        let error = settings.start(&rt, net, address).await.unwrap_err();
        assert!(matches!(error, MockError::ResetByContent { when } if when == "sky"));
    });
}

#[test]
fn an_old_client_gets_its_stream_without_chunks() {
    use futures_lite::{AsyncReadExt, AsyncWriteExt};
    on_memory(|rt, net| async move {
        let (server, _) = start(&rt, &net, MockServer::builder()).await;
        let mut socket = net.connect(server.address()).await.unwrap();
        let body = ask("x", true);
        let head = format!(
            "POST /v1/chat/completions HTTP/1.0\r\nhost: h\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(
            !answer.contains("chunked") && answer.ends_with("data: [DONE]\n\n"),
            "{answer}"
        );
    });
}
