//! What an operation is told of what others gave.

use fascine::branch::{Branch, Instruction};
use fascine::flow::{Join, OnError, StepResult};
use fascine::message::{Media, Message, Part, Role};
use fascine::model::ScriptedModel;
use fascine::session::{Operation, OperationGraph, OperationOutput, Session, SessionError};
use fascine_testing::TestRuntime;

use super::{ask, echo, text};

/// What was said to the model in the request whose last message is this.
#[track_caller]
fn heard(model: &ScriptedModel, last: &str) -> Vec<String> {
    let requests = model.requests();
    let texts = requests.iter().map(|request| {
        let messages = request.messages.iter();
        messages.map(Message::text).collect::<Vec<_>>()
    });
    let mut found = texts.filter(|texts| texts.last().is_some_and(|text| text == last));
    found.next().expect("it was asked")
}

#[test]
fn an_operation_is_told_nothing_unless_it_asks() {
    TestRuntime::run(|rt| async move {
        let graph = OperationGraph::new().chain([("a", ask("first")), ("b", ask("second"))]);
        let report = echo(&rt).flow(&graph).await.unwrap();
        assert_eq!(text(&report, "b"), "second");
    });
}

#[test]
fn answers_stand_under_the_instruction_by_name_in_the_order_of_the_dependencies() {
    TestRuntime::run_seeds(8, |rt| async move {
        let graph = OperationGraph::new()
            .add_operation(
                "c",
                ask("sum").depends_on("b").depends_on("a").with_answers(),
            )
            .add_operation("a", ask("first"))
            .add_operation("b", ask("second"));
        let report = echo(&rt).flow(&graph).await.unwrap();
        assert_eq!(text(&report, "c"), "sum\n\n# b\n\nsecond\n\n# a\n\nfirst");
    });
}

#[test]
fn an_operation_that_says_nothing_takes_a_single_answer_as_it_is() {
    TestRuntime::run(|rt| async move {
        let graph = OperationGraph::new()
            .add_operation("a", ask("first"))
            .add_operation(
                "b",
                Operation::communicate(Instruction::default())
                    .depends_on("a")
                    .with_answers(),
            )
            .add_operation("c", ask("").depends_on("a").depends_on("b").with_answers());
        let report = echo(&rt).flow(&graph).await.unwrap();
        assert_eq!(text(&report, "b"), "first");
        assert_eq!(text(&report, "c"), "# a\n\nfirst\n\n# b\n\nfirst");
    });
}

#[test]
fn answers_go_with_guidance_context_and_pictures() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_rule("first", "one")
            .with_rule("", "two");
        let session = Session::new(&rt, Branch::new(&rt, "b", model.clone()));
        let picture = Part::Image(Media::from_url("image/png", "https://example.org/a.png"));
        let instruction = Instruction::text("Look.")
            .with_part(picture.clone())
            .with_guidance("Be brief.")
            .with_context("It is late.");
        let graph = OperationGraph::new().chain([
            ("a", ask("first")),
            ("b", Operation::communicate(instruction).with_answers()),
        ]);
        session
            .flow(&graph)
            .await
            .unwrap()
            .assert_completed()
            .unwrap();
        let message = model.requests()[1].messages[0].clone();
        assert_eq!(
            message.text(),
            "Guidance:\nBe brief.\n\nInstruction:\nLook.\n\n# a\n\none\n\nContext:\n- \"It is late.\"",
        );
        assert!(message.content().contains(&picture));
    });
}

#[test]
fn an_inherited_conversation_goes_on() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_answer("0")
            .with_answer("A")
            .with_answer("B")
            .with_answer("C");
        let branch = Branch::builder(&rt, "b", model.clone())
            .system("Be brief.")
            .build();
        branch.communicate("before").await.unwrap();
        let session = Session::new(&rt, branch);
        let graph = OperationGraph::new().chain([
            ("a", ask("first")),
            ("b", ask("second").inherit_context()),
            ("c", ask("third").inherit_context()),
        ]);
        session
            .flow(&graph)
            .await
            .unwrap()
            .assert_completed()
            .unwrap();
        assert_eq!(
            heard(&model, "third"),
            [
                "Be brief.",
                "before",
                "0",
                "first",
                "A",
                "second",
                "B",
                "third"
            ]
        );
        assert_eq!(session.default_branch().history().len(), 2);
    });
}

