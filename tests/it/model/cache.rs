use std::sync::Arc;
use std::time::Duration;

use fascine::concurrency::{gather, join_all};
use fascine::http::{H1Transport, MemoryNet, Net};
use fascine::message::{Message, MessageId, Part, Role, Usage};
use fascine::model::{
    ApiError, ApiKey, CacheUse, CachedModel, CanonicalRequest, FinishReason, Line, Model,
    ModelService, MokaStore, OpenAi, OutputFormat, Request, RequestKey, ResponseCache,
    ScriptedModel, ToolSpec,
};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use serde_json::json;

use crate::runtimes::on_every_runtime;

const SECOND: Duration = Duration::from_secs(1);

on_every_runtime! {
    a_hundred_identical_requests_are_one_call,
}

fn ask(text: &str) -> Request {
    Request::new([Message::user(text)])
}

fn cache(rt: &Rt) -> ResponseCache {
    ResponseCache::new(MokaStore::new(rt, 1_000_000))
}

fn key(request: &Request) -> RequestKey {
    CanonicalRequest::new("m", request).key()
}

async fn a_hundred_identical_requests_are_one_call(rt: Rt, _: Arc<dyn Net>) {
    let line = Line::answer("Blue.").with_delay(Duration::from_millis(10));
    let script = ScriptedModel::new(&rt).with_line(line.with_usage(Usage::new(5, 2)));
    let model = CachedModel::new(script.clone(), cache(&rt));
    let tasks: Vec<_> = (0..100)
        .map(|_| rt.spawn(model.invoke(ask("sky"))))
        .collect();
    let mut total = Usage::default();
    for task in tasks {
        let response = task.await.unwrap().unwrap();
        assert_eq!(response.text(), "Blue.");
        total += response.usage;
    }
    assert_eq!((script.requests().len(), total), (1, Usage::new(5, 2)));
    assert!(model.invoke(ask("sky")).await.unwrap().is_reused());
}

#[test]
fn a_hit_is_marked_and_costs_nothing_whole_or_in_pieces() {
    TestRuntime::run(|rt| async move {
        let cost = Usage::new(5, 2);
        let script =
            ScriptedModel::new(&rt).with_line(Line::answer("Blue, mostly.").with_usage(cost));
        let cache = cache(&rt);
        let model = CachedModel::new(script, cache.clone());
        let first = model.stream(ask("sky")).await.unwrap();
        assert_eq!(first.attempts(), 1);
        let first = first.collect().await.unwrap();
        assert_eq!((first.usage, first.is_reused()), (cost, false));
        let whole = model.invoke(ask("sky")).await.unwrap();
        let streamed = model.stream(ask("sky")).await.unwrap();
        let streamed = streamed.collect().await.unwrap();
        assert_eq!(streamed, whole);
        assert_eq!((whole.usage, whole.is_reused()), (Usage::default(), true));
        assert_eq!(whole.message, first.message);
        let stats = cache.stats();
        assert_eq!((stats.hits, stats.misses, stats.stored), (2, 1, 1));
        assert_eq!(stats.saved, cost + cost);
    });
}

#[test]
fn an_answer_is_over_exactly_when_it_is_as_old_as_its_time() {
    TestRuntime::run(|rt| async move {
        let script = ScriptedModel::new(&rt).with_rule("", "yes");
        let model = CachedModel::new(script.clone(), cache(&rt));
        model.invoke(ask("x")).await.unwrap();
        rt.sleep(Duration::from_secs(3600) - Duration::from_nanos(1))
            .await;
        model.invoke(ask("x")).await.unwrap();
        assert_eq!(script.requests().len(), 1);
        rt.sleep(Duration::from_nanos(1)).await;
        model.invoke(ask("x")).await.unwrap();
        assert_eq!(script.requests().len(), 2);
    });
}

