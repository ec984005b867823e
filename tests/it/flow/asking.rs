//! Steps that wait for an answer from outside of the run.

use std::collections::BTreeMap;
use std::error::Error;
use std::num::NonZeroUsize;
use std::sync::Arc;

use fascine::flow::{AnswerError, Flow, Graph, GraphBuilder, Question, Status};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::{StreamExt, future};
use serde_json::{Value, json};

use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    an_answer_is_the_output_of_the_step_that_asks,
    a_thousand_questions_are_open_at_once,
    of_two_answers_at_once_one_wins,
}

async fn an_answer_is_the_output_of_the_step_that_asks(rt: Rt, _: Arc<dyn Net>) {
    let run = Flow::new(&rt).start(&approval(&rt));
    let (mut questions, answers) = (run.questions(), run.answers());
    let running = rt.spawn(run);
    let question = questions.next().await.unwrap();
    assert_eq!((&*question.step, &*question.text), ("approve", "Send it?"));
    assert_eq!(question.details, json!({ "draft": "hello" }));
    assert_eq!((&*question.wanted, &question.refused), ("bool", &None));
    assert_eq!(questions.open(), [Arc::clone(&question)]);
    answers.answer("approve", true).unwrap();
    assert!(answers.open().is_empty());
    let report = running.await.unwrap();
    assert!(report.is_success() && !report.suspended);
    assert_eq!(report.step("approve").unwrap().attempts, 1);
    assert_eq!(report.step("send").unwrap().json(), Some("sent".into()));
    assert_eq!(questions.next().await, None);
}

/// `draft`, then `approve`, and `send` if the answer is yes.
fn approval(rt: &Rt) -> Graph {
    let mut graph = GraphBuilder::new();
    let clock = rt.clone();
    let draft = graph.step("draft", move |_| {
        let clock = clock.clone();
        async move {
            clock.sleep(ms(5)).await;
            Ok("hello".to_owned())
        }
    });
    let draft = draft.id();
    let approve = graph.ask("approve", draft, |context, draft| async move {
        assert_eq!(context.name(), "approve");
        Ok(Question::<bool>::new("Send it?").with_details(json!({ "draft": *draft })))
    });
    let approve = approve.id();
    graph.step("send", |_| async { Ok("sent".to_owned()) });
    graph
        .edge(approve, "send")
        .when(|seen| seen.output::<bool>() == Some(true.into()));
    graph.build().unwrap()
}

async fn a_thousand_questions_are_open_at_once(rt: Rt, _: Arc<dyn Net>) {
    let mut graph = GraphBuilder::new();
    for number in 0..1000_u64 {
        let ask = graph.ask(format!("ask {number}"), (), move |_, ()| async move {
            Ok(Question::<u64>::new(format!("What is {number} + 1?")))
        });
        let ask = ask.id();
        graph.then(format!("use {number}"), ask, |_, answer| async move {
            Ok(answer.pow(2))
        });
    }
    let run = Flow::new(&rt).start(&graph.build().unwrap());
    let (mut questions, answers) = (run.questions(), run.answers());
    let running = rt.spawn(run);
    // All of them are asked before the first one is answered, though five steps may run at once.
    let mut asked = Vec::new();
    for _ in 0..1000 {
        asked.push(questions.next().await.unwrap());
    }
    assert_eq!(answers.open().len(), 1000);
    for question in asked.iter().rev() {
        let number: u64 = question.step.strip_prefix("ask ").unwrap().parse().unwrap();
        answers.answer(&question.step, number + 1).unwrap();
    }
    let report = running.await.unwrap();
    assert!(report.is_success());
    let answer = |number: u64| report.step(&format!("use {number}")).unwrap().json();
    assert!((0..1000).all(|number| answer(number) == Some(((number + 1).pow(2)).into())));
}

async fn of_two_answers_at_once_one_wins(rt: Rt, _: Arc<dyn Net>) {
    let run = Flow::new(&rt).start(&one_question());
    let (mut questions, answers) = (run.questions(), run.answers());
    let running = rt.spawn(run);
    questions.next().await.unwrap();
    let give = |answer: u64| {
        let answers = answers.clone();
        rt.spawn(async move { answers.answer("ask", answer) })
    };
    let given = [give(1), give(2)];
    let mut results = Vec::new();
    for given in given {
        results.push(given.await.unwrap());
    }
    let winner = match &results[..] {
        [Ok(()), Err(AnswerError::AlreadyAnswered { step })] if step == "ask" => 1,
        [Err(AnswerError::AlreadyAnswered { step }), Ok(())] if step == "ask" => 2,
        _ => panic!("{results:?}"),
    };
    let report = running.await.unwrap();
    assert_eq!(report.step("ask").unwrap().json(), Some(winner.into()));
}

/// `ask` alone.
pub(super) fn one_question() -> Graph {
    let mut graph = GraphBuilder::new();
    graph.ask("ask", (), |_, ()| async {
        Ok(Question::<u64>::new("How many?"))
    });
    graph.build().unwrap()
}

