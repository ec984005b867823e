//! The snippets of Atomic Agents' "Performance Optimization Guide", one function for each heading.
//!
//! ```sh
//! cargo run -p fascine --example atomic_agents_performance --features moka
//! ```
//!
//! It runs on virtual time, so that what takes seconds takes none and every duration is exact. In a program there stands
//! `Smol.block_on(..)` or the like where it says `TestRuntime::run`, and a `ModelService` where a model is scripted.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]
#![allow(clippy::unwrap_used, reason = "an example says where it ends")]

use std::num::NonZeroUsize;
use std::time::Duration;

use fascine::branch::{Branch, PromptLayout, Prune, StreamItem, SystemPrompt, TurnItem};
use fascine::concurrency::{at_most, bounded_map_all};
use fascine::http::{H1Transport, MemoryNet, PoolConfig};
use fascine::model::{
    CachedModel, Chunk, EstimatedTokens, ModelPool, ModelSelector, ModelService, MokaStore, OpenAi,
    ResponseCache, ScriptedModel, TokenCounter, max_tokens_for,
};
use fascine::rt::Rt;
use fascine_mock::MockServer;
use fascine_testing::TestRuntime;
use schemars::JsonSchema;
use serde::Deserialize;

fn main() {
    TestRuntime::run(|rt| async move {
        streaming_for_better_ux(&rt).await;
        concurrent_request_handling(&rt).await;
        efficient_system_prompts(&rt).await;
        dynamic_token_limits(&rt).await;
        compact_schemas(&rt).await;
        response_caching(&rt).await;
        model_selection_strategy(&rt).await;
        connection_pooling_and_request_timing(&rt).await;
        history_pruning(&rt).await;
        lazy_loading(&rt).await;
    });
}

/// Each piece as it comes; the turn is stored at the end, and a stream that is dropped before has not happened.
async fn streaming_for_better_ux(rt: &Rt) {
    let model = ScriptedModel::new(rt).with_answer("Quantum computers compute with qubits.");
    let agent = Branch::new(rt, "agent", model);
    let mut stream = agent.stream("Explain quantum computing");
    let mut current_text = String::new();
    while let Some(item) = stream.item().await.unwrap() {
        match item {
            StreamItem::Turn(TurnItem::Chunk(Chunk::Text(more))) => {
                current_text.push_str(&more);
                println!("live: {current_text}");
            }
            StreamItem::Turn(_) => {}
            StreamItem::Reply(reply) => assert_eq!(reply.text(), current_text),
        }
    }
    assert_eq!(agent.history().turns().len(), 1);
}

/// One input never sees another, and an error is no text.
async fn concurrent_request_handling(rt: &Rt) {
    let model = ScriptedModel::new(rt)
        .with_delay(SECOND)
        .with_rule("Python", "A language.")
        .with_failing_rule("Docker", 400)
        .with_rule("", "Something.");
    let agent = Branch::new(rt, "agent", model);
    let messages = [
        "What is Python?",
        "Explain machine learning",
        "What is cloud computing?",
        "Describe REST APIs",
        "What is Docker?",
    ];
    let started = rt.now();
    let results = bounded_map_all(messages, at_most(3).unwrap(), |message| {
        let fork = agent.fork(message);
        async move { fork.communicate(message).await }
    })
    .await;
    assert_eq!(rt.now() - started, 2 * SECOND);
    assert_eq!(results[0].as_ref().unwrap().text(), "A language.");
    assert!(results[4].is_err() && agent.history().is_empty());
    println!("batch: five messages, three at a time");
}

async fn efficient_system_prompts(rt: &Rt) {
    let prompt = SystemPrompt::new()
        .with_layout(PromptLayout::AtomicAgents)
        .with_background(["Expert Python developer."])
        .with_steps(["Analyze request.", "Provide solution."])
        .with_output_instructions(["Be concise.", "Include code."]);
    let text = prompt.render(rt).await.unwrap();
    assert!(text.starts_with("# IDENTITY and PURPOSE\n- Expert Python developer.\n"));
    println!(
        "system prompt: about {} tokens",
        EstimatedTokens.count(&text)
    );
}

/// 500 tokens under ten words, 1500 under fifty, 4000 from there on.
async fn dynamic_token_limits(rt: &Rt) {
    let model = ScriptedModel::new(rt).with_rule("", "Done.");
    let smart = ModelSelector::new(model.clone()).with_max_tokens(max_tokens_for);
    let agent = Branch::new(rt, "smart", smart);
    agent.communicate("What is Rust?").await.unwrap();
    agent.communicate("why ".repeat(20)).await.unwrap();
    let limits: Vec<_> = model
        .requests()
        .iter()
        .map(|request| request.max_tokens)
        .collect();
    assert_eq!(limits, [Some(500), Some(1500)]);
    println!("max_tokens: {limits:?}");
}

/// What the fields mean is said in few words: each is sent with every request.
#[derive(Deserialize, JsonSchema)]
struct EfficientOutput {
    /// Answer
    answer: String,
    /// 0-1
    #[schemars(range(min = 0.0, max = 1.0))]
    confidence: f64,
}

