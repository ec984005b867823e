use fascine::flow::{Flow, GraphBuilder, GraphView, OnError, Status};
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
fn an_edge_is_taken_or_not_where_the_report_tells() {
    let view = run(choice());
    // The step behind it ran, but a report does not say because of which edge.
    let few = ("few", None);
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