#[test]
fn a_step_that_waits_for_an_answer_takes_no_place() {
    TestRuntime::run_seeds(16, |rt| async move {
        let mut graph = GraphBuilder::new();
        // It is the first to run, by its priority.
        let ask = graph.ask("ask", (), |_, ()| async {
            Ok(Question::<String>::new("Who?"))
        });
        ask.priority(1);
        let work = |graph: &mut GraphBuilder, name: &str| {
            let clock = rt.clone();
            graph.step(name, move |_| {
                let clock = clock.clone();
                async move {
                    clock.sleep(ms(10)).await;
                    Ok(())
                }
            });
        };
        for name in ["a", "b", "c", "after"] {
            work(&mut graph, name);
        }
        graph.edge("ask", "after");
        let run = Flow::new(&rt).sequential().start(&graph.build().unwrap());
        let answers = run.answers();
        let clock = rt.clone();
        let answer = rt.spawn(async move {
            // In the midst of `b`.
            clock.sleep(ms(15)).await;
            answers.answer("ask", "somebody")
        });
        let report = run.await;
        answer.await.unwrap().unwrap();
        let times = |name| {
            let step = report.step(name).unwrap();
            (step.started.unwrap(), step.elapsed)
        };
        assert_eq!(times("ask"), (ms(0), ms(15)));
        assert_eq!(times("a"), (ms(0), ms(10)));
        assert_eq!(times("b"), (ms(10), ms(10)));
        // One at a time: what the answer lets go on waits for its turn.
        let mut last = [times("c"), times("after")];
        last.sort();
        assert_eq!(last, [(ms(20), ms(10)), (ms(30), ms(10))]);
        assert_eq!(report.wall, ms(40));
    });
}

#[test]
fn a_question_keeps_its_resource() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        graph.resource("desk", NonZeroUsize::MIN);
        for name in ["first", "second"] {
            let ask = graph.ask(name, (), |_, ()| async {
                Ok(Question::<bool>::new("Well?"))
            });
            ask.resource("desk");
        }
        let run = Flow::new(&rt).start(&graph.build().unwrap());
        let (mut questions, answers) = (run.questions(), run.answers());
        let running = rt.spawn(run);
        for name in ["first", "second"] {
            assert_eq!(questions.next().await.unwrap().step, name);
            assert_eq!(questions.open().len(), 1);
            answers.answer(name, true).unwrap();
        }
        assert!(running.await.unwrap().is_success());
    });
}

#[test]
fn answers_that_do_not_fit_leave_the_question_open() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        graph.ask("colour", (), |_, ()| async {
            let choices = ["red", "green"].map(String::from);
            Ok(Question::<String>::new("Which?").with_choices(choices))
        });
        graph.ask("share", (), |_, ()| async {
            Ok(Question::<f64>::new("How much?").with_choices([0.5, 1.0]))
        });
        graph.step("other", |_| async { Ok(()) });
        let run = Flow::new(&rt).start(&graph.build().unwrap());
        let (mut questions, answers) = (run.questions(), run.answers());
        let running = rt.spawn(run);
        assert_eq!(questions.next().await.unwrap().choices, ["red", "green"]);
        questions.next().await.unwrap();

        let wrong = answers.answer("colour", 3).unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "the answer to step `colour` is no `alloc::string::String`"
        );
        let source = wrong.source().unwrap().to_string();
        assert_eq!(source, "invalid type: integer `3`, expected a string");
        let wrong = answers.answer("colour", "blue").unwrap_err();
        let text =
            r#"the answer to step `colour` is none of its choices, which are ["red","green"]"#;
        assert_eq!(wrong.to_string(), text);
        let keys = BTreeMap::from([(vec![1], 1)]);
        let wrong = answers.answer("colour", keys).unwrap_err();
        assert!(matches!(wrong, AnswerError::Value { step, .. } if step == "colour"));
        for name in ["other", "nobody", ""] {
            let wrong = answers.answer(name, "red").unwrap_err();
            assert!(matches!(wrong, AnswerError::NoSuchQuestion { step } if step == name));
        }
        assert_eq!(answers.open().len(), 2, "they are open as before");

        answers.answer("colour", "red").unwrap();
        answers.answer("share", 1).unwrap();
        let report = running.await.unwrap();
        assert_eq!(report.step("colour").unwrap().json(), Some("red".into()));
        assert_eq!(report.step("share").unwrap().json(), Some(1.0.into()));
        for name in ["colour", "share"] {
            let late = answers.answer(name, "red").unwrap_err();
            assert!(
                matches!(late, AnswerError::AlreadyAnswered { .. }),
                "{late}"
            );
        }
        let late = answers.answer("other", "red").unwrap_err();
        assert_eq!(
            late.to_string(),
            "the question of step `other` cannot be answered: the run is over"
        );
    });
}

