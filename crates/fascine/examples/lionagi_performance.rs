//! The snippets of lionagi's page "Performance", one function for each heading.
//!
//! ```sh
//! cargo run -p fascine --example lionagi_performance
//! ```
//!
//! It runs on virtual time, so that what takes seconds takes none and every duration is exact. In a program there stands
//! `Smol.block_on(..)` or the like where it says `TestRuntime::run`, and a `ModelService` where a model is scripted.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]
#![allow(clippy::unwrap_used, reason = "an example says where it ends")]

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fascine::branch::{Branch, BranchError, BranchLog, MemoryLog};
use fascine::concurrency::{
    CompletionStream, Partition, TaskGroup, at_most, bounded_map, bounded_map_all, fail_after,
    gather, gather_all, move_on_after, race,
};
use fascine::flow::Flow;
use fascine::http::{H1Transport, MemoryNet};
use fascine::model::{ModelService, OpenAi, ScriptedModel};
use fascine::resilience::{Backoff, Jitter, Retry, Retryable};
use fascine::rt::Rt;
use fascine::session::{Operation, OperationGraph, Session};
use fascine_mock::MockServer;
use fascine_testing::TestRuntime;

fn main() {
    TestRuntime::run(|rt| async move {
        gather_concurrent_execution(&rt).await;
        gather_with_failures(&rt).await;
        race_first_to_complete(&rt).await;
        bounded_map_with_limit(&rt).await;
        completion_stream_results_as_they_arrive(&rt).await;
        retry_exponential_backoff(&rt).await;
        imodel_rate_limiting(&rt).await;
        per_task_model_selection(&rt).await;
        flow_level_concurrency(&rt).await;
        clearing_message_history(&rt).await;
        branch_as_context_manager(&rt).await;
        flow_cleanup(&rt).await;
        task_groups(&rt).await;
        cancel_scopes(&rt).await;
    });
}

/// A branch whose model takes a second, and repeats the last word of the question.
fn branch(rt: &Rt, name: &str) -> Branch {
    let model = ScriptedModel::new(rt)
        .with_delay(SECOND)
        .with_rule("market", "The market grows.")
        .with_rule("competitor", "There are three.")
        .with_failing_rule("impossible", 400)
        .with_rule("", "Done.");
    Branch::new(rt, name, model)
}

/// On one branch calls take turns; side by side they run on forks.
async fn gather_concurrent_execution(rt: &Rt) {
    let branch = branch(rt, "analyst");
    let started = rt.now();
    let forks = ["market", "competitor", "adoption"].map(|name| branch.fork(name));
    let results = gather([
        forks[0].communicate("Analyze market trends"),
        forks[1].communicate("Analyze competitor landscape"),
        forks[2].communicate("Analyze technology adoption"),
    ])
    .await
    .unwrap();
    assert_eq!(results[1].text(), "There are three.");
    assert_eq!(rt.now() - started, SECOND);
    println!("gather: three answers in a second");
}

async fn gather_with_failures(rt: &Rt) {
    let branch = branch(rt, "analyst");
    let (a, b) = (branch.fork("a"), branch.fork("b"));
    let results = gather_all([a.communicate("Task A"), b.communicate("An impossible task")]).await;
    let sorted = results.partition();
    assert_eq!((sorted.successes[0].0, sorted.failures[0].0), (0, 1));
    println!(
        "gather_all: {} succeeded, {} failed",
        sorted.successes.len(),
        sorted.failures.len()
    );
}

async fn race_first_to_complete(rt: &Rt) {
    let answering = |name: &str, seconds: u32| {
        let model = ScriptedModel::new(rt)
            .with_delay(SECOND * seconds)
            .with_answer(name);
        Branch::new(rt, name, model)
    };
    let (openai, anthropic) = (answering("openai", 2), answering("anthropic", 1));
    let paper = "Summarize this paper";
    let fastest = race([openai.communicate(paper), anthropic.communicate(paper)]).await;
    assert_eq!(fastest.unwrap().unwrap().text(), "anthropic");
    assert!(openai.history().is_empty(), "the loser has not happened");
    println!("race: the faster of two");
}

