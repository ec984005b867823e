//! Runs of operations as streams.

use fascine::flow::Status;
use fascine::session::{Expansion, Operation, OperationGraph};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::StreamExt;
use serde_json::json;

use super::{ask, echo, slow};
use crate::durations::seconds;

#[test]
fn outputs_and_errors_come_as_operations_end() {
    TestRuntime::run_seeds(16, |rt| async move {
        let graph = OperationGraph::new()
            .chain([("a", ask("1")), ("b/[\\", ask("2"))])
            .add_operation("c", ask("bad"))
            .add_operation("d", ask("3").depends_on("c"));
        let started = rt.now();
        let mut stream = slow(&rt).flow_stream(&graph).unwrap();
        let mut told = Vec::new();
        while let Some(operation) = stream.next().await {
            let (event, output) = (operation.event, operation.output);
            assert_eq!(rt.now() - started, event.at, "it comes late");
            assert_eq!(event.status == Status::Completed, output.is_some());
            assert_eq!(event.status == Status::Failed, operation.error.is_some());
            if event.status.is_final() {
                told.push((event.step.to_string(), event.status, event.at));
            }
        }
        told.sort_by(|one, two| one.0.cmp(&two.0));
        assert_eq!(
            told,
            [
                ("a".to_owned(), Status::Completed, seconds(1)),
                ("b\\/\\[\\\\".to_owned(), Status::Completed, seconds(2)),
                ("c".to_owned(), Status::Failed, seconds(1)),
                ("d".to_owned(), Status::Skipped, seconds(1)),
            ]
        );
        assert!(stream.report().is_some());
        assert_eq!((stream.missed(), stream.finish().await.error_count), (0, 1));
    });
}

#[test]
fn what_others_run_is_told_with_its_path() {
    TestRuntime::run(|rt| async move {
        let list = |_, _| async { Ok(json!(["x", "y"])) };
        let graph = OperationGraph::new()
            .add_operation("list", Operation::function(list))
            .expand_from_result("each", "list", Expansion::new(|item: String, _| ask(item)));
        let mut stream = echo(&rt).flow_stream(&graph).unwrap();
        let mut ended = Vec::new();
        while let Some(told) = stream.next().await {
            if told.event.status == Status::Completed {
                ended.push(told.event.step.to_string());
            }
        }
        for path in ["list", "each/0", "each/1", "each"] {
            assert!(ended.iter().any(|ended| ended == path), "{path}: {ended:?}");
        }
    });
}

#[test]
fn a_stream_can_be_cancelled_finished_and_dropped() {
    TestRuntime::run_seeds(8, |rt| async move {
        let graph = OperationGraph::new().chain([("a", ask("1")), ("b", ask("2"))]);
        let session = slow(&rt);
        let mut stream = session.flow_stream(&graph).unwrap();
        let canceller = stream.canceller();
        assert_eq!(
            stream.next().await.unwrap().event.status,
            Status::Processing
        );
        canceller.cancel();
        while stream.next().await.is_some() {}
        let report = stream.report().unwrap();
        assert_eq!(report.step("a").unwrap().status, Status::Cancelled);
        assert_eq!(report.step("b").unwrap().status, Status::Aborted);
        let mut stream = session.flow_stream(&graph).unwrap();
        stream.next().await.unwrap();
        assert!(stream.finish().await.is_success());
        let mut stream = session.flow_stream(&graph).unwrap();
        stream.next().await.unwrap();
        drop(stream);
        assert!(session.default_branch().history().is_empty());
    });
    drop_after_every_poll(|rt, cut| async move {
        let session = slow(&rt);
        let graph = OperationGraph::new().chain([("a", ask("1")), ("b", ask("2"))]);
        let mut stream = session.flow_stream(&graph).unwrap();
        cut.apply(async { while stream.next().await.is_some() {} })
            .await;
        drop(stream);
        assert!(session.default_branch().history().is_empty());
    });
}
