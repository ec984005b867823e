//! Functions as tools: how they are described, and what they may be called.

use std::collections::BTreeMap;
use std::convert::Infallible;

use fascine::branch::{
    FnTool, Json, Tool, ToolContext, ToolError, ToolSet, ToolSetError, blocking_tool, tool,
    tool_with_context,
};
use fascine_testing::TestRuntime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Says how the weather is.
#[derive(Deserialize, JsonSchema)]
#[schemars(title = "get_weather")]
struct GetWeather {
    /// The city, in English.
    city: String,
    /// How it is counted.
    #[serde(default)]
    unit: Unit,
    /// How many days ahead.
    days: Option<u8>,
}

#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Unit {
    #[default]
    Celsius,
    Fahrenheit,
}

#[derive(Serialize)]
struct Weather {
    city: String,
    unit: Unit,
    days: u8,
}

fn weather() -> FnTool {
    tool(|asked: GetWeather| async move {
        Ok::<_, Infallible>(Weather {
            city: asked.city,
            unit: asked.unit,
            days: asked.days.unwrap_or(1),
        })
    })
}

async fn call(tool: &FnTool, rt: &fascine::rt::Rt, arguments: Value) -> Result<Value, ToolError> {
    tool.call(arguments, ToolContext::new(rt, "1")).await
}

#[test]
fn the_argument_of_a_function_says_how_it_is_described() {
    let tool = weather();
    let spec = tool.spec();
    assert_eq!(spec.name, "get_weather");
    assert_eq!(spec.description, "Says how the weather is.");
    let parameters = &spec.parameters;
    assert_eq!(parameters["type"], "object");
    assert_eq!(parameters["required"], json!(["city"]));
    assert_eq!(
        parameters["properties"]["city"],
        json!({"type": "string", "description": "The city, in English."})
    );
    assert_eq!(
        parameters["$defs"]["Unit"]["enum"],
        json!(["celsius", "fahrenheit"])
    );
    for absent in ["$schema", "title", "description"] {
        assert_eq!(parameters.get(absent), None, "{absent}");
    }
    let renamed = weather().named("w").described("Weather.").with_strict(true);
    let spec = renamed.spec();
    assert_eq!(
        (spec.name.as_str(), spec.description.as_str(), spec.strict),
        ("w", "Weather.", Some(true))
    );
}

#[test]
fn a_function_that_takes_nothing_is_described_as_an_object_without_properties() {
    #[derive(Deserialize, JsonSchema)]
    struct Nothing {}
    let tools = [
        tool(|(): ()| async {}).named("unit"),
        tool(|_: Nothing| async {}),
        tool(|_: BTreeMap<String, Value>| async {}),
        tool(|_: Value| async {}).named("anything"),
    ];
    for tool in &tools {
        let parameters = &tool.spec().parameters;
        assert_eq!(parameters["type"], "object", "{tool:?}");
        assert_eq!(parameters["properties"], json!({}), "{tool:?}");
    }
    TestRuntime::run(|rt| async move {
        for tool in &tools {
            let called = call(tool, &rt, json!({})).await;
            assert_eq!(called.unwrap(), Value::Null, "{tool:?}");
        }
    });
}

#[test]
fn what_a_function_returns_is_its_result() {
    TestRuntime::run(|rt| async move {
        let calls = [
            (tool(|(): ()| async { 7 }), json!(7)),
            (tool(|(): ()| async { "text" }), json!("text")),
            (tool(|(): ()| async { vec![1, 2] }), json!([1, 2])),
            (tool(|(): ()| async { None::<String> }), Value::Null),
            (
                tool(|(): ()| async { Json(Unit::Celsius) }),
                json!("celsius"),
            ),
            (tool(|(): ()| async { Ok::<_, String>(1.5) }), json!(1.5)),
            (blocking_tool(|(): ()| true), json!(true)),
        ];
        for (tool, expected) in calls {
            assert_eq!(call(&tool, &rt, json!({})).await.unwrap(), expected);
        }
        let answer = call(
            &weather(),
            &rt,
            json!({"city": "Rome", "unit": "fahrenheit"}),
        )
        .await;
        assert_eq!(
            answer.unwrap(),
            json!({"city": "Rome", "unit": "fahrenheit", "days": 1})
        );
    });
}

