//! Runs that are suspended while they wait for answers, and taken up again.

use std::collections::BTreeMap;
use std::error::Error;

use fascine::flow::{
    AnswerError, Checkpoint, FileCheckpoint, Flow, Graph, GraphBuilder, MemoryCheckpoint, Question,
    Resume, ResumeError, RunId, Status, StepRecord,
};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future;

use super::effects::Effects;
use super::stores::Folder;
use crate::durations::ms;

fn run_id() -> RunId {
    RunId::new("mail").unwrap()
}

/// What was done, each once.
fn done(effects: &Effects) -> Vec<String> {
    let all = effects.all().into_iter();
    all.map(|(step, times)| {
        assert_eq!(times, 1, "{step}");
        step
    })
    .collect()
}

/// `load` before `approve` before `send`, which needs a second person: `confirm` before `report`.
fn graph(rt: &Rt, effects: &Effects) -> Graph {
    let mut graph = GraphBuilder::new();
    let (clock, seen) = (rt.clone(), effects.clone());
    let load = graph.step("load", move |_| {
        seen.add("load");
        let clock = clock.clone();
        async move {
            clock.sleep(ms(10)).await;
            Ok(3_u64)
        }
    });
    let load = load.id();
    let approve = graph.ask("approve", load, |_, rows| async move {
        let question = Question::<bool>::new(format!("Send {rows} rows?"));
        Ok(question.with_details(&*rows))
    });
    let approve = approve.id();
    let seen = effects.clone();
    graph.step("send", move |_| {
        seen.add("send");
        async { Ok("sent".to_owned()) }
    });
    graph
        .edge(approve, "send")
        .when(|seen| seen.output::<bool>() == Some(true.into()));
    graph.ask("confirm", (), |_, ()| async {
        Ok(Question::new("By what?").with_choices([1_u64, 2]))
    });
    graph.edge("send", "confirm");
    let seen = effects.clone();
    graph.step("report", move |context| {
        seen.add("report");
        async move { Ok(context.input_json("confirm")) }
    });
    graph.edge("confirm", "report");
    graph.build().unwrap()
}

fn resume(rt: &Rt, store: &MemoryCheckpoint) -> Resume {
    let flow = Flow::new(rt).suspend_when_waiting().keep_all();
    flow.resume(store.clone(), run_id())
}

/// The run as it is when it waits for the first answer.
async fn suspended(rt: &Rt, effects: &Effects) -> MemoryCheckpoint {
    let store = MemoryCheckpoint::new();
    let flow = Flow::new(rt).with_checkpoint(store.clone(), run_id());
    let report = flow.suspend_when_waiting().run(&graph(rt, effects)).await;
    assert!(report.suspended && report.checkpoint_error.is_none());
    store
}

#[test]
fn a_suspended_run_goes_on_with_the_answer() {
    TestRuntime::run_seeds(16, |rt| async move {
        let effects = Effects::default();
        let store = suspended(&rt, &effects).await;
        // Somebody else looks what is to be answered, and runs nothing for it.
        let journal = store.load(run_id()).await.unwrap();
        let [question] = &journal.open_questions()[..] else {
            panic!("{journal:?}");
        };
        assert_eq!(
            (&*question.step, &*question.text),
            ("approve", "Send 3 rows?")
        );
        assert_eq!((&question.details, question.since), (&3.into(), ms(10)));
        assert!(matches!(journal.step("approve"), StepRecord::NotStarted));

        // The second question suspends it again.
        let graph = graph(&rt, &effects);
        let run = resume(&rt, &store).answer("approve", true).start(&graph);
        let report = run.await.unwrap().await;
        assert!(report.suspended);
        assert_eq!(report.step("send").unwrap().json(), Some("sent".into()));
        assert_eq!(report.questions.len(), 1);
        let open = store.load(run_id()).await.unwrap().open_questions();
        assert_eq!(open, [(*report.questions[0]).clone()]);
        assert_eq!(open[0].choices, [1, 2]);

        let run = resume(&rt, &store).answer("confirm", 2).start(&graph);
        let report = run.await.unwrap().await;
        assert!(report.is_success() && !report.suspended);
        assert_eq!(report.step("report").unwrap().json(), Some(2.into()));
        assert_eq!(done(&effects), ["load", "report", "send"]);
        let journal = store.load(run_id()).await.unwrap();
        assert!(journal.open_questions().is_empty());
    });
}