#[test]
fn a_failure_is_not_kept_and_a_stream_is_when_it_has_ended() {
    TestRuntime::run(|rt| async move {
        let script = ScriptedModel::new(&rt)
            .with_line(Line::api_error(ApiError::new(500, "oh")).with_delay(SECOND))
            .with_line(Line::answer("a b").broken_after(2, || ApiError::new(500, "oh").into()))
            .with_answer("c d")
            .with_answer("e");
        let model = CachedModel::new(script.clone(), cache(&rt));
        let failed = join_all((0..5).map(|_| model.invoke(ask("x")))).await;
        assert!(failed.iter().all(Result::is_err));
        assert_eq!(script.requests().len(), 1);
        let broken = model.stream(ask("x")).await.unwrap().collect().await;
        assert!(broken.is_err());
        let mut dropped = model.stream(ask("x")).await.unwrap();
        dropped.chunk().await.unwrap();
        drop(dropped);
        assert_eq!(model.invoke(ask("x")).await.unwrap().text(), "e");
    });
}

#[test]
fn only_complete_answers_are_kept_unless_told_otherwise() {
    TestRuntime::run(|rt| async move {
        for (line, kept) in [
            (
                Line::answer("x").with_finish_reason(FinishReason::Length),
                false,
            ),
            (
                Line::answer("x").with_finish_reason(FinishReason::ContentFilter),
                false,
            ),
            (
                Line::answer("x").with_finish_reason(FinishReason::Refusal),
                false,
            ),
            (Line::message(Vec::new()), false),
            (Line::tool_calls([Default::default()]), true),
            (Line::answer("x"), true),
        ] {
            let script = ScriptedModel::new(&rt).with_rule_line("", line.clone());
            for (cache, kept) in [
                (cache(&rt), kept),
                (cache(&rt).keep_if(|_| true), true),
                (cache(&rt).with_ttl(Duration::ZERO), false),
            ] {
                let model = CachedModel::new(script.clone(), cache);
                model.invoke(ask("x")).await.unwrap();
                let again = model.invoke(ask("x")).await.unwrap();
                assert_eq!(again.is_reused(), kept, "{line:?}");
            }
        }
    });
}

#[test]
fn each_call_says_what_the_cache_is_to_do() {
    TestRuntime::run(|rt| async move {
        let script = ["a", "b", "c"]
            .iter()
            .fold(ScriptedModel::new(&rt), |script, text| {
                script.with_answer(*text)
            });
        let model = CachedModel::new(script, cache(&rt));
        let say = |how| {
            let answer = model.invoke(ask("x").with_cache(how));
            async { answer.await.unwrap().text() }
        };
        assert_eq!(say(CacheUse::Use).await, "a");
        assert_eq!(say(CacheUse::Bypass).await, "b");
        assert_eq!(say(CacheUse::Use).await, "a");
        assert_eq!(say(CacheUse::Refresh).await, "c");
        assert_eq!(say(CacheUse::Use).await, "c");
    });
}

#[test]
fn what_the_model_is_not_told_makes_no_difference() {
    let plain = ask("x");
    let marked = Message::new(
        Role::User,
        vec![Part::text("x"), Part::CacheMark { ttl: None }],
    );
    let stored = Message::user("x").with_id(MessageId::from_u128(9));
    for same in [
        Request::new([stored]),
        Request::new([marked]),
        ask("x").with_cache(CacheUse::Refresh),
    ] {
        assert_eq!(key(&same), key(&plain));
    }
    let schema = |text: &str| {
        let schema: serde_json::Value = serde_json::from_str(text).unwrap();
        key(&plain.clone().with_output(OutputFormat::schema("s", schema)))
    };
    assert_eq!(
        schema(r#"{"type": "object", "maximum": 1.0}"#),
        schema(r#"{"maximum": 1, "type": "object"}"#)
    );
}

#[test]
fn whatever_the_model_is_told_makes_a_difference() {
    let tool = |description: &str| ToolSpec::new("f", description, json!({}));
    let schema = |name: &str| OutputFormat::schema(name, json!({}));
    let requests = [
        ask("x"),
        ask("y"),
        Request::new([Message::system("x")]),
        Request::new([Message::user("x"), Message::assistant("y")]),
        Request::new([Message::new(
            Role::User,
            vec![Part::text(""), Part::text("x")],
        )]),
        ask("x").with_model("m"),
        ask("x").with_max_tokens(1),
        ask("x").with_temperature(0.1),
        ask("x").with_temperature(0.2),
        ask("x").with_top_p(0.1),
        ask("x").with_stop(["a"]),
        ask("x").with_seed(1),
        ask("x").with_output(OutputFormat::Json),
        ask("x").with_output(schema("a")),
        ask("x").with_output(schema("b")),
        ask("x").with_tool(tool("a")),
        ask("x").with_tool(tool("b")),
        ask("x").with_parallel_tool_calls(false),
        ask("x").with_extra("k", 1),
        ask("x").with_extra("k", "1"),
    ];
    let mut keys: Vec<_> = requests.iter().map(key).collect();
    keys.push(CanonicalRequest::new("other", &requests[0]).key());
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), count);
}

