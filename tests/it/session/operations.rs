//! What an operation can be.

use fascine::branch::{
    Act, AnswerOptions, Branch, Choices, HandleValidation, Operate, Parse, Select, ToolSet, tool,
};
use fascine::flow::Status;
use fascine::message::ToolCall;
use fascine::model::{EchoModel, ScriptedModel};
use fascine::rt::Rt;
use fascine::session::{
    DuplicateFunction, Operation, OperationGraph, OperationOutput, Session, SessionError,
};
use fascine_testing::TestRuntime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::text;

#[derive(Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
struct Animal {
    name: String,
    legs: u32,
}

const SPIDER: &str = r#"{"name": "spider", "legs": 8}"#;

fn spider() -> Animal {
    Animal {
        name: "spider".into(),
        legs: 8,
    }
}

/// Runs one operation on a branch with this model, and gives what it gave.
async fn run(rt: &Rt, model: ScriptedModel, operation: Operation) -> OperationOutput {
    run_on(rt, Branch::new(rt, "b", model), operation).await
}

async fn run_on(rt: &Rt, branch: Branch, operation: Operation) -> OperationOutput {
    let session = Session::new(rt, branch);
    let graph = OperationGraph::new().add_operation("it", operation);
    let report = session.flow(&graph).await.unwrap();
    report.assert_completed().unwrap();
    assert!(session.default_branch().history().is_empty());
    let output = OperationOutput::of(&report, "it").unwrap();
    // What a report, and so a checkpoint, has of it is the same.
    let json = report.step("it").unwrap().json().unwrap();
    assert_eq!(
        serde_json::from_value::<OperationOutput>(json).unwrap(),
        output
    );
    output
}

#[test]
fn communicate_and_chat_give_the_answer() {
    TestRuntime::run(|rt| async move {
        for operation in [Operation::communicate("?"), Operation::chat("?")] {
            let model = ScriptedModel::new(&rt).with_answer("Eight.");
            let output = run(&rt, model, operation).await;
            assert_eq!((output.text.as_str(), output.attempts), ("Eight.", Some(1)));
            assert!(output.data.is_null());
            assert_eq!(output.value::<String>().unwrap(), "Eight.");
        }
    });
}

#[test]
fn operate_gives_data_after_as_many_requests_as_it_took() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_answer(r#"{"name": "spider"}"#)
            .with_answer(SPIDER);
        let output = run(&rt, model, Operation::operate::<Animal>("?")).await;
        assert_eq!(output.value::<Animal>().unwrap(), spider());
        assert_eq!((output.text.as_str(), output.attempts), (SPIDER, Some(2)));
    });
}