#[test]
fn a_run_that_is_taken_up_without_an_answer_asks_again() {
    TestRuntime::run_seeds(16, |rt| async move {
        let effects = Effects::default();
        let store = suspended(&rt, &effects).await;
        let graph = graph(&rt, &effects);
        let report = resume(&rt, &store).start(&graph).await.unwrap().await;
        assert!(report.suspended);
        assert_eq!(report.questions[0].step, "approve");
        // Answered while it runs.
        let flow = Flow::new(&rt);
        let run = flow
            .resume(store.clone(), run_id())
            .start(&graph)
            .await
            .unwrap();
        let (mut questions, answers) = (run.questions(), run.answers());
        let running = rt.spawn(run);
        questions.next().await.unwrap();
        answers.answer("approve", false).unwrap();
        let report = running.await.unwrap();
        assert!(report.is_success());
        assert_eq!(report.step("report").unwrap().status, Status::Skipped);
        assert_eq!(done(&effects), ["load"]);
        let store = store.load(run_id()).await.unwrap();
        assert!(store.open_questions().is_empty());
    });
}

#[test]
fn an_answer_that_does_not_fit_takes_nothing_up() {
    TestRuntime::run(|rt| async move {
        let effects = Effects::default();
        let store = suspended(&rt, &effects).await;
        let graph = graph(&rt, &effects);
        let refused = async |resume: Resume| match resume.start(&graph).await.unwrap_err() {
            error @ ResumeError::Answer(_) => {
                let source = error.source().unwrap().to_string();
                format!("{error}: {source}")
            }
            error => panic!("{error}"),
        };
        let resume = || resume(&rt, &store);
        assert_eq!(
            refused(resume().answer("approve", "yes")).await,
            "an answer cannot be taken: the answer to step `approve` is no `bool`"
        );
        assert_eq!(
            refused(resume().answer("send", "yes")).await,
            "an answer cannot be taken: there is no question of a step `send`"
        );
        assert_eq!(
            refused(resume().answer("approve", true).answer("approve", false)).await,
            "an answer cannot be taken: the question of step `approve` has been answered already"
        );
        assert_eq!(
            refused(resume().answer("approve", BTreeMap::from([(vec![1], 1)]))).await,
            "an answer cannot be taken: the answer to step `approve` cannot be JSON"
        );
        // It is not asked yet: its choices are not known.
        let run = resume()
            .answer("approve", true)
            .answer("confirm", 3)
            .start(&graph);
        drop(run.await.unwrap());
        let again = refused(resume().answer("approve", false)).await;
        assert!(again.ends_with("has been answered already"), "{again}");
    });
}

#[test]
fn an_answer_is_held_to_the_choices_of_what_was_asked() {
    TestRuntime::run(|rt| async move {
        let effects = Effects::default();
        let store = suspended(&rt, &effects).await;
        let graph = graph(&rt, &effects);
        let run = resume(&rt, &store).answer("approve", true).start(&graph);
        assert!(run.await.unwrap().await.suspended);
        let wrong = resume(&rt, &store).answer("confirm", 3).start(&graph).await;
        match wrong.unwrap_err() {
            ResumeError::Answer(AnswerError::NotAChoice { choices, .. }) => {
                assert_eq!(choices, [1, 2]);
            }
            error => panic!("{error}"),
        }
    });
}

#[test]
fn a_question_can_be_declined_before_a_run_goes_on() {
    TestRuntime::run(|rt| async move {
        let effects = Effects::default();
        let store = suspended(&rt, &effects).await;
        let run = resume(&rt, &store).decline("approve", "too many");
        let report = run.start(&graph(&rt, &effects)).await.unwrap().await;
        let step = report.step("approve").unwrap();
        assert_eq!(step.status, Status::Failed);
        let source = step.error.as_ref().unwrap().source().unwrap().to_string();
        assert_eq!(source, "the question was declined: too many");
        assert_eq!(report.step("send").unwrap().status, Status::Skipped);
    });
}