#[test]
fn an_error_of_any_type_keeps_its_causes() {
    TestRuntime::run(|rt| async move {
        let inner = || std::io::Error::other("the disk is full");
        let with_io = tool(move |(): ()| async move { Err::<(), _>(inner()) });
        let error = call(&with_io, &rt, json!({})).await.unwrap_err();
        assert_eq!(error.to_string(), "the tool failed");
        assert_eq!(error.text(), "the tool failed: the disk is full");
        let with_text = tool(|(): ()| async { Err::<(), _>("no such city") });
        let error = call(&with_text, &rt, json!({})).await.unwrap_err();
        assert_eq!(error.text(), "the tool failed: no such city");
        let own = tool(|(): ()| async {
            let reason = "the unit is unknown".to_owned();
            Err::<(), _>(ToolError::InvalidArguments { reason })
        });
        let error = call(&own, &rt, json!({})).await.unwrap_err();
        assert!(
            matches!(error, ToolError::InvalidArguments { .. }),
            "{error}"
        );
    });
}

#[test]
fn wrong_arguments_name_the_field() {
    #[derive(Deserialize, JsonSchema)]
    struct Order {
        #[expect(dead_code, reason = "it is read from JSON only")]
        lines: Vec<Line>,
    }
    #[derive(Deserialize, JsonSchema)]
    struct Line {
        #[expect(dead_code, reason = "it is read from JSON only")]
        count: u8,
    }
    TestRuntime::run(|rt| async move {
        let order = tool(|_: Order| async {});
        let arguments = json!({"lines": [{"count": 1}, {"count": "two"}]});
        let error = call(&order, &rt, arguments).await.unwrap_err();
        let text = error.text();
        assert!(text.contains("`lines[1].count`"), "{text}");
        assert!(text.contains("expected u8"), "{text}");
        let error = call(&order, &rt, json!({})).await.unwrap_err();
        assert!(error.text().contains("missing field `lines`"), "{error}");
    });
}

#[test]
fn a_set_takes_a_name_once_and_only_one_that_providers_take() {
    let named = |name: &str| tool(|(): ()| async {}).named(name);
    let tools = ToolSet::new().try_with(named("a")).unwrap();
    let error = tools.clone().try_with(named("a")).unwrap_err();
    assert_eq!(error, ToolSetError::Duplicate { name: "a".into() });
    for name in ["", "get weather", "été", "a.b", &"x".repeat(65)] {
        let error = tools.clone().try_with(named(name)).unwrap_err();
        assert_eq!(error, ToolSetError::InvalidName { name: name.into() });
    }
    let number = tool(|n: u64| async move { n }).named("number");
    let error = tools.clone().try_with(number).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the tool `number` takes no object: give it a struct"
    );
    let optional = tool(|_: Option<GetWeather>| async {}).named("optional");
    assert_eq!(tools.clone().try_with(optional).unwrap().len(), 2);
    let both = tools.clone().try_with(named("b")).unwrap();
    assert_eq!(both.names().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(tools.len(), 1, "the set it was made from is as it was");
    assert_eq!(
        both.clone().try_with_all(&tools).unwrap_err(),
        ToolSetError::Duplicate { name: "a".into() }
    );
    let only = both.only(|name| name == "b");
    assert_eq!(only.names().collect::<Vec<_>>(), ["b"]);
    assert_eq!(tools.try_with_all(&only).unwrap().len(), 2);
}

#[test]
fn a_tool_learns_of_its_call() {
    TestRuntime::run(|rt| async move {
        let tool = tool_with_context(|(): (), context: ToolContext| async move {
            context.rt.sleep(std::time::Duration::from_secs(1)).await;
            format!("{} {} {:?}", context.call_id, context.depth, context.turn)
        });
        let said = tool.call(json!({}), ToolContext::new(&rt, "id")).await;
        assert_eq!(said.unwrap(), json!("id 1 None"));
    });
}
