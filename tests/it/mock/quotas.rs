use std::num::{NonZeroU64, NonZeroUsize};

use fascine_mock::Outcome;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn two() -> NonZeroU32 {
    NonZeroU32::new(2).unwrap()
}

#[test]
fn each_api_tells_its_quota_in_its_own_way() {
    on_memory(|rt, net| async move {
        let tokens = NonZeroU64::new(1000).unwrap();
        let settings = MockServer::builder()
            .with_quota(NonZeroU32::MIN, SECOND * 90)
            .with_token_quota(tokens, SECOND * 90)
            .with_answer("x", "Four letters.");
        let (server, transport) = start(&rt, &net, settings.clone()).await;
        let answer = send(&transport, &server, &ask("x", false)).await;
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("x-ratelimit-remaining-requests"), "0");
        assert_eq!(header("x-ratelimit-reset-requests"), "1m30s");
        assert_eq!(header("x-ratelimit-limit-tokens"), "1000");
        assert_eq!(header("x-ratelimit-remaining-tokens"), "995");
        assert_eq!(header("date"), "Tue, 14 Nov 2023 22:13:20 GMT");

        let (server, transport) = start(&rt, &net, settings.clone()).await;
        let messages = json!([{ "role": "user", "content": "x" }]);
        let body = json!({ "model": "m", "max_tokens": 99, "messages": messages });
        let version = [("anthropic-version", "2023-06-01")];
        rt.sleep(SECOND * 10).await;
        for (status, remaining) in [(200, "995"), (429, "995")] {
            let answer = call(&transport, &server, "POST /v1/messages", &version, &body).await;
            assert_eq!(answer.status(), status);
            let header = |name: &str| answer.headers()[name].to_str().unwrap();
            assert_eq!(header("anthropic-ratelimit-requests-limit"), "1");
            assert_eq!(header("anthropic-ratelimit-tokens-remaining"), remaining);
            assert_eq!(
                header("anthropic-ratelimit-requests-reset"),
                "2023-11-14T22:15:00Z"
            );
            if status == 429 {
                assert_eq!(header("retry-after"), "90");
            }
        }

        let (server, transport) = start(&rt, &net, settings).await;
        let body = json!({ "contents": [{ "parts": [{ "text": "x" }] }] });
        let path = "POST /v1beta/models/m:generateContent";
        text_of(call(&transport, &server, path, &[], &body).await).await;
        rt.sleep(Duration::from_millis(500)).await;
        let refused = call(&transport, &server, path, &[], &body).await;
        assert!(!refused.headers().contains_key("retry-after"));
        let details = &json_of(refused).await["error"]["details"];
        assert_eq!(details[1]["retryDelay"], "89.5s");
    });
}

#[test]
fn a_hidden_quota_says_nothing() {
    on_memory(|rt, net| async move {
        let settings = MockServer::builder()
            .with_quota(two(), SECOND)
            .with_hidden_quota();
        let (server, transport) = start(&rt, &net, settings).await;
        for status in [200, 200, 429] {
            let answer = send(&transport, &server, &ask("x", false)).await;
            assert_eq!(answer.status(), status);
            let told = answer
                .headers()
                .keys()
                .any(|name| name.as_str().contains("ratelimit") || name.as_str().contains("retry"));
            assert!(!told, "{:?}", answer.headers());
            assert!(!text_of(answer).await.contains("again in"));
        }
    });
}

#[test]
fn tokens_are_counted_and_a_request_above_the_whole_quota_never_passes() {
    on_memory(|rt, net| async move {
        let tokens = NonZeroU64::new(50).unwrap();
        let settings = MockServer::builder()
            .with_token_quota(tokens, SECOND)
            .with_answer("x", "y".repeat(80));
        let (server, transport) = start(&rt, &net, settings).await;
        for status in [200, 200, 429] {
            let answer = send(&transport, &server, &ask("x", false)).await;
            assert_eq!(answer.status(), status);
            text_of(answer).await;
        }
        let large = send(&transport, &server, &ask(&"x".repeat(400), false)).await;
        assert!(
            !large.headers().contains_key("retry-after"),
            "there is no use"
        );
        assert_eq!(json_of(large).await["error"]["type"], "tokens");
        let peak = server.peak_within(SECOND);
        assert_eq!((peak.requests, peak.tokens), (2, 42));
    });
}

#[test]
fn each_key_has_a_quota_of_its_own_and_the_log_says_what_passed() {
    on_memory(|rt, net| async move {
        let settings = MockServer::builder()
            .with_quota(two(), SECOND)
            .with_api_key("a")
            .with_api_key("b")
            .with_log_capacity(5);
        let (server, transport) = start(&rt, &net, settings).await;
        let body = serde_json::from_str(&ask("x", false)).unwrap();
        for (key, status) in [
            ("a", 200),
            ("a", 200),
            ("a", 429),
            ("b", 200),
            ("b", 200),
            ("c", 401),
        ] {
            let bearer = format!("Bearer {key}");
            let headers = [("authorization", bearer.as_str())];
            let answer = call(
                &transport,
                &server,
                "POST /v1/chat/completions",
                &headers,
                &body,
            )
            .await;
            assert_eq!(answer.status(), status);
            text_of(answer).await;
        }
        let log: Vec<_> = server
            .log()
            .iter()
            .map(|served| (served.number, served.key, served.outcome))
            .collect();
        let expected = [
            (2, 0, Outcome::Answered),
            (3, 0, Outcome::Refused),
            (4, 1, Outcome::Answered),
            (5, 1, Outcome::Answered),
            (6, 0, Outcome::Rejected),
        ];
        assert_eq!(log, expected, "the oldest is forgotten");
        assert_eq!(server.peak_within(SECOND).requests, 2);
        assert_eq!(
            (
                server.arrived(),
                server.answered(),
                server.refused(),
                server.rejected()
            ),
            (6, 4, 1, 1)
        );
    });
}

#[test]
fn more_at_once_than_may_be_are_refused_and_places_come_back() {
    on_memory(|rt, net| async move {
        let settings = MockServer::builder()
            .with_concurrency_limit(NonZeroUsize::new(2).unwrap())
            .with_latency(SECOND..=SECOND);
        let (server, transport) = start(&rt, &net, settings).await;
        let transport = Arc::new(transport);
        let url = format!("{}/chat/completions", server.base_url());
        let sent: Vec<_> = (0..3)
            .map(|number: u64| {
                let (rt_of_task, transport, url) =
                    (rt.clone(), Arc::clone(&transport), url.clone());
                rt.spawn(async move {
                    rt_of_task.sleep(Duration::from_millis(number)).await;
                    let request = http::Request::post(url).body(Bytes::from(ask("x", false)));
                    let answer = transport.send(request.unwrap()).await.unwrap();
                    answer.status().as_u16()
                })
            })
            .collect();
        rt.sleep(SECOND / 2).await;
        assert_eq!((server.in_flight(), server.refused()), (2, 1));
        let mut statuses = Vec::new();
        for sent in sent {
            statuses.push(sent.await.unwrap());
        }
        assert_eq!(statuses, [200, 200, 429]);
        assert_eq!((server.in_flight(), server.most_in_flight()), (0, 2));
    });
}