async fn bounded_map_with_limit(rt: &Rt) {
    let branch = branch(rt, "reader");
    let documents = ["doc1.txt", "doc2.txt", "doc3.txt", "doc4.txt", "doc5.txt"];
    let limit = at_most(3).unwrap();
    let summarize = |document: &'static str| {
        let fork = branch.fork(document);
        async move { fork.communicate(format!("Summarize: {document}")).await }
    };
    let started = rt.now();
    let summaries = bounded_map(documents, limit, summarize).await.unwrap();
    assert_eq!((summaries.len(), rt.now() - started), (5, 2 * SECOND));
    // With partial failure tolerance.
    let results = bounded_map_all(["one", "impossible"], limit, summarize).await;
    assert!(results[0].is_ok() && results[1].is_err());
    println!("bounded_map: five documents, three at a time");
}

async fn completion_stream_results_as_they_arrive(rt: &Rt) {
    let branches: Vec<_> = (0..10u32)
        .map(|number| {
            let model = ScriptedModel::new(rt).with_delay(SECOND * (10 - number));
            Branch::new(
                rt,
                number.to_string(),
                model.with_answer(number.to_string()),
            )
        })
        .collect();
    let mut stream = CompletionStream::new().with_limit(at_most(5).unwrap());
    for (number, branch) in branches.iter().enumerate() {
        stream.push(branch.communicate(format!("Analyze topic {number}")));
    }
    stream.close();
    let mut order = Vec::new();
    while let Some((index, result)) = stream.next().await {
        assert_eq!(result.unwrap().text(), index.to_string());
        order.push(index);
    }
    assert_eq!(order[0], 4, "the fastest of the first five");
    println!("CompletionStream: {order:?}");
}

async fn retry_exponential_backoff(rt: &Rt) {
    let model = ScriptedModel::new(rt)
        .with_failure(503, "busy")
        .with_answer("At last.");
    let branch = Branch::new(rt, "patient", model);
    let backoff = Backoff::exponential(SECOND / 2).with_max(5 * SECOND);
    let retry = Retry::new(rt)
        .with_attempts(NonZeroU32::new(3).unwrap())
        .with_backoff(backoff.with_jitter(Jitter::Full));
    let ask = || branch.communicate("Flaky request");
    let reply = ask
        .retry(&retry)
        .when(BranchError::is_retryable)
        .await
        .unwrap();
    assert_eq!(reply.text(), "At last.");
    assert_eq!(branch.history().len(), 2, "the failed turn left no trace");
    println!("retry: the second attempt answered");
}

/// An `iModel` is a [`ModelService`]; its settings have their names.
async fn imodel_rate_limiting(rt: &Rt) {
    let net = MemoryNet::new();
    let address = "127.0.0.1:0".parse().unwrap();
    let server = MockServer::builder().with_answer("", "Hello.");
    let server = server.start(rt, net.clone(), address).await.unwrap();
    let provider = OpenAi::new(&server.base_url(), "gpt-4.1-mini").unwrap();
    let model = ModelService::builder(rt, provider, H1Transport::new(rt, net))
        .limit_requests(60)
        .limit_tokens(100_000)
        .capacity_refresh_time(60 * SECOND)
        .queue_capacity(100)
        .concurrency_limit(5)
        .build()
        .unwrap();
    let branch = Branch::new(rt, "limited", model);
    assert_eq!(branch.communicate("Hello?").await.unwrap().text(), "Hello.");
    server.shutdown().await;
    println!("ModelService: within its limits, over HTTP");
}

async fn per_task_model_selection(rt: &Rt) {
    let small = ScriptedModel::new(rt).with_rule("Classify", "complex");
    let large = ScriptedModel::new(rt).with_rule("", "In detail ..");
    let fast = Branch::builder(rt, "fast", small)
        .system("Classify briefly.")
        .build();
    let powerful = Branch::builder(rt, "powerful", large).system("Provide detailed analysis.");
    let powerful = powerful.build();
    let category = fast
        .communicate("Classify: complex or simple?")
        .await
        .unwrap();
    let analysis = if category.text().contains("complex") {
        powerful
            .communicate("Detailed analysis of ..")
            .await
            .unwrap()
    } else {
        fast.communicate("Brief analysis of ..").await.unwrap()
    };
    assert_eq!(analysis.text(), "In detail ..");
    println!("two branches: the strong model for what is complex");
}

