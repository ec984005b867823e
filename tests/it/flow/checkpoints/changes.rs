//! Graphs that are not what they were when the run began.

use fascine::flow::{
    Checkpoint, CheckpointError, Flow, Graph, GraphBuilder, GraphChange, MemoryCheckpoint,
    MigratedStep, OnChange, Point, ResumeError,
};
use fascine_testing::TestRuntime;
use serde_json::json;

use super::effects::{Effects, run_id};

/// A chain of `a`, `b`, `c`; `c` fails while it is not well.
fn chain(effects: &Effects, names: [&'static str; 3], is_well: bool, b_label: &str) -> Graph {
    let mut graph = GraphBuilder::new();
    for (place, name) in names.into_iter().enumerate() {
        let seen = effects.clone();
        graph.step(name, move |_| {
            seen.add(name);
            async move {
                (place < 2 || is_well)
                    .then_some(place)
                    .ok_or_else(|| "not well".into())
            }
        });
    }
    graph.edge(names[0], names[1]).label(b_label.to_owned());
    graph.edge(names[1], names[2]);
    graph.build().unwrap()
}

#[test]
fn a_graph_that_changed_is_refused_or_carried_over() {
    TestRuntime::run(|rt| async move {
        let (store, effects) = (MemoryCheckpoint::new(), Effects::default());
        let before = chain(&effects, ["a", "b", "c"], false, "");
        let begin = |name: &'static str| {
            let flow = Flow::new(&rt).with_checkpoint(store.clone(), run_id(name));
            flow.start(&before)
        };
        let resume = |name| Flow::new(&rt).resume(store.clone(), run_id(name));
        begin("one").await;
        let changed = chain(&effects, ["a", "b", "c"], true, "new");
        let error = resume("one").start(&changed).await.unwrap_err();
        let text = "run `one` is of another graph: changed `a`, `b`";
        assert_eq!(error.to_string(), text);
        effects.clear();
        let keep = resume("one").on_change(OnChange::KeepUnchanged);
        assert!(keep.start(&changed).await.unwrap().await.is_success());
        assert_eq!(
            effects.all(),
            [("b".to_owned(), 1), ("c".to_owned(), 1)].into()
        );
        // It is a run of that graph now.
        effects.clear();
        assert!(
            resume("one")
                .start(&changed)
                .await
                .unwrap()
                .await
                .is_success()
        );
        assert_eq!(effects.all().len(), 0);

        begin("two").await;
        effects.clear();
        let renamed = chain(&effects, ["x", "b", "c"], true, "");
        let error = resume("two").start(&renamed).await.unwrap_err();
        let ResumeError::Changed { change, .. } = error else {
            panic!("{error}");
        };
        let GraphChange {
            added,
            removed,
            changed,
            version,
            ..
        } = change;
        assert_eq!(
            (added, removed, changed),
            (vec!["x".into()], vec!["a".into()], vec!["b".into()])
        );
        assert!(!version);
        let migrate = OnChange::migrate(|mut step: MigratedStep| {
            if step.path == "a" {
                step.path = "x".into();
            }
            Some(step)
        });
        let report = resume("two")
            .on_change(migrate)
            .start(&renamed)
            .await
            .unwrap()
            .await;
        assert!(report.is_success());
        assert_eq!(effects.all(), [("c".to_owned(), 1)].into());
    });
}

#[test]
fn a_result_of_another_type_is_an_error_that_names_the_step() {
    TestRuntime::run(|rt| async move {
        let store = MemoryCheckpoint::new();
        let graph = |is_text: bool, is_well: bool| {
            let mut graph = GraphBuilder::new();
            // One type by name, and another by what it is.
            if is_text {
                graph.step("load", |_| async { Ok(json!("seven")) });
            } else {
                graph.step("load", |_| async { Ok(7_u32) });
            }
            graph.step("use", move |_| async move {
                is_well.then_some(()).ok_or_else(|| "not well".into())
            });
            graph.edge("load", "use");
            graph.build().unwrap()
        };
        let flow = Flow::new(&rt).with_checkpoint(store.clone(), run_id("one"));
        flow.run(&graph(true, false)).await;
        let resume = Flow::new(&rt).resume(store, run_id("one"));
        let resume = resume.on_change(OnChange::migrate(Some));
        let error = resume.start(&graph(false, true)).await.unwrap_err();
        assert!(matches!(error, ResumeError::Decode { step, .. } if step == "load"));
    });
}