#[test]
fn operate_as_says_whether_there_is_all_of_it() {
    TestRuntime::run(|rt| async move {
        let operate = |handle| {
            let what = Operate::new("?").with_answer(AnswerOptions::default().with_re_asks(0));
            Operation::operate_as::<Animal>(what, handle)
        };
        let part = || ScriptedModel::new(&rt).with_answer(r#"{"name": "spider"}"#);
        let output = run(&rt, part(), operate(HandleValidation::ReturnValue)).await;
        assert_eq!(
            (output.data["name"].as_str(), output.is_partial),
            (Some("spider"), true)
        );
        let output = run(&rt, part(), operate(HandleValidation::ReturnNone)).await;
        assert_eq!((output.data.is_null(), output.is_partial), (true, true));
        let model = ScriptedModel::new(&rt).with_answer(SPIDER);
        let output = run(&rt, model, operate(HandleValidation::ReturnValue)).await;
        assert_eq!(output.value::<Animal>().unwrap(), spider());
        assert!(!output.is_partial);
    });
}

#[test]
fn react_gives_its_answer() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_answer(r#"{"analysis": "An arachnid.", "extension_needed": false}"#)
            .with_answer(r#"{"answer": "Eight."}"#)
            .with_answer(r#"{"is_complete": true, "reasoning": "It says how many."}"#);
        let output = run(&rt, model, Operation::react::<String>("How many legs?")).await;
        assert_eq!(output.value::<String>().unwrap(), "Eight.");
        assert_eq!(output.attempts, Some(3));
    });
}

#[test]
fn select_gives_the_list_of_what_was_chosen() {
    TestRuntime::run(|rt| async move {
        let choices = Choices::labelled([("spider", 8), ("beetle", 6)]);
        let model = ScriptedModel::new(&rt).with_answer(r#"{"selected": ["beetle"]}"#);
        let output = run(
            &rt,
            model,
            Operation::select(Select::new("Which?", choices)),
        )
        .await;
        assert_eq!(output.data, json!([6]));
    });
}

#[test]
fn parse_makes_a_value_of_an_answer() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt).with_rule("Describe", format!("Here: {SPIDER}"));
        let session = Session::new(&rt, Branch::new(&rt, "b", model));
        let parse = || Parse::new("");
        let part =
            Parse::new(r#"{"legs": 8}"#).with_answer(AnswerOptions::default().with_re_asks(0));
        let graph = OperationGraph::new().chain([
            ("describe", Operation::communicate("Describe a spider.")),
            ("parse", Operation::parse::<Animal>(parse()).with_answers()),
        ]);
        let graph = graph.add_operation(
            "part",
            Operation::parse_as::<Animal>(part, HandleValidation::ReturnValue),
        );
        let report = session.flow(&graph).await.unwrap();
        let output = OperationOutput::of(&report, "parse").unwrap();
        assert_eq!(output.value::<Animal>().unwrap(), spider());
        assert_eq!(output.attempts, Some(0), "no model was asked");
        let output = OperationOutput::of(&report, "part").unwrap();
        assert_eq!(
            (output.data, output.is_partial),
            (json!({ "legs": 8 }), true)
        );
    });
}

#[test]
fn interpret_gives_the_better_request() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt).with_rule("The user wrote:\nlegs?", "How many legs?");
        let output = run(&rt, model, Operation::interpret("legs?")).await;
        assert_eq!(output.text, "How many legs?");
    });
}

#[test]
fn act_gives_the_results_of_the_tools() {
    TestRuntime::run(|rt| async move {
        let now = tool(|(): ()| async { "noon" }).named("now");
        let branch = Branch::builder(&rt, "b", EchoModel)
            .tools(ToolSet::new().with(now))
            .build();
        let calls = ["now", "unknown"].map(|name| ToolCall::new(name, name, "{}"));
        let output = run_on(&rt, branch, Operation::act(Act::new(calls))).await;
        assert_eq!(output.data[0]["text"], "noon");
        assert_eq!(output.data[1]["is_error"], true);
        assert_eq!(output.attempts, None);
    });
}

