use fascine::branch::{
    Branch, BranchError, CallOptions, Communicate, Tool, ToolContext, ToolError, ToolSet,
};
use fascine::model::{Request, ScriptedModel, ToolSpec};
use fascine::rt::{BoxFuture, Rt};
use fascine_testing::TestRuntime;
use serde_json::{Value, json};
use std::future::ready;

/// A tool that is only looked at.
#[derive(Debug)]
struct Named(ToolSpec);

impl Tool for Named {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn call(&self, _: Value, _: ToolContext) -> BoxFuture<Result<Value, ToolError>> {
        Box::pin(ready(Ok(Value::Null)))
    }
}

fn tools() -> ToolSet {
    ["read_file", "read_url", "write_file"]
        .into_iter()
        .fold(ToolSet::new(), |set, name| {
            set.with(Named(ToolSpec::new(name, "", json!({}))))
        })
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