#[test]
fn another_graph_within_a_step_is_an_error_and_runs_nothing() {
    TestRuntime::run(|rt| async move {
        let (store, effects) = (MemoryCheckpoint::new(), Effects::default());
        let graph = |names: [&'static str; 2], is_well: bool| {
            let effects = effects.clone();
            let mut graph = GraphBuilder::new();
            let outer = graph.step("outer", move |context| {
                let effects = effects.clone();
                async move {
                    let mut inner = GraphBuilder::new();
                    for name in names {
                        let effects = effects.clone();
                        inner.step(name, move |_| {
                            effects.add(name);
                            async { Ok(()) }
                        });
                    }
                    inner.edge(names[0], names[1]);
                    context.run(&inner.build()?).await?;
                    is_well.then_some(()).ok_or_else(|| "not well".into())
                }
            });
            outer.idempotent();
            graph.build().unwrap()
        };
        let flow = Flow::new(&rt);
        let run = flow.clone().with_checkpoint(store.clone(), run_id("one"));
        run.run(&graph(["a", "b"], false)).await;
        let resume = || flow.resume(store.clone(), run_id("one"));
        let changed = graph(["a", "c"], true);
        let report = resume().start(&changed).await.unwrap().await;
        let error = report.errors[0].clone();
        let error = std::error::Error::source(&*error).unwrap().to_string();
        assert_eq!(
            error,
            "the graph that step `outer` runs is another one than before"
        );
        assert_eq!(
            (effects.of("a"), effects.of("b"), effects.of("c")),
            (1, 1, 0)
        );
        let same = graph(["a", "b"], true);
        assert!(resume().start(&same).await.unwrap().await.is_success());
        assert_eq!((effects.of("a"), effects.of("b")), (1, 1));
        // At the beginning there was nothing that it could differ from.
        let replay = flow.replay_from(store.clone(), Point::new(run_id("one"), 0));
        assert!(replay.start(&changed).await.unwrap().await.is_success());
        assert_eq!(effects.of("c"), 1);
    });
}

#[test]
fn a_header_that_does_not_say_what_the_graph_was_keeps_nothing_and_runs_nothing() {
    TestRuntime::run(|rt| async move {
        let (store, effects) = (MemoryCheckpoint::new(), Effects::default());
        let before = chain(&effects, ["a", "b", "c"], false, "");
        let flow = Flow::new(&rt);
        let checked = flow.clone().with_checkpoint(store.clone(), run_id("one"));
        checked.run(&before).await;
        let journal = store.load(run_id("one")).await.unwrap();
        let mut header = serde_json::to_value(journal.header()).unwrap();
        header["steps"] = json!("7:nothing");
        let header = serde_json::from_value(header).unwrap();
        store
            .begin(run_id("two"), header, Vec::new())
            .await
            .unwrap();
        effects.clear();
        let changed = chain(&effects, ["a", "b", "c"], true, "new");
        let resume = flow.resume(store.clone(), run_id("two"));
        let resume = resume.on_change(OnChange::KeepUnchanged);
        let error = resume.start(&changed).await.map(drop).unwrap_err();
        assert!(
            matches!(&error, ResumeError::Checkpoint(CheckpointError::Header { run }) if *run == run_id("two")),
            "{error:?}"
        );
        assert!(effects.all().is_empty());
        // With the graph that it was there is nothing to be compared.
        let resumed = flow.resume(store, run_id("two")).start(&before).await;
        assert!(!resumed.unwrap().await.is_success());
    });
}