async fn compact_schemas(rt: &Rt) {
    let model = ScriptedModel::new(rt).with_answer(r#"{"answer": "Yes.", "confidence": 0.9}"#);
    let agent = Branch::new(rt, "agent", model);
    let output = agent
        .operate::<EfficientOutput>("Is Rust fast?")
        .await
        .unwrap()
        .value;
    assert_eq!((output.answer.as_str(), output.confidence), ("Yes.", 0.9));
    println!("typed: {} ({})", output.answer, output.confidence);
}

async fn response_caching(rt: &Rt) {
    let model = ScriptedModel::new(rt).with_rule("", "Paris.");
    let store = MokaStore::new(rt, 64 * 1024 * 1024);
    let cache = ResponseCache::new(store).with_ttl(1800 * SECOND); // half an hour
    let agent = Branch::new(rt, "cached", CachedModel::new(model.clone(), cache));
    for name in ["one", "two"] {
        let reply = agent
            .fork(name)
            .communicate("What is the capital of France?")
            .await
            .unwrap();
        assert_eq!(reply.text(), "Paris.");
    }
    assert_eq!(model.requests().len(), 1);
    rt.sleep(1800 * SECOND).await;
    agent
        .communicate("What is the capital of France?")
        .await
        .unwrap();
    assert_eq!(model.requests().len(), 2);
    println!("cache: asked once in half an hour");
}

async fn model_selection_strategy(rt: &Rt) {
    let named = |name: &str| ScriptedModel::new(rt).with_name(name).with_rule("", name);
    let (small, large) = (named("gpt-4o-mini"), named("gpt-4o"));
    let model = ModelSelector::by_complexity(small.clone(), small, large);
    let agent = Branch::new(rt, "adaptive", model);
    let simple = agent.communicate("What is Rust?").await.unwrap();
    let complex = agent.communicate("Compare Rust and Go.").await.unwrap();
    assert_eq!(
        (simple.text().as_str(), complex.text().as_str()),
        ("gpt-4o-mini", "gpt-4o")
    );
    println!("selection: {} and {}", simple.text(), complex.text());
}

/// One transport for all agents; what each service took is counted by itself, as percentiles in bounded memory.
async fn connection_pooling_and_request_timing(rt: &Rt) {
    let net = MemoryNet::new();
    let address = "127.0.0.1:0".parse().unwrap();
    let server = MockServer::builder()
        .with_answer("", "Hello.")
        .with_latency(SECOND..=SECOND);
    let server = server.start(rt, net.clone(), address).await.unwrap();
    let mut pool = PoolConfig::default();
    pool.max_in_use = NonZeroUsize::new(50).unwrap();
    pool.max_idle = 20;
    let transport = H1Transport::new(rt, net)
        .with_pool(pool)
        .with_total_timeout(30 * SECOND);
    let service = |model: &str| {
        let provider = OpenAi::new(&server.base_url(), model).unwrap();
        ModelService::builder(rt, provider, transport.clone())
            .build()
            .unwrap()
    };
    let timed = service("gpt-4o-mini");
    let (one, two) = (
        Branch::new(rt, "one", timed.clone()),
        Branch::new(rt, "two", service("gpt-4o")),
    );
    for _ in 0..10 {
        one.communicate("test").await.unwrap();
    }
    two.communicate("test").await.unwrap();
    let metrics = timed.metrics().snapshot();
    assert_eq!(metrics.calls, 10);
    println!(
        "requests: {}, mean {:?}, p50 {:?}, p95 {:?}",
        metrics.calls, metrics.latency.mean, metrics.latency.p50, metrics.latency.p95
    );
    server.shutdown().await;
}

/// Whole turns go, the oldest first; they are in the archive.
async fn history_pruning(rt: &Rt) {
    let model = ScriptedModel::new(rt).with_rule("", "Done.");
    let agent = Branch::builder(rt, "bounded", model)
        .prune(Prune::messages(10))
        .build();
    for number in 0..20 {
        agent
            .communicate(format!("Message {number}"))
            .await
            .unwrap();
    }
    let history = agent.history();
    assert!(history.len() <= 10 && history.len().is_multiple_of(2));
    assert_eq!(history.turns().len() + agent.archive().len(), 20);
    let tokens: u64 = history
        .iter()
        .map(|message| EstimatedTokens.count_message(message))
        .sum();
    println!("history: {} messages, about {tokens} tokens", history.len());
}

/// A service is made when it is first asked, once.
async fn lazy_loading(rt: &Rt) {
    let making = rt.clone();
    let pool = ModelPool::new(rt, move |model: &&'static str| {
        let made = ScriptedModel::new(&making)
            .with_name(*model)
            .with_rule("", *model);
        async { Ok::<_, std::io::Error>(made) }
    });
    let chat = Branch::new(rt, "chat", pool.model("gpt-4o-mini"));
    let analysis = Branch::new(rt, "analysis", pool.model("gpt-4o"));
    assert_eq!(pool.len(), 0, "nothing is made yet");
    assert_eq!(
        chat.communicate("Who are you?").await.unwrap().text(),
        "gpt-4o-mini"
    );
    assert_eq!(pool.len(), 1);
    assert!(analysis.history().is_empty());
    println!("pool: one of two services is made");
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn every_snippet_does_what_it_says() {
    main();
}