#[test]
fn a_step_that_was_cut_off_by_a_suspension_is_not_run_again_silently() {
    TestRuntime::run(|rt| async move {
        let graph = |is_idempotent: bool| {
            let mut graph = GraphBuilder::new();
            let clock = rt.clone();
            let slow = graph.step("slow", move |_| {
                let clock = clock.clone();
                async move {
                    clock.sleep(ms(100)).await;
                    Ok(())
                }
            });
            if is_idempotent {
                slow.idempotent();
            }
            graph.ask("ask", (), |_, ()| async { Ok(Question::<u64>::new("")) });
            graph.build().unwrap()
        };
        let store = MemoryCheckpoint::new();
        let flow = Flow::new(&rt).with_checkpoint(store.clone(), run_id());
        let run = flow.start(&graph(false));
        run.suspender().suspend_within(ms(10));
        let report = run.await;
        assert!(report.suspended, "it was suspended before it began");

        let run = Flow::new(&rt)
            .resume(store.clone(), run_id())
            .start(&graph(false))
            .await;
        let run = run.unwrap();
        let suspender = run.suspender();
        let running = rt.spawn(run);
        rt.sleep(ms(5)).await;
        suspender.suspend_within(ms(10));
        let report = running.await.unwrap();
        assert!(report.suspended);
        assert_eq!(report.step("slow").unwrap().status, Status::Cancelled);
        let journal = store.load(run_id()).await.unwrap();
        assert!(matches!(journal.step("slow"), StepRecord::OutcomeUnknown));
        assert!(matches!(journal.step("ask"), StepRecord::NotStarted));
        let refused = resume(&rt, &store)
            .answer("ask", 1)
            .start(&graph(false))
            .await;
        match refused.unwrap_err() {
            ResumeError::Undecided { steps } => assert_eq!(steps, ["slow"]),
            error => panic!("{error}"),
        }
        let run = resume(&rt, &store)
            .answer("ask", 1)
            .start(&graph(true))
            .await;
        assert!(run.unwrap().await.is_success());
    });
}

#[test]
fn a_question_within_a_step_is_answered_before_its_run_goes_on() {
    TestRuntime::run_seeds(16, |rt| async move {
        let effects = Effects::default();
        let mut inner = GraphBuilder::new();
        let seen = effects.clone();
        let work = inner.step("work", move |_| {
            seen.add("work");
            async { Ok(()) }
        });
        let work = work.id();
        let ask = inner.ask("ask", work, |_, _| async {
            Ok(Question::new("").with_choices([1_u64, 2]))
        });
        let ask = ask.id();
        inner.then("use", ask, |_, number| async move { Ok(*number) });
        let inner = inner.build().unwrap();
        let mut graph = GraphBuilder::new();
        let outer = graph.step("outer", move |context| {
            let inner = inner.clone();
            async move {
                let report = context.run(&inner).await?;
                report.assert_completed()?;
                Ok(report.step("use").unwrap().json())
            }
        });
        outer.idempotent();
        let graph = graph.build().unwrap();
        let store = MemoryCheckpoint::new();
        let flow = Flow::new(&rt).with_checkpoint(store.clone(), run_id());
        assert!(flow.suspend_when_waiting().run(&graph).await.suspended);
        let open = store.load(run_id()).await.unwrap().open_questions();
        assert_eq!(open[0].step, "outer/ask");

        let wrong = resume(&rt, &store)
            .answer("outer/ask", 3)
            .start(&graph)
            .await;
        assert!(matches!(
            wrong.unwrap_err(),
            ResumeError::Answer(AnswerError::NotAChoice { .. })
        ));
        let run = resume(&rt, &store).answer("outer/ask", 2).start(&graph);
        let report = run.await.unwrap().await;
        assert!(report.is_success());
        assert_eq!(report.step("outer").unwrap().json(), Some(2.into()));
        assert_eq!(done(&effects), ["work"]);
    });
}

