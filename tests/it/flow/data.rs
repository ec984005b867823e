//! Flows from files, and back.

mod building;
mod failing;
mod growing;
mod mistakes;
mod printing;
mod reading;
mod templates;

use fascine::flow::{Flow, FlowReport, FlowSpec, Operations};
use fascine::rt::Rt;
use serde_json::{Value, json};

/// Operations that need nothing: one gives what it gets, one always fails, one takes a tenth of a second.
fn operations(rt: &Rt) -> Operations {
    let rt = rt.clone();
    Operations::new()
        .with("echo", |value: Value, _| async move { Ok(value) })
        .with("fail", |message: String, _| async move {
            Err::<Value, _>(message.into())
        })
        .with("wait", move |value: Value, _| {
            let rt = rt.clone();
            async move {
                rt.sleep(crate::durations::ms(100)).await;
                Ok(value)
            }
        })
}

/// Runs a flow in YAML that is right.
async fn run(rt: &Rt, text: &str) -> FlowReport {
    let spec = FlowSpec::from_yaml("flow.yaml", text).unwrap_or_else(|error| panic!("{error}"));
    let none: [(&str, Value); 0] = [];
    let graph = spec.build(rt, &operations(rt), none);
    let graph = graph.unwrap_or_else(|error| panic!("{error}"));
    let flow = Flow::new(rt).keep_all().with_state(spec.initial_state());
    flow.run(&graph).await
}

fn output(report: &FlowReport, step: &str) -> Value {
    let step = report.step(step).unwrap();
    step.json()
        .unwrap_or_else(|| json!(format!("{:?}", step.error)))
}

/// An error with all its causes.
fn told(report: &FlowReport, step: &str) -> String {
    let error = report.step(step).unwrap().error.clone().unwrap();
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(&*error);
    while let Some(error) = cause {
        told.push_str(&format!(": {error}"));
        cause = error.source();
    }
    told
}
