//! The snippets of lionagi's page "Error Handling", one function for each heading.
//!
//! ```sh
//! cargo run -p fascine --example lionagi_error_handling
//! ```
//!
//! It runs on virtual time, so that what takes seconds takes none and every duration is exact. In a program there stands
//! `Smol.block_on(..)` or the like where it says `TestRuntime::run`, and a `ModelService` where a model is scripted.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]
#![allow(clippy::unwrap_used, reason = "an example says where it ends")]

use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fascine::branch::{Branch, BranchError, HandleValidation, Outcome};
use fascine::concurrency::{Partition, TaskGroup, fail_after, gather_all};
use fascine::flow::{FlowReport, Status};
use fascine::http::{H1Transport, MemoryNet};
use fascine::model::{FallbackModel, ModelService, OpenAi, ScriptedModel};
use fascine::resilience::{
    CircuitBreaker, CircuitError, CircuitState, GaveUp, Retry, RetrySettings, Retryable,
    retry_with_backoff, with_retry,
};
use fascine::rt::Rt;
use fascine::session::{Operation, OperationGraph, Session};
use fascine_mock::MockServer;
use fascine_testing::TestRuntime;
use schemars::JsonSchema;
use serde::Deserialize;

fn main() {
    TestRuntime::run(|rt| async move {
        rate_limiting(&rt).await;
        circuit_breaker(&rt).await;
        retry_in_the_service_layer(&rt).await;
        with_retry_for_a_function(&rt).await;
        retry_with_an_ambient_deadline(&rt).await;
        operation_status_tracking(&rt).await;
        partial_success_in_flows(&rt).await;
        edge_conditions(&rt).await;
        waiting_for_completion(&rt).await;
        error_accumulation(&rt).await;
        provider_fallback(&rt).await;
        structured_output_validation(&rt).await;
        gather_with_failures(&rt).await;
    });
}

/// The third request of a cycle waits for the next one; nobody has to sleep.
async fn rate_limiting(rt: &Rt) {
    let net = MemoryNet::new();
    let address = "127.0.0.1:0".parse().unwrap();
    let server = MockServer::builder().with_answer("", "Hello.");
    let server = server.start(rt, net.clone(), address).await.unwrap();
    let provider = OpenAi::new(&server.base_url(), "gpt-4.1-mini").unwrap();
    let model = ModelService::builder(rt, provider, H1Transport::new(rt, net))
        .limit_requests(2)
        .limit_tokens(100_000)
        .capacity_refresh_time(60 * SECOND)
        .queue_capacity(100)
        .build()
        .unwrap();
    let branch = Branch::new(rt, "limited", model);
    let started = rt.now();
    for _ in 0..3 {
        branch.communicate("Hello?").await.unwrap();
    }
    assert_eq!(rt.now() - started, 60 * SECOND);
    server.shutdown().await;
    println!("rate limit: the third request waited a minute");
}

async fn circuit_breaker(rt: &Rt) {
    let breaker = CircuitBreaker::builder(rt, "openai_chat")
        .consecutive_failures(5)
        .recovery_time(30 * SECOND)
        .half_open_max_calls(1)
        .build()
        .unwrap();
    let failing = || async { Err::<(), _>("down") };
    for _ in 0..5 {
        assert!(matches!(
            breaker.call(failing).await,
            Err(CircuitError::Failed("down"))
        ));
    }
    assert_eq!(breaker.state(), CircuitState::Open);
    assert!(matches!(
        breaker.call(failing).await,
        Err(CircuitError::Open(_))
    ));
    rt.sleep(30 * SECOND).await;
    breaker.call(|| async { Ok::<_, &str>(()) }).await.unwrap();
    assert_eq!(breaker.state(), CircuitState::Closed);
    println!("breaker: open for 30 s, closed by a call that succeeded");
}

#[derive(Clone, Debug, PartialEq)]
enum ApiError {
    Authentication,
    Connection,
}

