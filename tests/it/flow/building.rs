use fascine::flow::{Flow, GraphBuilder, GraphError, StepId};
use fascine_testing::TestRuntime;

/// A graph of steps that do nothing.
fn graph(steps: &[&str], edges: &[(&str, &str)]) -> Result<(), GraphError> {
    let mut graph = GraphBuilder::new();
    for (from, to) in edges {
        graph.edge(*from, *to);
    }
    for step in steps {
        graph.step(*step, |_| async { Ok(()) });
    }
    graph.build().map(drop)
}

#[test]
fn a_cycle_is_refused_with_its_path() {
    let error = graph(
        &["a", "b", "c", "d"],
        &[("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")],
    );
    match error.unwrap_err() {
        GraphError::Cycle { path } => {
            assert!(
                [vec!["b", "c", "b"], vec!["c", "b", "c"]]
                    .contains(&path.iter().map(String::as_str).collect()),
                "{path:?}"
            );
        }
        other => panic!("{other}"),
    }
    let itself = graph(&["a"], &[("a", "a")]).unwrap_err();
    assert_eq!(itself.to_string(), "steps wait for each other: a -> a");
}

#[test]
fn the_text_of_a_long_cycle_is_short() {
    const STEPS: usize = 10_000;
    let names: Vec<_> = (0..STEPS).map(|step| format!("s{step}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let next = names.iter().cycle().skip(1);
    let edges: Vec<_> = names.iter().copied().zip(next.copied()).collect();
    let error = graph(&names, &edges).unwrap_err();
    let text = error.to_string();
    assert!(text.len() < 300, "{text}");
    assert!(
        text.contains(&format!(" -> {} more -> ", STEPS + 1 - 20)),
        "{text}"
    );
    match error {
        GraphError::Cycle { path } => assert_eq!(path.len(), STEPS + 1),
        other => panic!("{other}"),
    }
}

#[test]
fn names_that_make_no_sense_are_refused() {
    let of = |text: &str| text.to_owned();
    assert_eq!(
        graph(&["a", "a"], &[]).unwrap_err(),
        GraphError::DuplicateStep { name: of("a") }
    );
    assert_eq!(graph(&[""], &[]).unwrap_err(), GraphError::EmptyName);
    let (from, to) = (of("a"), of("b"));
    let twice = graph(&["a", "b"], &[("a", "b"), ("a", "b")]).unwrap_err();
    assert_eq!(
        twice,
        GraphError::DuplicateEdge {
            from: from.clone(),
            to: to.clone()
        }
    );
    let unknown = graph(&["a"], &[("a", "b")]).unwrap_err();
    assert_eq!(
        unknown,
        GraphError::UnknownStep {
            from,
            to: to.clone(),
            name: to
        }
    );
}

#[test]
fn an_end_that_is_not_there_is_named_however_the_other_end_was_given() {
    let mut other = GraphBuilder::new();
    other.step("first", |_| async { Ok(()) });
    let foreign = other.step("second", |_| async { Ok(()) }).id();
    let unknown = |from: &str, to: &str, name: &str| GraphError::UnknownStep {
        from: from.to_owned(),
        to: to.to_owned(),
        name: name.to_owned(),
    };
    let with = |join: &dyn Fn(&mut GraphBuilder, StepId<()>)| {
        let mut graph = GraphBuilder::new();
        let known = graph.step("a", |_| async { Ok(()) }).id();
        join(&mut graph, known);
        graph.build().unwrap_err()
    };
    let wrong = with(&|graph, known| {
        graph.edge("b", known);
    });
    assert_eq!(wrong, unknown("b", "a", "b"));
    let wrong = with(&|graph, known| {
        graph.edge(known, foreign);
    });
    assert_eq!(wrong, unknown("a", "#1", "#1"));
    let wrong = with(&|graph, _| {
        graph.edge(foreign, "a");
    });
    assert_eq!(wrong, unknown("#1", "a", "#1"));
}

#[test]
fn an_empty_graph_is_done_at_once() {
    TestRuntime::run(|rt| async move {
        let graph = GraphBuilder::new().build().unwrap();
        let report = Flow::new(&rt).run(&graph).await;
        assert!(report.is_success() && graph.is_empty() && report.critical_path.steps.is_empty());
    });
}

#[test]
fn a_hundred_thousand_steps_in_a_chain_need_no_recursion() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        for n in 0..100_000_u32 {
            graph.step(n.to_string(), move |_| async move { Ok(n) });
            if n > 0 {
                graph.edge((n - 1).to_string(), n.to_string());
            }
        }
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert!(report.is_success());
        assert_eq!(report.critical_path.duration, report.wall);
    });
}

#[test]
fn a_failure_at_the_head_of_a_long_chain_skips_all_of_it() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        graph.step("0", |_| async { Err::<(), _>("no".into()) });
        for n in 1..50_000_u32 {
            graph.step(n.to_string(), |_| async { Ok(()) });
            graph.edge((n - 1).to_string(), n.to_string());
        }
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert_eq!(
            report.with_status(fascine::flow::Status::Skipped).count(),
            49_999
        );
    });
}
