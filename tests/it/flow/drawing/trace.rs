use serde_json::Value;

use super::{hostile, troubled};

fn events(trace: &Value, phase: &str) -> Vec<Value> {
    let events = trace["traceEvents"].as_array().unwrap().iter();
    events
        .filter(|event| event["ph"] == phase)
        .cloned()
        .collect()
}

#[test]
fn steps_are_complete_events_on_as_few_threads_as_can_be() {
    let trace: Value = serde_json::from_str(&troubled("x").to_trace_json()).unwrap();
    let steps = events(&trace, "X");
    let told: Vec<_> = steps
        .iter()
        .map(|step| {
            let number = |key: &str| step[key].as_f64().unwrap();
            let status = step["args"]["status"].as_str().unwrap();
            (
                step["name"].as_str().unwrap(),
                status,
                number("tid"),
                number("ts"),
                number("dur"),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("slow", "completed", 0.0, 0.0, 300_000.0),
            ("quick x", "failed", 1.0, 0.0, 100_000.0),
            ("end", "completed", 0.0, 300_000.0, 0.0),
        ]
    );
    let threads = events(&trace, "M");
    assert_eq!(
        threads
            .iter()
            .filter(|event| event["name"] == "thread_name")
            .count(),
        2
    );
    let never = trace["otherData"]["neverBegan"].as_array().unwrap();
    assert_eq!(never.len(), 1);
    assert_eq!(never[0]["because"], "step `quick x` did not complete");
}

#[test]
fn an_arrow_leaves_while_its_step_runs_and_arrives_when_the_next_begins() {
    let trace: Value = serde_json::from_str(&troubled("x").to_trace_json()).unwrap();
    let (leave, arrive) = (events(&trace, "s"), events(&trace, "f"));
    assert_eq!((leave.len(), arrive.len()), (1, 1));
    assert_eq!(leave[0]["id"], arrive[0]["id"]);
    assert_eq!(leave[0]["ts"].as_f64().unwrap(), 299_999.999);
    assert_eq!(arrive[0]["ts"].as_f64().unwrap(), 300_000.0);
    assert_eq!(arrive[0]["bp"], "e");
}

/// What the description of the format asks of every event of these kinds.
#[test]
fn every_event_has_what_the_format_asks_for() {
    for name in hostile() {
        let trace: Value = serde_json::from_str(&troubled(&name).to_trace_json()).unwrap();
        for event in trace["traceEvents"].as_array().unwrap() {
            assert!(event["name"].is_string() && event["pid"].is_u64() && event["tid"].is_u64());
            assert!(event["ts"].as_f64().is_some_and(|ts| ts >= 0.0));
            match event["ph"].as_str().unwrap() {
                "X" => assert!(event["dur"].as_f64().is_some_and(|dur| dur >= 0.0)),
                "s" | "f" => assert!(event["id"].is_u64() && event["cat"].is_string()),
                "M" => assert!(event["args"]["name"].is_string()),
                other => panic!("{other}"),
            }
        }
        assert_eq!(events(&trace, "X")[1]["name"], format!("quick {name}"));
    }
}