async fn retry_in_the_service_layer(rt: &Rt) {
    let calls = AtomicU32::new(0);
    let some_api_call = || async {
        match calls.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => Err(ApiError::Connection),
            _ => Ok("answer"),
        }
    };
    let settings = RetrySettings {
        max_retries: 3,
        base_delay: SECOND,
        max_delay: 60 * SECOND,
        backoff_factor: 2.0,
        retry_on: |error| matches!(error, ApiError::Connection),
        exclude: |error| matches!(error, ApiError::Authentication),
        ..RetrySettings::default()
    };
    let result = retry_with_backoff(rt, settings.clone(), some_api_call)
        .unwrap()
        .await;
    assert_eq!(result.unwrap(), "answer");
    let locked_out = || async { Err::<(), _>(ApiError::Authentication) };
    let error = retry_with_backoff(rt, settings, locked_out)
        .unwrap()
        .await
        .unwrap_err();
    assert_eq!((error.attempts, error.reason), (1, GaveUp::Stopped));
    println!("retry: after {} calls", calls.load(Ordering::Relaxed));
}

async fn with_retry_for_a_function(rt: &Rt) {
    async fn call_external_api(path: &'static str) -> Result<usize, ApiError> {
        Ok(path.len())
    }
    let call = with_retry(Retry::new(rt), call_external_api);
    assert_eq!(call.call("/users").await.unwrap(), 6);
}

async fn retry_with_an_ambient_deadline(rt: &Rt) {
    let model = ScriptedModel::new(rt)
        .with_delay(20 * SECOND)
        .with_failing_rule("", 503);
    let branch = Branch::new(rt, "analyst", model);
    let retry = Retry::new(rt);
    let ask = || branch.communicate("Analyze this");
    let asked = fail_after(
        rt,
        30 * SECOND,
        ask.retry(&retry).when(BranchError::is_retryable),
    );
    let started = rt.now();
    assert!(asked.await.is_err(), "the second attempt was cut");
    assert_eq!(rt.now() - started, 30 * SECOND);
    println!("retry: cut by the deadline around it");
}

fn session(rt: &Rt) -> Session {
    let model = ScriptedModel::new(rt)
        .with_delay(SECOND)
        .with_failing_rule("Find patterns", 400)
        .with_rule("Name risks", "Severity: low.")
        .with_rule("", "Done.");
    Session::new(rt, Branch::new(rt, "analyst", model))
}

async fn run(rt: &Rt) -> FlowReport {
    let ask = |text: &str, after: &str| Operation::communicate(text).depends_on(after);
    let graph = OperationGraph::new()
        .add_operation("ingest", Operation::communicate("Ingest"))
        .add_operation("patterns", ask("Find patterns", "ingest"))
        .add_operation("forecast", ask("Forecast", "patterns"))
        .add_operation("risks", ask("Name risks", "ingest"))
        .add_operation(
            "escalation",
            Operation::communicate("Escalate")
                .depends_on_when("risks", |risks| risks.text.contains("high")),
        );
    session(rt).flow(&graph).await.unwrap()
}

async fn operation_status_tracking(rt: &Rt) {
    let report = run(rt).await;
    for step in &report.steps {
        println!("{}: {}", step.name, step.status);
        if let Some(error) = &step.error {
            // The whole chain, down to what the provider said.
            let mut cause = error.source();
            while let Some(error) = cause {
                println!("  because {error}");
                cause = error.source();
            }
        }
    }
    assert_eq!(report.step("patterns").unwrap().status, Status::Failed);
}