#[test]
fn a_function_of_the_program_is_an_operation() {
    TestRuntime::run(|rt| async move {
        let session = Session::new(&rt, Branch::new(&rt, "echo", EchoModel));
        let twice = |branch: Branch, _| async move {
            branch.communicate("one").await?;
            branch.communicate("two").await?;
            Ok(json!({ "said": branch.history().len() }))
        };
        let graph = OperationGraph::new().add_operation("it", Operation::function(twice));
        let report = session.flow(&graph).await.unwrap();
        let output = OperationOutput::of(&report, "it").unwrap();
        assert_eq!(
            (output.text.as_str(), &output.data["said"]),
            (r#"{"said":4}"#, &json!(4))
        );
        assert!(session.default_branch().history().is_empty());
    });
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Greeting {
    name: String,
}

fn greeting(rt: &Rt) -> Session {
    let session = Session::new(rt, Branch::new(rt, "echo", EchoModel));
    let greet = |branch: Branch, _, greeting: Greeting| async move {
        Ok(branch
            .communicate(format!("Hello, {}!", greeting.name))
            .await?)
    };
    session.register("greet", greet).unwrap();
    session
}

#[test]
fn a_registered_function_works_in_every_step() {
    TestRuntime::run(|rt| async move {
        let session = greeting(&rt)
            .with_branch(Branch::new(&rt, "other", EchoModel))
            .unwrap();
        let greet = |name: &str| Operation::registered("greet", json!({ "name": name }));
        let graph = OperationGraph::new()
            .chain([("a", greet("Ada")), ("b", greet("Bob")), ("c", greet("Cy"))])
            .add_operation(
                "d",
                greet("Dora")
                    .on_branch("other")
                    .depends_on("c")
                    .inherit_context(),
            );
        let report = session.flow(&graph).await.unwrap();
        let said = ["a", "b", "c", "d"].map(|name| text(&report, name));
        assert_eq!(
            said,
            ["Hello, Ada!", "Hello, Bob!", "Hello, Cy!", "Hello, Dora!"]
        );
    });
}

#[test]
fn a_name_that_is_not_registered_is_an_error_before_anything_runs() {
    TestRuntime::run(|rt| async move {
        let session = greeting(&rt);
        let graph =
            OperationGraph::new().add_operation("x", Operation::registered("gret", json!({})));
        let error = session.compile(&graph).unwrap_err();
        assert_eq!(
            error.to_string(),
            "operation `x` wants a function `gret` that is not registered"
        );
        assert!(session.unregister("greet"));
        assert!(!session.unregister("greet"));
        let graph = OperationGraph::new().add_operation(
            "x",
            Operation::registered("greet", json!({ "name": "Ada" })),
        );
        let error = session.flow(&graph).await.unwrap_err();
        assert!(
            matches!(error, SessionError::UnknownFunction { .. }),
            "{error}"
        );
    });
}

#[test]
fn parameters_that_a_function_does_not_take_are_an_error_before_anything_runs() {
    TestRuntime::run(|rt| async move {
        for parameters in [
            json!({}),
            json!({ "name": 5 }),
            json!({ "name": "Ada", "age": 5 }),
            json!(null),
        ] {
            let graph = OperationGraph::new()
                .add_operation("x", Operation::registered("greet", parameters.clone()));
            let error = greeting(&rt).compile(&graph).unwrap_err();
            let SessionError::Parameters {
                operation,
                function,
                ..
            } = &error
            else {
                panic!("{parameters}: {error}");
            };
            assert_eq!((operation.as_str(), function.as_str()), ("x", "greet"));
        }
    });
}

#[test]
fn a_function_is_registered_once() {
    TestRuntime::run(|rt| async move {
        let session = greeting(&rt);
        let again = session.register("greet", |_, _, (): ()| async { Ok("hello") });
        let DuplicateFunction { function, .. } = again.unwrap_err();
        assert_eq!(function, "greet");
        session
            .register("other", |_, _, (): ()| async { Ok("hello") })
            .unwrap();
        assert_eq!(session.registered(), ["greet", "other"]);
    });
}

#[test]
fn a_function_that_fails_or_panics_fails_its_operation_alone() {
    TestRuntime::run(|rt| async move {
        let session = Session::new(&rt, Branch::new(&rt, "echo", EchoModel));
        let fails = |_, _| async { Err::<OperationOutput, _>("no".into()) };
        let panics = |_, _| async { panic!("oh no") as fascine::flow::StepResult<OperationOutput> };
        let graph = OperationGraph::new()
            .add_operation("fails", Operation::function(fails))
            .add_operation("panics", Operation::function(panics))
            .add_operation("works", Operation::communicate("hello"));
        let report = session.flow(&graph).await.unwrap();
        let status = |name| report.step(name).unwrap().status;
        assert_eq!(status("fails"), Status::Failed);
        assert_eq!(status("panics"), Status::Failed);
        assert_eq!(status("works"), Status::Completed);
    });
}