#[test]
fn an_answer_may_come_before_the_question() {
    TestRuntime::run_seeds(16, |rt| async move {
        let mut run = Flow::new(&rt).start(&approval(&rt));
        let (mut events, answers) = (run.events(), run.answers());
        let mut questions = run.questions();
        let wrong = answers.answer("approve", "yes").unwrap_err();
        assert!(matches!(wrong, AnswerError::WrongType { .. }), "{wrong}");
        answers.answer("approve", true).unwrap();
        let twice = answers.answer("approve", false).unwrap_err();
        assert!(
            matches!(twice, AnswerError::AlreadyAnswered { .. }),
            "{twice}"
        );
        let report = run.await;
        assert!(report.is_success());
        assert_eq!(report.wall, ms(5));
        assert_eq!(report.step("send").unwrap().json(), Some("sent".into()));
        assert_eq!(questions.next().await, None, "nobody had to be asked");
        while let Some(event) = events.next().await {
            assert_eq!(event.question, None);
        }
    });
}

#[test]
fn an_early_answer_that_is_no_choice_is_told_with_the_question() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        graph.ask("colour", (), |_, ()| async {
            Ok(Question::new("Which?").with_choices([1, 2]))
        });
        let run = Flow::new(&rt).start(&graph.build().unwrap());
        let (mut questions, answers) = (run.questions(), run.answers());
        answers.answer("colour", 3).unwrap();
        let running = rt.spawn(run);
        let question = questions.next().await.unwrap();
        let refused = "the answer to step `colour` is none of its choices, which are [1,2]";
        assert_eq!(question.refused.as_deref(), Some(refused));
        answers.answer("colour", 2).unwrap();
        assert!(running.await.unwrap().is_success());
    });
}

#[test]
fn an_event_tells_what_is_asked() {
    TestRuntime::run(|rt| async move {
        let mut run = Flow::new(&rt).start(&approval(&rt));
        let (mut events, answers) = (run.events(), run.answers());
        let running = rt.spawn(run);
        let mut told = Vec::new();
        while let Some(event) = events.next().await {
            if let Some(question) = &event.question {
                assert_eq!((event.at, question.since), (ms(5), ms(5)));
                answers.answer(&question.step, false).unwrap();
            }
            told.push((
                event.step.to_string(),
                event.status,
                event.question.is_some(),
            ));
        }
        let told: Vec<_> = told
            .iter()
            .map(|(step, status, asks)| (&**step, *status, *asks))
            .collect();
        assert_eq!(
            told,
            [
                ("draft", Status::Processing, false),
                ("draft", Status::Completed, false),
                ("approve", Status::Processing, false),
                ("approve", Status::Processing, true),
                ("approve", Status::Completed, false),
                ("send", Status::Skipped, false),
            ]
        );
        assert!(running.await.unwrap().is_success());
    });
}

#[test]
fn wherever_a_run_that_asks_is_dropped_everybody_hears_of_its_end() {
    let polls = drop_after_every_poll(|rt, cut| async move {
        let mut run = Flow::new(&rt).sequential().start(&approval(&rt));
        let (mut questions, answers) = (run.questions(), run.answers());
        let approve = run.handle("approve").unwrap();
        let asked = rt.spawn(async move {
            while let Some(question) = questions.next().await {
                // The run may be gone meanwhile.
                let _ = answers.answer(&question.step, true);
            }
        });
        let ticks = async {
            loop {
                rt.sleep(ms(1)).await;
            }
        };
        let report = cut.apply(future::or(run, ticks)).await;
        asked.await.unwrap();
        let approve = approve.await;
        match report {
            Some(report) => assert!(report.is_success() && approve.status == Status::Completed),
            None => assert!(approve.status.is_final()),
        }
    });
    assert!(polls > 5);
}

#[test]
fn nobody_who_reads_questions_loses_one_by_being_dropped() {
    drop_after_every_poll(|rt, cut| async move {
        let run = Flow::new(&rt).start(&one_question());
        let (mut questions, answers) = (run.questions(), run.answers());
        let running = rt.spawn(run);
        let asked = match cut.apply(questions.next()).await {
            Some(asked) => asked,
            None => StreamExt::next(&mut questions).await,
        };
        assert_eq!(asked.unwrap().step, "ask");
        // A reader who comes later is told too.
        drop(questions);
        answers.answer("ask", 1).unwrap();
        assert!(running.await.unwrap().is_success());
    });
}

#[test]
fn questions_and_answers_are_values_of_their_own() {
    TestRuntime::run(|rt| async move {
        let run = Flow::new(&rt).start(&one_question());
        let (questions, answers) = (run.questions(), run.answers());
        let mut other = run.questions();
        let running = rt.spawn(run);
        let question = other.next().await.unwrap();
        let json: Value = serde_json::to_value(&*question).unwrap();
        assert_eq!(json["step"], "ask");
        let back: fascine::flow::OpenQuestion = serde_json::from_value(json).unwrap();
        assert_eq!(back, *question);
        assert!(format!("{questions:?} {answers:?}").contains("How many?"));
        drop((questions, other));
        answers.answer("ask", 1).unwrap();
        assert!(running.await.unwrap().is_success());
    });
}