#[test]
fn two_models_on_one_cache_do_not_get_each_others_answers() {
    TestRuntime::run(|rt| async move {
        let cache = cache(&rt);
        let model = |name: &str| {
            let script = ScriptedModel::new(&rt).with_name(name).with_rule("", name);
            CachedModel::new(script, cache.clone())
        };
        let (one, two) = (model("one"), model("two"));
        assert_eq!(one.invoke(ask("x")).await.unwrap().text(), "one");
        assert_eq!(two.invoke(ask("x")).await.unwrap().text(), "two");
        assert_eq!(one.invoke(ask("x")).await.unwrap().text(), "one");
        assert_eq!(cache.stats().hits, 1);
    });
}

#[test]
fn two_servers_that_speak_one_format_are_two_models() {
    TestRuntime::run(|rt| async move {
        let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let identity = |url: &str, model: &str, key: &str| {
            let provider = OpenAi::new(url, model).unwrap();
            let provider = provider.with_api_key(&ApiKey::new(key)).unwrap();
            let transport = H1Transport::new(&rt, Arc::clone(&net));
            let service = ModelService::builder(&rt, provider, transport).build();
            service.unwrap().identity()
        };
        let one = identity("https://one.example/v1", "m", "sk-1");
        assert_eq!(one, identity("https://one.example/v1", "m", "sk-2"));
        assert_ne!(one, identity("https://two.example/v1", "m", "sk-1"));
        assert_ne!(one, identity("https://one.example/v2", "m", "sk-1"));
        assert_ne!(one, identity("https://one.example/v1", "n", "sk-1"));
        assert!(!one.contains("sk-1"), "{one}");
    });
}

#[test]
fn memory_is_bounded_in_bytes() {
    TestRuntime::run(|rt| async move {
        let store = MokaStore::new(&rt, 100_000);
        let script = ScriptedModel::new(&rt).with_rule("", "x".repeat(1000));
        let model = CachedModel::new(script, ResponseCache::new(store.clone()));
        let asked = (0..1000).map(|n| model.invoke(ask(&n.to_string())));
        gather(asked).await.unwrap();
        assert!(
            (10_000..=100_000).contains(&store.bytes()),
            "{}",
            store.bytes()
        );
        assert!(!store.is_empty());
        rt.sleep(Duration::from_secs(3600)).await;
        store.remove_expired();
        assert_eq!((store.bytes(), store.len()), (0, 0));
    });
}

#[test]
fn what_is_forgotten_is_asked_for_again() {
    TestRuntime::run(|rt| async move {
        let script = ScriptedModel::new(&rt).with_rule("", "yes");
        let cache = cache(&rt);
        let model = CachedModel::new(script.clone(), cache.clone());
        model.invoke(ask("x")).await.unwrap();
        let key = CanonicalRequest::new(&model.identity(), &ask("x")).key();
        cache.remove(key).await.unwrap();
        model.invoke(ask("x")).await.unwrap();
        cache.clear().await.unwrap();
        model.invoke(ask("x")).await.unwrap();
        assert_eq!(script.requests().len(), 3);
    });
}

#[test]
fn a_dropped_call_leaves_no_half_answer() {
    drop_after_every_poll(|rt, cut| async move {
        let line = Line::answer("a b").with_chunk_delay(SECOND);
        let script = ScriptedModel::new(&rt)
            .with_line(line.clone())
            .with_line(line);
        let model = CachedModel::new(script.clone(), cache(&rt));
        cut.apply(async { model.stream(ask("x")).await.unwrap().collect().await })
            .await;
        assert_eq!(script.in_flight(), 0);
        assert_eq!(model.invoke(ask("x")).await.unwrap().text(), "a b");
    });
}
