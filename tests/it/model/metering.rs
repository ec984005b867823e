use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fascine::message::{Media, Message, Part, Role, Usage};
use fascine::model::{
    CallRecord, EstimatedTokens, Metrics, Outcome, OutputFormat, Price, PriceTable, Prices,
    Request, TokenCounter, ToolSpec,
};
use fastrand::Rng;
use serde_json::json;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn answered(latency: Duration) -> CallRecord {
    CallRecord::new(Outcome::Answered, latency)
}

/// The nearest rank: the smallest value that at least `percent` of a hundred values do not exceed.
fn nearest_rank(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
}

#[test]
fn percentiles_are_by_nearest_rank_within_a_hundredth() {
    let mut random = Rng::with_seed(7);
    for count in [1, 2, 19, 20, 21, 99, 100, 101, 5000] {
        let metrics = Metrics::new();
        let mut all: Vec<_> = (0..count)
            .map(|_| Duration::from_micros(random.u64(1..30_000_000)))
            .collect();
        for latency in &all {
            metrics.record(&answered(*latency));
        }
        all.sort_unstable();
        let seen = metrics.snapshot().latency;
        assert_eq!(seen.count, count);
        for (percent, value) in [(50, seen.p50), (95, seen.p95), (99, seen.p99)] {
            let exact = nearest_rank(&all, percent);
            assert!(
                value.abs_diff(exact) <= exact / 100 + Duration::from_micros(1),
                "p{percent} of {count}: {value:?}, not {exact:?}"
            );
        }
    }
}

#[test]
fn without_calls_everything_is_zero() {
    let seen = Metrics::new().snapshot();
    assert_eq!((seen.calls, seen.cost), (0, 0.0));
    assert_eq!(seen.latency.p99, Duration::ZERO);
    assert_eq!(seen.tokens_per_second.mean, 0.0);
}

#[test]
fn every_call_is_counted_as_exactly_one_thing() {
    let metrics = Metrics::new();
    let outcomes = [
        Outcome::Answered,
        Outcome::Cancelled,
        Outcome::Deadline,
        Outcome::Failed("transport"),
        Outcome::Failed("rate_limited"),
    ];
    let mut random = Rng::with_seed(3);
    for _ in 0..1000 {
        metrics.record(&CallRecord::new(outcomes[random.usize(..5)], ms(1)));
    }
    let seen = metrics.take();
    assert_eq!(seen.calls, 1000);
    assert_eq!(
        seen.answered + seen.failed + seen.cancelled + seen.deadline,
        1000
    );
    assert_eq!(seen.errors.values().sum::<u64>(), seen.failed);
    assert_eq!(seen.errors.len(), 2);
    assert_eq!(
        metrics.snapshot(),
        Metrics::new().snapshot(),
        "from nothing"
    );
}

#[test]
fn a_million_calls_take_the_memory_of_one() {
    let metrics = Metrics::new();
    metrics.record(&answered(Duration::MAX));
    let grown = allocation_counter::measure(|| {
        for call in 0..1_000_000 {
            metrics.record(&answered(Duration::from_nanos(call * 7919)));
        }
    });
    assert_eq!(grown.bytes_current, 0);
    assert_eq!(metrics.snapshot().calls, 1_000_001);
}

#[test]
fn speed_is_measured_from_the_first_piece() {
    let mut call = answered(ms(3000));
    call.usage = Usage::new(10, 100);
    assert_eq!(call.tokens_per_second(), Some(100.0 / 3.0));
    call.queue_wait = ms(1000);
    assert_eq!(call.tokens_per_second(), Some(50.0));
    call.first_token = Some(ms(2000));
    assert_eq!(call.tokens_per_second(), Some(100.0));
    call.first_token = Some(ms(9000));
    assert_eq!(call.tokens_per_second(), None, "no time at all");
}