fn five_questions() -> OperationGraph {
    (0..5).fold(OperationGraph::new(), |graph, number| {
        let question = Operation::communicate(format!("Question {number}"));
        graph.add_operation(format!("q{number}"), question)
    })
}

async fn flow_level_concurrency(rt: &Rt) {
    let session = Session::new(rt, branch(rt, "analyst"));
    let graph = five_questions();
    let three = Flow::new(rt).with_max_concurrent(at_most(3).unwrap());
    let report = session.start(&three, &graph).unwrap().await;
    assert_eq!(report.wall, 2 * SECOND);
    let report = session
        .start(&Flow::new(rt).sequential(), &graph)
        .unwrap()
        .await;
    assert_eq!(report.wall, 5 * SECOND);
    println!(
        "flow: five operations in {:?}, one after the other",
        report.wall
    );
}

async fn clearing_message_history(rt: &Rt) {
    let branch = branch(rt, "worker");
    let mut results = Vec::new();
    for chunk in ["first", "second", "third"] {
        results.push(
            branch
                .communicate(format!("Process: {chunk}"))
                .await
                .unwrap(),
        );
        branch.clear().await; // It keeps the system prompt; `reset` does not.
    }
    assert!(results.len() == 3 && branch.history().is_empty());
    println!("clear: {} results, no history", results.len());
}

/// `async with Branch(..)` is [`Branch::scoped`]: the log is written at every end.
async fn branch_as_context_manager(rt: &Rt) {
    let lines = MemoryLog::new(100); // or `FileLog::new(rt, "branch.jsonl")`
    let log = BranchLog::new(rt, lines.clone());
    let branch = branch(rt, "logged").fork_builder("scoped").log(log).build();
    let result = branch
        .scoped(|branch| async move { branch.communicate("Analyze this data").await })
        .await
        .unwrap();
    assert_eq!(result.unwrap().text(), "Done.");
    assert_eq!(lines.lines().len(), 2);
    println!("scoped: {}", lines.lines()[0]);
}

/// The other outputs are gone as soon as nothing waits for them; histories of branches are as they were.
async fn flow_cleanup(rt: &Rt) {
    let session = Session::new(rt, branch(rt, "analyst"));
    let report = session.flow_with_cleanup(&five_questions(), ["q4"]).await;
    let report = report.unwrap();
    let kept = report.steps.iter().filter(|step| step.output.is_some());
    let kept: Vec<_> = kept.map(|step| step.name.as_str()).collect();
    assert_eq!(kept, ["q4"]);
    println!("flow: the output of {kept:?} is kept");
}

async fn task_groups(rt: &Rt) {
    let branch = branch(rt, "analyst");
    let results = Arc::new(Mutex::new(BTreeMap::new()));
    let group: TaskGroup<(), BranchError> = TaskGroup::new(rt);
    for (name, prompt) in [("market", "Analyze market"), ("tech", "Analyze technology")] {
        let (fork, results) = (branch.fork(name), Arc::clone(&results));
        group.spawn(async move {
            let reply = fork.communicate(prompt).await?;
            results.lock().unwrap().insert(name, reply.text());
            Ok(())
        });
    }
    group.join().await.unwrap();
    // All tasks have ended here.
    assert_eq!(results.lock().unwrap()["market"], "The market grows.");
    println!("TaskGroup: {:?}", results.lock().unwrap());
}

async fn cancel_scopes(rt: &Rt) {
    let branch = branch(rt, "slow");
    // A hard time-out is an error.
    let result = fail_after(rt, SECOND / 2, branch.communicate("Complex analysis ..")).await;
    assert!(result.is_err());
    // A soft one is none.
    let result = move_on_after(rt, SECOND / 2, branch.communicate("Quick check ..")).await;
    let text = match result {
        Some(reply) => reply.unwrap().text(),
        None => "Timed out, using fallback".to_owned(),
    };
    assert_eq!(text, "Timed out, using fallback");
    assert!(branch.history().is_empty(), "what was cut has not happened");
    println!("deadlines: {text}");
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn every_snippet_does_what_it_says() {
    main();
}
