//! The whole road: every crate in one job.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use fascine::branch::Branch;
use fascine::flow::{Flow, FlowReport, Status};
use fascine::http::{MemoryNet, Net};
use fascine::resilience::{Backoff, Retry};
use fascine::rt::Rt;
use fascine::session::{Operation, OperationGraph, Session};
use fascine_mock::{Fault, MockServer, MockServerBuilder};
use fascine_testing::{TestRuntime, drop_after_every_poll};

use crate::durations::ms;
use crate::mock_service;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    the_job_is_done_and_says_the_same_everywhere,
    a_server_that_misbehaves_fails_one_step_and_spares_the_others,
}

fn operations() -> OperationGraph {
    let look = |at: &str| {
        Operation::communicate(at)
            .depends_on("ingest")
            .with_answers()
    };
    OperationGraph::new()
        .add_operation("ingest", Operation::communicate("Ingest the readings."))
        .add_operation("statistics", look("Give statistics."))
        .add_operation("patterns", look("Find patterns."))
        .add_operation("risks", look("Name risks."))
        .add_operation(
            "report",
            Operation::communicate("Write the report.")
                .depends_on("statistics")
                .depends_on("patterns")
                .depends_on("risks")
                .with_answers(),
        )
        .add_operation(
            "escalation",
            Operation::communicate("Escalate.")
                .depends_on_when("risks", |risks| risks.text.contains("high")),
        )
}

fn server() -> MockServerBuilder {
    MockServer::builder()
        .with_answer("Ingest the readings", "Ten rows.")
        .with_answer("Give statistics", "Mean 5.")
        .with_answer("Find patterns", "Up and down.")
        .with_answer("Name risks", "Severity: low.")
        .with_answer("Write the report", "All is well.")
}

/// Runs the job over HTTP, with as many requests at once as the flow likes.
async fn run(rt: &Rt, net: Arc<dyn Net>, server: MockServerBuilder) -> (FlowReport, u64) {
    let server = mock_service::start(rt, &net, server).await;
    let retry = Retry::new(rt).with_backoff(Backoff::constant(ms(1)));
    let service = mock_service::service(rt, &net, &server)
        .limit_requests(60)
        .limit_tokens(60_000)
        .capacity_refresh_time(ms(1000))
        .retry(retry)
        .build()
        .unwrap();
    let session = Session::new(rt, Branch::new(rt, "analyst", service.clone()));
    let flow = Flow::new(rt).unlimited();
    let report = session.start(&flow, &operations()).unwrap().await;
    server.shutdown().await;
    (report, service.stats().retries)
}

async fn the_job_is_done_and_says_the_same_everywhere(rt: Rt, net: Arc<dyn Net>) {
    let quota = NonZeroU32::new(3).unwrap();
    let (report, retries) = run(&rt, net, server().with_quota(quota, ms(50))).await;
    let statuses: Vec<_> = report
        .steps
        .iter()
        .map(|step| (step.name.as_str(), step.status))
        .collect();
    assert_eq!(
        statuses,
        [
            ("ingest", Status::Completed),
            ("statistics", Status::Completed),
            ("patterns", Status::Completed),
            ("risks", Status::Completed),
            ("report", Status::Completed),
            ("escalation", Status::Skipped),
        ]
    );
    assert!(report.is_success());
    assert_eq!(
        report.step("report").unwrap().json().unwrap()["text"],
        "All is well."
    );
    let attempts: u32 = report.steps.iter().map(|step| step.attempts).sum();
    assert_eq!(u64::from(attempts), 5 + retries);
}

async fn a_server_that_misbehaves_fails_one_step_and_spares_the_others(rt: Rt, net: Arc<dyn Net>) {
    let server = server().with_fault_when("Find patterns", Fault::Html);
    let (report, _) = run(&rt, net, server).await;
    let status = |name| report.step(name).unwrap().status;
    assert_eq!(status("patterns"), Status::Failed);
    assert_eq!(
        (status("statistics"), status("risks")),
        (Status::Completed, Status::Completed)
    );
    assert_eq!(
        (status("report"), status("escalation")),
        (Status::Skipped, Status::Skipped)
    );
    assert!(!report.is_success());
}

#[test]
fn in_virtual_time_the_wall_is_the_critical_path_exactly() {
    for seed in 0..20 {
        TestRuntime::run(|rt| async move {
            let server = server().with_seed(seed).with_latency(ms(10)..=ms(500));
            let (report, retries) = run(&rt, Arc::new(MemoryNet::new()), server).await;
            assert_eq!(retries, 0);
            assert!(report.wall > ms(30));
            assert_eq!(report.wall, report.critical_path.duration);
            let steps: Duration = report
                .critical_path
                .steps
                .iter()
                .map(|name| report.step(name).unwrap().elapsed)
                .sum();
            assert_eq!(report.wall, steps);
        });
    }
}

#[test]
fn a_refused_request_costs_what_the_server_asked_for_and_no_more() {
    TestRuntime::run_seeds(8, |rt| async move {
        let quota = NonZeroU32::new(3).unwrap();
        let server = server().with_quota(quota, ms(1000));
        let (report, retries) = run(&rt, Arc::new(MemoryNet::new()), server).await;
        assert!(report.is_success());
        // The fourth request of the first second waits for the next one.
        assert_eq!((report.wall, retries), (ms(1000), 1));
    });
}

#[test]
fn dropping_the_job_at_any_poll_leaves_nothing_behind() {
    let polls = drop_after_every_poll(|rt, cut| async move {
        let server = server().with_latency(ms(10)..=ms(20));
        cut.apply(run(&rt, Arc::new(MemoryNet::new()), server))
            .await;
    });
    assert!(polls >= 5, "{polls}");
}