#[test]
fn a_step_that_only_runs_a_graph_is_as_if_it_had_not_begun() {
    TestRuntime::run_seeds(16, |rt| async move {
        let effects = Effects::default();
        let mut inner = GraphBuilder::new();
        let seen = effects.clone();
        let work = inner.step("work", move |_| {
            seen.add("work");
            async { Ok(()) }
        });
        let work = work.id();
        let ask = inner.ask("ask", work, |_, _| async { Ok(Question::<u64>::new("")) });
        let ask = ask.id();
        let inner = inner.build().unwrap();
        let mut graph = GraphBuilder::new();
        let review = graph.sub_flow("review", &inner, ask).id();
        graph.then("double", review, |_, number| async move { Ok(*number * 2) });
        let graph = graph.build().unwrap();
        let store = MemoryCheckpoint::new();
        let flow = Flow::new(&rt).with_checkpoint(store.clone(), run_id());
        let report = flow.suspend_when_waiting().run(&graph).await;
        assert!(report.suspended);
        let status = |path| report.step(path).unwrap().status;
        assert_eq!(
            (status("review"), status("double")),
            (Status::Pending, Status::Pending)
        );
        assert_eq!(
            (status("review/work"), status("review/ask")),
            (Status::Completed, Status::Pending)
        );

        let run = resume(&rt, &store).answer("review/ask", 21).start(&graph);
        let report = run.await.unwrap().await;
        assert!(report.is_success(), "{report:?}");
        assert_eq!(report.step("double").unwrap().json(), Some(42.into()));
        assert_eq!(done(&effects), ["work"]);
    });
}

#[test]
fn wherever_a_run_is_dropped_it_can_be_answered_and_ends_with_every_effect_once() {
    drop_after_every_poll(|rt, cut| async move {
        let effects = Effects::default();
        let (graph, store) = (graph(&rt, &effects), MemoryCheckpoint::new());
        let flow = Flow::new(&rt).with_checkpoint(store.clone(), run_id());
        let run = flow.suspend_when_waiting().start(&graph);
        run.answers().answer("approve", true).unwrap();
        let ticks = async {
            loop {
                rt.sleep(ms(3)).await;
            }
        };
        cut.apply(future::or(run, ticks)).await;
        if store.load(run_id()).await.is_err() {
            return;
        }
        let mut resumed = resume(&rt, &store);
        // What was begun and dropped, and whether the answer was recorded, is another matter.
        let journal = store.load(run_id()).await.unwrap();
        for step in ["load", "send"] {
            if matches!(
                journal.step(step),
                StepRecord::OutcomeUnknown | StepRecord::Started
            ) {
                resumed = resumed.rerun(step);
            }
        }
        if !matches!(journal.step("approve"), StepRecord::Done(_)) {
            resumed = resumed.answer("approve", true);
        }
        let run = resumed.answer("confirm", 1).start(&graph).await.unwrap();
        let report = run.await;
        assert!(report.is_success(), "{report:?}");
        assert_eq!(report.step("report").unwrap().json(), Some(1.into()));
    });
}

/// What the test below runs, in processes of their own.
fn one_of_many_processes(folder: &str) {
    let turn = |rt: Rt| async move {
        let effects = Effects::default();
        let store = FileCheckpoint::open(&rt, folder).await.unwrap();
        let graph = graph(&rt, &effects);
        let flow = Flow::new(&rt).suspend_when_waiting();
        let journal = store.load(run_id()).await;
        let report = match journal {
            Err(_) => flow.with_checkpoint(store, run_id()).run(&graph).await,
            Ok(journal) => {
                let mut resume = flow.resume(store, run_id());
                for question in journal.open_questions() {
                    resume = match &*question.step {
                        "approve" => resume.answer("approve", true),
                        other => resume.answer(other, 2),
                    };
                }
                resume.start(&graph).await.unwrap().await
            }
        };
        for effect in done(&effects) {
            println!("did {effect}");
        }
        println!("suspended {}", report.suspended);
        println!("success {}", report.is_success());
    };
    TestRuntime::run(turn);
}

#[test]
fn each_answer_is_given_in_another_process() {
    const FOLDER: &str = "FASCINE_TEST_ANSWERS";
    if let Ok(folder) = std::env::var(FOLDER) {
        one_of_many_processes(&folder);
        return;
    }
    let folder = Folder::new();
    let run = || {
        let (_, module) = module_path!().split_once("::").unwrap();
        let name = format!("{module}::each_answer_is_given_in_another_process");
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", &name, "--nocapture"]);
        let output = again.env(FOLDER, folder.path()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let told = text.lines().filter(|line| {
            ["did ", "suspended ", "success "]
                .iter()
                .any(|word| line.starts_with(word))
        });
        told.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(run(), ["did load", "suspended true", "success false"]);
    assert_eq!(run(), ["did send", "suspended true", "success false"]);
    assert_eq!(run(), ["did report", "suspended false", "success true"]);
    assert_eq!(run(), ["suspended false", "success true"]);
}
