//! The snippets of linus' page "Async/Await Support", one function for each heading.
//!
//! ```sh
//! cargo run -p fascine --example linus_async
//! ```
//!
//! It runs on virtual time, so that what takes seconds takes none and every duration is exact. In a program there stands
//! `Smol.block_on(..)` or the like where it says `TestRuntime::run`, and a `ModelService` where a model is scripted.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]
#![allow(clippy::unwrap_used, reason = "an example says where it ends")]

use std::time::Duration;

use fascine::branch::{Branch, BranchError, Reply, ToolSet, blocking_tool};
use fascine::concurrency::{Semaphore, at_most, bounded_map, gather, gather_all};
use fascine::flow::{Flow, FlowReport, Status};
use fascine::message::ToolCall;
use fascine::model::{Line, ScriptedModel};
use fascine::rt::Rt;
use fascine::session::{Operation, OperationGraph, Session};
use fascine_testing::TestRuntime;
use schemars::JsonSchema;
use serde::Deserialize;

fn main() {
    mixed_sync_and_async_code();
    TestRuntime::run(|rt| async move {
        basic_usage(&rt).await;
        parallel_agent_execution(&rt).await;
        sequential_execution(&rt).await;
        parallel_execution(&rt).await;
        single_agent(&rt).await;
        multiple_agents(&rt).await;
        dag_with_parallel_nodes(&rt).await;
        three_parallel_nodes(&rt).await;
        no_level_waits(&rt).await;
        integration_with_a_web_server(&rt).await;
        error_handling(&rt).await;
        concurrent_requests(&rt).await;
        appropriate_batch_sizes(&rt).await;
        limited_by_a_semaphore(&rt).await;
    });
}

/// An agent is a branch; its model takes a second.
fn agent(rt: &Rt, name: &str) -> Branch {
    let model = ScriptedModel::new(rt)
        .with_delay(SECOND)
        .with_rule("Calculate 42 * 17", "714")
        .with_failing_rule("impossible", 400)
        .with_rule("", "Done.");
    Branch::new(rt, name, model)
}

#[derive(Deserialize, JsonSchema)]
struct Product {
    a: i64,
    b: i64,
}

/// The tool runs on a thread where it may block, as all of linus' tools do.
fn tools() -> ToolSet {
    let multiply = blocking_tool(|product: Product| product.a * product.b).named("multiply");
    ToolSet::new().with(multiply.described("Multiplies two numbers."))
}