#[test]
fn of_several_the_first_goes_on_and_the_others_are_told() {
    TestRuntime::run_seeds(8, |rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_rule("one", "1")
            .with_rule("two", "2")
            .with_rule("", "3");
        let session = Session::new(&rt, Branch::new(&rt, "b", model.clone()));
        let graph = OperationGraph::new()
            .add_operation("one", ask("Say one."))
            .add_operation("two", ask("Say two."))
            .add_operation(
                "x",
                ask("X.")
                    .depends_on("one")
                    .depends_on("two")
                    .inherit_context(),
            )
            .add_operation(
                "y",
                ask("Y.")
                    .depends_on("one")
                    .depends_on("two")
                    .inherit_context_from("two")
                    .with_answers(),
            );
        session
            .flow(&graph)
            .await
            .unwrap()
            .assert_completed()
            .unwrap();
        let last = "X.\n\n# two\n\n2";
        assert_eq!(heard(&model, last), ["Say one.", "1", last]);
        let last = "Y.\n\n# one\n\n1";
        assert_eq!(heard(&model, last), ["Say two.", "2", last]);
    });
}

#[test]
fn a_conversation_goes_on_from_the_way_that_was_taken() {
    TestRuntime::run(|rt| async move {
        let session = echo(&rt);
        let graph = OperationGraph::new()
            .add_conditional_branch(
                ("check", ask("no")),
                |answer| answer.text == "yes",
                ("then", ask("then")),
                ("otherwise", ask("otherwise").inherit_context()),
            )
            .add_operation(
                "end",
                Operation::function(
                    |branch, _| async move { Ok(branch.history().len().to_string()) },
                )
                .depends_on("then")
                .depends_on("otherwise")
                .inherit_context(),
            );
        let report = session.flow(&graph).await.unwrap();
        assert_eq!(text(&report, "end"), "4");
    });
}

#[test]
fn an_answer_that_did_not_enter_the_conversation_is_told() {
    TestRuntime::run(|rt| async move {
        let other = |branch: Branch, _| async move {
            branch.communicate("aside").await?;
            Ok("what I make of it")
        };
        let graph = OperationGraph::new()
            .add_operation("chat", Operation::chat("by the way"))
            .add_operation("function", Operation::function(other))
            .add_operation("x", ask("X").depends_on("chat").inherit_context())
            .add_operation("y", ask("Y").depends_on("function").inherit_context());
        let report = echo(&rt).flow(&graph).await.unwrap();
        assert_eq!(text(&report, "x"), "X\n\n# chat\n\nby the way");
        assert_eq!(text(&report, "y"), "Y\n\n# function\n\nwhat I make of it");
    });
}

#[test]
fn a_conversation_goes_on_with_another_model() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt).with_answer("B");
        let other = Branch::builder(&rt, "other", model.clone())
            .system("You review.")
            .build();
        let session = echo(&rt).with_branch(other).unwrap();
        let graph = OperationGraph::new().chain([
            ("a", ask("first")),
            ("b", ask("second").on_branch("other").inherit_context()),
        ]);
        session
            .flow(&graph)
            .await
            .unwrap()
            .assert_completed()
            .unwrap();
        assert_eq!(
            heard(&model, "second"),
            ["You review.", "first", "first", "second"]
        );
        assert_eq!(model.requests()[0].messages[2].role(), Role::Assistant);
    });
}

#[test]
fn one_goes_on_only_from_what_it_depends_on() {
    TestRuntime::run(|rt| async move {
        let graph = OperationGraph::new()
            .add_operation("a", ask("first"))
            .add_operation("b", ask("second").inherit_context_from("a"));
        let error = echo(&rt).compile(&graph).unwrap_err();
        assert!(matches!(error, SessionError::NotDependent { .. }));
        assert_eq!(
            error.to_string(),
            "operation `b` goes on from `a`, but does not depend on it"
        );
    });
}

#[test]
fn an_error_that_is_carried_on_is_told_down_to_its_cause() {
    TestRuntime::run(|rt| async move {
        let fails = |_, _| -> std::future::Ready<StepResult<OperationOutput>> {
            std::future::ready(Err("the disk is full".into()))
        };
        let go_on = Operation::function(fails).with_step(|step| step.on_error(OnError::Continue));
        let graph = OperationGraph::new()
            .add_operation("a", go_on)
            .add_operation(
                "b",
                ask("What now?")
                    .depends_on("a")
                    .with_answers()
                    .with_step(|step| step.join(Join::Any)),
            );
        let report = echo(&rt).flow(&graph).await.unwrap();
        assert_eq!(
            text(&report, "b"),
            "What now?\n\n# a\n\n(failed: step `a` failed at attempt 1: the disk is full)"
        );
    });
}

#[test]
fn only_a_conversation_that_goes_on_is_in_the_report() {
    TestRuntime::run(|rt| async move {
        let graph = OperationGraph::new()
            .chain([("a", ask("first")), ("b", ask("second").inherit_context())]);
        let report = echo(&rt).flow(&graph).await.unwrap();
        let json = |name| report.step(name).unwrap().json().unwrap();
        assert_eq!(json("a")["conversation"].as_array().unwrap().len(), 1);
        assert!(json("b").get("conversation").is_none());
        // It comes out of JSON as it went in: that is how a checkpoint keeps it.
        let read: OperationOutput = serde_json::from_value(json("a")).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), json("a"));
    });
}
