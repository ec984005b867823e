use std::time::Duration;

use fascine::flow::{EdgeStatus, Flow, GraphBuilder, GraphView, Join, OnError, Status, StepResult};
use fascine_testing::TestRuntime;

use super::{choice, plain};

/// Where each edge leads, and whether it was taken.
fn taken(view: &GraphView) -> Vec<(&str, Option<bool>)> {
    let edges = view.edges().iter();
    edges
        .map(|edge| (view.steps()[edge.to].name.as_str(), edge.taken))
        .collect()
}

fn run(graph: GraphBuilder) -> GraphView {
    TestRuntime::run(|rt| async move {
        let graph = graph.build().unwrap();
        let report = Flow::new(&rt).run(&graph).await;
        GraphView::from((&graph, &report))
    })
}

#[test]
fn an_edge_is_taken_or_not_as_its_condition_said() {
    let view = run(choice());
    let few = ("few", Some(true));
    assert_eq!(
        taken(&view),
        [("count", Some(true)), few, ("many", Some(false))]
    );
    let before = GraphView::from(&choice().build().unwrap());
    assert!(taken(&before).iter().all(|(_, taken)| taken.is_none()));
}

#[test]
fn edges_out_of_a_failure_are_taken_only_if_it_is_carried_on() {
    for (on_error, status) in [
        (OnError::Continue, Status::Completed),
        (OnError::SkipDependents, Status::Skipped),
    ] {
        let mut graph = GraphBuilder::new();
        let work = |_| async { Err::<(), _>("no".into()) };
        graph.step("fails", work).on_error(on_error);
        graph.step("after", |_| async { Ok(()) });
        graph.edge("fails", "after");
        let view = run(graph);
        assert_eq!(view.steps()[1].status, Some(status));
        assert_eq!(taken(&view), [("after", Some(status == Status::Completed))]);
        assert_eq!(
            view.steps()[0].errors,
            ["step `fails` failed at attempt 1", "no"]
        );
    }
}

#[test]
fn of_a_report_of_another_graph_nothing_is_made_up() {
    TestRuntime::run(|rt| async move {
        let (one, other) = (plain(3, [(0, 1)]), choice().build().unwrap());
        let report = Flow::new(&rt).run(&one).await;
        let view = GraphView::from((&other, &report));
        assert!(view.steps().iter().all(|step| step.status.is_none()));
        assert!(taken(&view).iter().all(|(_, taken)| taken.is_none()));
    });
}

#[test]
fn what_failed_is_drawn_however_much_there_is() {
    let mut graph = GraphBuilder::new();
    for step in 0..3000 {
        graph.step(format!("step {step}"), move |_| async move {
            if step == 2999 {
                Err("no".into())
            } else {
                Ok(())
            }
        });
    }
    let page = run(graph).to_html();
    assert!(page.contains("step 2999</th>") && !page.contains("step 2998</th>"));
    assert!(page.contains("3000 steps · 2999 completed · 1 failed"));
    assert!(page.contains("1000 more are not shown"));
}

#[test]
fn of_two_edges_into_a_step_only_that_is_taken_whose_condition_says_yes() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        for name in ["yes", "no", "fails"] {
            graph.step(name, move |_| async move {
                match name {
                    "fails" => Err("bad".into()),
                    _ => Ok(()),
                }
            });
        }
        graph.step("both", |_| async { Ok(()) }).join(Join::Any);
        for name in ["yes", "no"] {
            graph.edge(name, "both").when(move |_| name == "yes");
        }
        graph.edge("fails", "both");
        graph.step("later", |_| std::future::pending::<StepResult<()>>());
        graph.step("never", |_| async { Ok(()) });
        graph.edge("later", "never");
        let graph = graph.build().unwrap();
        let flow = Flow::new(&rt).with_timeout(Duration::from_secs(1));
        let report = flow.run(&graph).await;
        let (live, not_taken) = (EdgeStatus::Live, EdgeStatus::NotTaken);
        assert_eq!(report.edges[..3], [live, not_taken, EdgeStatus::Failed]);
        let view = GraphView::from((&graph, &report));
        let taken: Vec<_> = taken(&view).into_iter().map(|(_, taken)| taken).collect();
        assert_eq!(taken, [Some(true), Some(false), Some(false), Some(false)]);
    });
}
