use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fascine::branch::{
    Branch, BranchError, CallOptions, Chat, Communicate, ToolSet, TurnOptions, tool,
};
use fascine::message::ToolCall;
use fascine::model::{Line, Request, ScriptedModel, ToolSpec};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use serde_json::json;

fn tools() -> ToolSet {
    let named = |name| tool(|(): ()| async { "done" }).named(name);
    let names = ["read_file", "read_url", "write_file"];
    names
        .into_iter()
        .map(named)
        .fold(ToolSet::new(), |set, tool| set.with(tool))
}

fn model(rt: &Rt) -> ScriptedModel {
    ScriptedModel::new(rt).with_rule("", "a")
}

/// The tools that the model was told of last.
fn told(model: &ScriptedModel) -> Vec<String> {
    let requests = model.requests();
    let tools = requests.last().unwrap().tools.iter();
    tools.map(|tool| tool.name.clone()).collect()
}

#[test]
fn the_model_is_told_of_the_tools_alone_that_may_be_called() {
    TestRuntime::run(|rt| async move {
        let model = model(&rt);
        let branch = Branch::builder(&rt, "b", model.clone())
            .tools(tools())
            .build();
        branch.communicate("x").await.unwrap();
        assert_eq!(told(&model), ["read_file", "read_url", "write_file"]);
        let reader = branch
            .fork_builder("reader")
            .allow_tools(["read_*"])
            .build();
        reader.communicate("x").await.unwrap();
        assert_eq!(told(&model), ["read_file", "read_url"]);
        let given = Request::default().with_tool(ToolSpec::new("write_file", "", json!({})));
        let given = CallOptions::default().with_request(given);
        reader
            .communicate(Communicate::new("x").with_call(given))
            .await
            .unwrap();
        assert!(told(&model).is_empty());
    });
}

#[test]
fn a_fork_never_may_do_more_than_its_parent() {
    TestRuntime::run(|rt| async move {
        let model = model(&rt);
        let branch = Branch::builder(&rt, "b", model.clone()).tools(tools());
        let branch = branch
            .allow_tools(["read_*"])
            .allow_models(["scripted"])
            .build();
        let fork = branch
            .fork_builder("f")
            .tools(tools())
            .allow_tools(["*_file"])
            .allow_models(["*"])
            .build();
        fork.communicate("x").await.unwrap();
        assert_eq!(told(&model), ["read_file"]);
        let capabilities = fork.capabilities();
        assert!(capabilities.permits_tool("read_file") && !capabilities.permits_tool("write_file"));
        assert!(!capabilities.permits_model("other"));
        let none: [&str; 0] = [];
        let mute = fork.fork_builder("g").allow_tools(none).build();
        mute.communicate("x").await.unwrap();
        assert!(told(&model).is_empty());
    });
}

#[test]
fn a_model_that_is_not_allowed_is_not_asked_however_it_is_named() {
    TestRuntime::run(|rt| async move {
        let model = model(&rt);
        let other = ScriptedModel::new(&rt)
            .with_name("other")
            .with_rule("", "b");
        let branch = Branch::builder(&rt, "b", model.clone()).allow_models(["scripted", "small-*"]);
        let branch = branch.build();
        let ask = |call| branch.communicate(Communicate::new("x").with_call(call));
        let named =
            |name: &str| CallOptions::default().with_request(Request::default().with_model(name));
        ask(named("small-1")).await.unwrap();
        for call in [
            CallOptions::default().with_model(other.clone()),
            named("large"),
        ] {
            let error = ask(call).await.unwrap_err();
            assert!(
                matches!(error, BranchError::ModelNotAllowed { .. }),
                "{error:?}"
            );
            assert_eq!((error.attempts(), error.is_retryable()), (0, false));
        }
        assert_eq!((model.requests().len(), other.requests().len()), (1, 0));
        let fork = branch.fork_builder("f").model(other).build();
        let error = fork.communicate("x").await.unwrap_err();
        assert_eq!(error.to_string(), "branch `f` must not ask model `other`");
        assert_eq!(branch.history().len(), 2);
    });
}

#[test]
fn a_tool_that_may_not_be_called_is_not_called_even_if_it_is_given_for_one_turn() {
    TestRuntime::run(|rt| async move {
        let called = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&called);
        let write = tool(move |(): ()| {
            counting.fetch_add(1, Ordering::SeqCst);
            async { "written" }
        });
        let given =
            TurnOptions::default().with_tools(ToolSet::new().with(write.named("write_file")));
        let call = ToolCall::new("1", "write_file", "{}");
        let model = ScriptedModel::new(&rt)
            .with_line(Line::tool_calls([call]))
            .with_answer("a");
        let branch = Branch::builder(&rt, "b", model.clone())
            .allow_tools(["read_*"])
            .build();
        branch
            .communicate(Communicate::new("x").with_turn(given))
            .await
            .unwrap();
        assert_eq!(called.load(Ordering::SeqCst), 0);
        assert!(told(&model).is_empty());
        let history = branch.history();
        let result = history
            .iter()
            .find_map(|message| message.tool_results().next());
        assert!(
            result.unwrap().is_error,
            "the model gets to read that there is no such tool"
        );
    });
}

#[test]
fn what_is_asked_outside_of_a_turn_is_held_to_the_same() {
    TestRuntime::run(|rt| async move {
        let model = model(&rt);
        let branch = Branch::builder(&rt, "b", model.clone())
            .allow_models(["other"])
            .build();
        let error = branch.chat(Chat::new("x")).await.unwrap_err();
        assert!(
            matches!(error, BranchError::ModelNotAllowed { .. }),
            "{error:?}"
        );
        assert!(model.requests().is_empty());
    });
}