/// What depends on a step that failed is skipped, and names it; the others go on.
async fn partial_success_in_flows(rt: &Rt) {
    let report = run(rt).await;
    let names = |status| {
        report
            .with_status(status)
            .map(|step| step.name.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(Status::Completed), ["ingest", "risks"]);
    assert_eq!(names(Status::Skipped), ["forecast", "escalation"]);
    let cause = report
        .step("forecast")
        .unwrap()
        .skip_cause
        .as_ref()
        .unwrap();
    assert_eq!(cause.to_string(), "step `patterns` did not complete");
    assert!(!report.is_success());
}

async fn edge_conditions(rt: &Rt) {
    let report = run(rt).await;
    let cause = report
        .step("escalation")
        .unwrap()
        .skip_cause
        .as_ref()
        .unwrap();
    assert_eq!(cause.to_string(), "no condition led to it");
}

/// A task is waited for by awaiting it; there is nothing to poll, and no status to forget to set.
async fn waiting_for_completion(rt: &Rt) {
    let branch = Branch::new(rt, "worker", ScriptedModel::new(rt).with_rule("", "Done."));
    let event = rt.spawn(async move { branch.communicate("Work").await });
    let completed = fail_after(rt, 30 * SECOND, event).await;
    let reply = completed
        .expect("in time")
        .expect("no panic")
        .expect("an answer");
    assert_eq!(reply.text(), "Done.");
}

/// The first failure and the others, up to a bound.
async fn error_accumulation(rt: &Rt) {
    let group: TaskGroup<(), String> = TaskGroup::new(rt).supervised();
    for text in ["first", "second"] {
        group.spawn(async move { Err(text.to_owned()) });
    }
    let errors = group.join().await.unwrap_err();
    println!("errors: {errors}, and {} others", errors.others.len());
    assert_eq!(errors.others.len(), 1);
}

async fn provider_fallback(rt: &Rt) {
    let openai = ScriptedModel::new(rt)
        .with_name("openai")
        .with_failing_rule("", 503);
    let anthropic = ScriptedModel::new(rt)
        .with_name("anthropic")
        .with_rule("", "Here I am.");
    let passed_over = |errors: &[_]| println!("provider {} failed, trying next", errors.len());
    let model = FallbackModel::new(openai)
        .or(anthropic)
        .with_observer(passed_over);
    let branch = Branch::new(rt, "resilient", model);
    assert_eq!(
        branch.communicate("Who is there?").await.unwrap().text(),
        "Here I am."
    );
}

#[derive(Deserialize, JsonSchema)]
struct Analysis {
    sentiment: String,
    confidence: f64,
    key_points: Vec<String>,
}

/// What is malformed is mended without asking; what does not fit is asked for again, and then handled as you say.
async fn structured_output_validation(rt: &Rt) {
    let partial = r#"{"sentiment": "glad", "confidence": 0.9}"#;
    let model = ScriptedModel::new(rt).with_rule("", partial);
    let branch = Branch::new(rt, "analyst", model);
    let analyze = || branch.fork("review");
    let handle = HandleValidation::ReturnValue;
    let answer = analyze()
        .operate_as::<Analysis>("Analyze this review", handle)
        .await
        .unwrap();
    match answer.value {
        Outcome::Incomplete(incomplete) => {
            assert_eq!(incomplete.value["sentiment"], "glad");
            println!("incomplete: it lacks {:?}", incomplete.missing);
        }
        Outcome::Valid(analysis) => panic!("{} points", analysis.key_points.len()),
        Outcome::None => panic!("that is the next one"),
    }
    let handle = HandleValidation::ReturnNone;
    let answer = analyze()
        .operate_as::<Analysis>("Analyze this review", handle)
        .await
        .unwrap();
    assert!(
        answer
            .value
            .valid()
            .map(|analysis| (analysis.sentiment, analysis.confidence))
            .is_none()
    );
    let error = analyze()
        .operate::<Analysis>("Analyze this review")
        .await
        .err()
        .unwrap();
    assert!(matches!(error, BranchError::Invalid { .. }) && error.attempts() == 3);
}

async fn gather_with_failures(rt: &Rt) {
    let model = ScriptedModel::new(rt)
        .with_failing_rule("Task 2", 400)
        .with_rule("", "Done.");
    let branch = Branch::new(rt, "batch", model);
    let forks = ["Task 1", "Task 2", "Task 3"].map(|task| (branch.fork(task), task));
    let asked = forks.iter().map(|(fork, task)| fork.communicate(*task));
    let results = gather_all(asked).await.partition();
    assert_eq!((results.successes.len(), results.failures.len()), (2, 1));
    println!(
        "{} succeeded, {} failed",
        results.successes.len(),
        results.failures.len()
    );
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn every_snippet_does_what_it_says() {
    main();
}