#[test]
fn what_the_table_does_not_know_is_said_to_be_unpriced() {
    let metrics = Metrics::new();
    let mut call = answered(ms(1));
    call.usage = Usage::new(1, 1);
    metrics.record(&call);
    call.cost = Some(0.25);
    metrics.record(&call);
    let seen = metrics.snapshot();
    assert_eq!((seen.cost, seen.unpriced), (0.25, 1));
}

#[test]
fn a_family_has_the_price_of_its_longest_known_name() {
    let table = PriceTable::builtin();
    let million = Usage::new(1_000_000, 0);
    assert_eq!(table.cost("gpt-4o-mini-2024-07-18", million), Some(0.15));
    assert_eq!(table.cost("gpt-4o-2024-08-06", million), Some(2.5));
    assert_eq!(
        table.cost("anthropic/claude-opus-4-1@20250805", million),
        Some(15.0)
    );
    for unknown in ["", "-", "gpt", "gpt-4omni", "llama3.2:1b", "é-1"] {
        assert_eq!(table.cost(unknown, million), None, "{unknown}");
    }
}

#[test]
fn cached_tokens_cost_what_the_provider_asks_for_them() {
    let price = Price::new(4.0, 8.0)
        .with_cached_input(1.0)
        .with_cache_write(5.0);
    let mut usage = Usage::new(1_000_000, 500_000);
    usage.cached_tokens = 250_000;
    usage.cache_write_tokens = 250_000;
    assert_eq!(price.cost(usage), 2.0 + 0.25 + 1.25 + 4.0);
    // More in the cache than was sent is a provider's mistake, not a negative price.
    usage.cached_tokens = 9_000_000;
    assert!(price.cost(usage) > 0.0);
    let own = |model: &str, usage: Usage| (model == "mine").then_some(usage.total() as f64);
    assert_eq!(own.cost("mine", Usage::new(2, 3)), Some(5.0));
}

#[derive(Debug, Default)]
struct Counted(AtomicU64, u64);

impl TokenCounter for Counted {
    fn count(&self, text: &str) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed);
        text.len() as u64
    }

    fn id(&self) -> u64 {
        self.1
    }
}

#[test]
fn each_message_is_tokenised_once_for_all_its_clones() {
    let (one, two) = (
        Counted(AtomicU64::new(0), 71),
        Counted(AtomicU64::new(0), 72),
    );
    let history: Vec<_> = (0..100)
        .map(|n| Message::user(format!("message {n}")))
        .collect();
    let mut sums = Vec::new();
    for turn in 1..=100 {
        let request = Request::new(history[..turn].iter().cloned());
        sums.push(one.count_request(&request));
        assert_eq!(two.count_request(&request), sums[turn - 1]);
    }
    assert!(sums.is_sorted());
    assert_eq!(one.0.load(Ordering::Relaxed), 100);
    assert_eq!(two.0.load(Ordering::Relaxed), 100);
}

#[test]
fn an_estimate_counts_tools_schemas_and_pictures() {
    let count = |request: &Request| EstimatedTokens.count_request(request);
    let plain = Request::new([Message::user("12345678")]);
    assert_eq!(count(&plain), 2 + 4);
    let tool = ToolSpec::new("weather", "Tells the weather", json!({ "type": "object" }));
    let with_tool = count(&plain.clone().with_tool(tool));
    let schema = OutputFormat::schema("answer", json!({ "type": "object", "properties": {} }));
    let with_schema = count(&plain.clone().with_output(schema));
    let picture = Part::Image(Media::from_bytes("image/png", &[0; 100]));
    let with_picture = count(&Request::new([Message::new(Role::User, vec![picture])]));
    assert!(with_tool > 10 && with_schema > 10 && with_picture > 700);
    let long = Part::Document(Media::from_bytes("application/pdf", &[0; 1_000_000]));
    assert!(count(&Request::new([Message::new(Role::User, vec![long])])) > 10_000);
}