/// It reasons, has the tool called, and checks its answer.
fn reasoning_model(rt: &Rt) -> ScriptedModel {
    let call = ToolCall::new("1", "multiply", r#"{"a": 42, "b": 17}"#);
    ScriptedModel::new(rt)
        .with_line(Line::tool_calls([call]))
        .with_answer(r#"{"analysis": "The tool says 714.", "extension_needed": false}"#)
        .with_answer(r#"{"answer": "714"}"#)
        .with_answer(r#"{"is_complete": true, "reasoning": "It is the product."}"#)
}

async fn basic_usage(rt: &Rt) {
    let agent = Branch::builder(rt, "sums", reasoning_model(rt))
        .tools(tools())
        .build();
    let result = agent.react::<String>("Calculate 42 * 17").await.unwrap();
    assert_eq!(result.value, "714");
    assert_eq!(
        (result.metrics.iterations, result.metrics.llm_calls),
        (1, 4)
    );
    println!("result: {}, metrics: {:?}", result.value, result.metrics);
}

/// The same from a program that is not async.
fn mixed_sync_and_async_code() {
    let runtime = TestRuntime::new();
    let rt = runtime.rt();
    let agent = Branch::builder(&rt, "sums", reasoning_model(&rt))
        .tools(tools())
        .build();
    let result = agent
        .blocking()
        .react::<String>("Calculate 42 * 17")
        .unwrap();
    assert_eq!(result.value, "714");
    println!("blocking: {}", result.value);
}

async fn parallel_agent_execution(rt: &Rt) {
    let agents = ["one", "two", "three"].map(|name| agent(rt, name));
    let started = rt.now();
    let results = gather([
        agents[0].communicate("Task 1"),
        agents[1].communicate("Task 2"),
        agents[2].communicate("Task 3"),
    ])
    .await
    .unwrap();
    assert_eq!((results.len(), rt.now() - started), (3, SECOND));
    println!(
        "parallel agents: {:?}",
        results.iter().map(Reply::text).collect::<Vec<_>>()
    );
}

async fn sequential_execution(rt: &Rt) {
    let session = Session::new(rt, agent(rt, "pipeline"));
    let pipeline = OperationGraph::new()
        .add_operation("step1", Operation::communicate("Read the data"))
        .add_operation(
            "step2",
            Operation::communicate("Sum it up")
                .depends_on("step1")
                .with_answers(),
        );
    let report = session
        .start(&Flow::new(rt).sequential(), &pipeline)
        .unwrap()
        .await;
    assert!(report.is_success() && report.wall == 2 * SECOND);
    println!("sequential DAG: {:?}", report.wall);
}

/// ```text
///          ┌→ stats    ┐
/// ingest ──┼→ patterns ┼→ report
///          └→ analysis ┘
/// ```
fn parallel_pipeline() -> OperationGraph {
    let look = |at: &str| {
        Operation::communicate(at)
            .depends_on("ingest")
            .with_answers()
    };
    OperationGraph::new()
        .add_operation("ingest", Operation::communicate("Ingest the data"))
        .add_operation("stats", look("Statistics"))
        .add_operation("patterns", look("Patterns"))
        .add_operation("analysis", look("Analysis"))
        .add_operation(
            "report",
            Operation::communicate("Report")
                .depends_on("stats")
                .depends_on("patterns")
                .depends_on("analysis")
                .with_answers(),
        )
}

async fn parallel_execution(rt: &Rt) {
    let report = run(rt, &Flow::new(rt)).await;
    let completed = report.with_status(Status::Completed).count();
    assert_eq!((completed, report.wall), (5, 3 * SECOND));
    assert_eq!(report.critical_path.duration, report.wall);
    println!(
        "parallel DAG: {:?} along {:?}",
        report.wall, report.critical_path.steps
    );
}

async fn run(rt: &Rt, flow: &Flow) -> FlowReport {
    let session = Session::new(rt, agent(rt, "pipeline"));
    session.start(flow, &parallel_pipeline()).unwrap().await
}

/// One call takes as long either way.
async fn single_agent(rt: &Rt) {
    let started = rt.now();
    agent(rt, "one")
        .communicate("Complex calculation task")
        .await
        .unwrap();
    assert_eq!(rt.now() - started, SECOND);
}

async fn multiple_agents(rt: &Rt) {
    let agents = ["one", "two", "three"].map(|name| agent(rt, name));
    let tasks = ["Task 1", "Task 2", "Task 3"];
    let started = rt.now();
    for (agent, task) in agents.iter().zip(tasks) {
        agent.communicate(task).await.unwrap();
    }
    let sequential = rt.now() - started;
    let started = rt.now();
    let asked = agents
        .iter()
        .zip(tasks)
        .map(|(agent, task)| agent.communicate(task));
    gather(asked).await.unwrap();
    let parallel = rt.now() - started;
    assert_eq!((sequential, parallel), (3 * SECOND, SECOND));
    println!("three agents: {sequential:?} in turn, {parallel:?} in parallel");
}

async fn dag_with_parallel_nodes(rt: &Rt) {
    let sequential = run(rt, &Flow::new(rt).sequential()).await.wall;
    let parallel = run(rt, &Flow::new(rt)).await.wall;
    assert_eq!((sequential, parallel), (5 * SECOND, 3 * SECOND));
    println!("DAG: {sequential:?} in turn, {parallel:?} in parallel");
}

/// "Up to 3x faster with parallelism": three nodes that wait for nothing but their models.
async fn three_parallel_nodes(rt: &Rt) {
    let session = Session::new(rt, agent(rt, "nodes"));
    let nodes = ["stats", "patterns", "analysis"];
    let graph = nodes.iter().fold(OperationGraph::new(), |graph, node| {
        graph.add_operation(*node, Operation::communicate(*node))
    });
    let run = async |flow: Flow| session.start(&flow, &graph).unwrap().await.wall;
    let sequential = run(Flow::new(rt).sequential()).await;
    let parallel = run(Flow::new(rt)).await;
    let speedup = sequential.as_secs_f64() / parallel.as_secs_f64();
    assert!(speedup >= 2.9, "{speedup}");
    println!("three nodes: {speedup:.2}x");
}

/// A chain of 0.05 s, 0.40 s and 0.05 s beside one node of 0.50 s. Level by level, that takes 0.95 s.
async fn no_level_waits(rt: &Rt) {
    let nodes = [("one", 50), ("two", 400), ("three", 50), ("slow", 500)];
    let model = nodes
        .iter()
        .fold(ScriptedModel::new(rt), |model, (node, ms)| {
            let line = Line::answer("Done.").with_delay(Duration::from_millis(*ms));
            model.with_rule_line(*node, line)
        });
    let node = |name| (name, Operation::communicate(name));
    let graph = OperationGraph::new()
        .chain([node("one"), node("two"), node("three")])
        .chain([node("slow")]);
    let session = Session::new(rt, Branch::new(rt, "nodes", model));
    let report = session.flow(&graph).await.unwrap();
    assert_eq!(report.wall, Duration::from_millis(500));
    println!("uneven nodes: {:?}", report.wall);
}

/// A handler of any web server: each request has a fork, so none hears another.
async fn query_agent(agent: &Branch, query: &str) -> Result<String, BranchError> {
    let conversation = agent.fork("request");
    Ok(conversation.communicate(query).await?.text())
}

async fn integration_with_a_web_server(rt: &Rt) {
    let agent = agent(rt, "server");
    let started = rt.now();
    let requests = (0..100).map(|_| query_agent(&agent, "Calculate 42 * 17"));
    let answers = gather(requests).await.unwrap();
    assert!(answers.iter().all(|answer| answer == "714"));
    assert_eq!(rt.now() - started, SECOND);
    println!("server: 100 requests at once, each by itself");
}

async fn error_handling(rt: &Rt) {
    match agent(rt, "one").communicate("An impossible task").await {
        Ok(reply) => panic!("{}", reply.text()),
        Err(error) => println!(
            "agent failed: {error}; worth a retry: {}",
            error.is_retryable()
        ),
    }
}

async fn concurrent_requests(rt: &Rt) {
    let (one, two) = (agent(rt, "one"), agent(rt, "two"));
    // It goes on even if one fails.
    let results = gather_all([
        one.communicate("Task"),
        two.communicate("An impossible task"),
    ])
    .await;
    assert!(results[0].is_ok() && results[1].is_err());
}

/// A thousand queries, ten on their way at a time.
async fn appropriate_batch_sizes(rt: &Rt) {
    let agent = agent(rt, "batch");
    let started = rt.now();
    let results = bounded_map(0..1000, at_most(10).unwrap(), |number| {
        let fork = agent.fork("query");
        async move { fork.communicate(format!("Query {number}")).await }
    });
    assert_eq!(results.await.unwrap().len(), 1000);
    assert_eq!(rt.now() - started, 100 * SECOND);
    println!("batch: 1000 queries, ten at a time");
}

async fn limited_by_a_semaphore(rt: &Rt) {
    let (agent, semaphore) = (agent(rt, "limited"), Semaphore::new(5));
    let limited_run = async |number: u32| {
        let _permit = semaphore.acquire().await;
        agent
            .fork("query")
            .communicate(format!("Query {number}"))
            .await
    };
    let started = rt.now();
    gather((0..20).map(limited_run)).await.unwrap();
    assert_eq!(rt.now() - started, 4 * SECOND);
    println!("semaphore: five at a time");
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn every_snippet_does_what_it_says() {
    main();
}
