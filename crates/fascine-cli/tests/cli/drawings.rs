//! The graph and its runs, to look at.

use serde_json::Value;

use super::{json, run, text};

#[test]
fn the_graph_is_printed_in_each_format() {
    let mermaid = run(&["graph"]);
    assert_eq!(mermaid.status.code(), Some(0), "{}", text(&mermaid.stderr));
    let mermaid = text(&mermaid.stdout);
    assert!(
        mermaid.starts_with("flowchart TD\n  s0[\"ingest\"]\n"),
        "{mermaid}"
    );
    assert!(mermaid.contains("  s3 -.-> s5\n"), "{mermaid}");
    let dot = text(&run(&["graph", "--format", "dot"]).stdout);
    assert!(
        dot.starts_with("digraph ") && dot.contains("s3 -> s5 [style=dashed]"),
        "{dot}"
    );
    let svg = text(&run(&["graph", "--format", "svg"]).stdout);
    assert!(
        svg.starts_with("<svg ") && svg.contains(">escalation</text>"),
        "{svg}"
    );
    assert_eq!(run(&["graph", "--format", "png"]).status.code(), Some(2));
}

#[test]
fn a_run_is_written_as_a_page_and_as_a_trace() {
    let folder = std::env::temp_dir().join(format!("fascine-cli-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (page, trace) = (folder.join("run.html"), folder.join("run.json"));
    let args = [
        "--json",
        "--report",
        page.to_str().unwrap(),
        "--trace",
        trace.to_str().unwrap(),
    ];
    let output = run(&args);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let page = std::fs::read_to_string(page).unwrap();
    assert!(
        page.starts_with("<!DOCTYPE html>") && page.contains("6 steps · 5 completed · 1 skipped")
    );
    let trace: Value = serde_json::from_slice(&std::fs::read(trace).unwrap()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    assert_eq!(events.iter().filter(|event| event["ph"] == "X").count(), 5);
    assert_eq!(json(&output)["steps"].as_array().unwrap().len(), 6);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_page_that_cannot_be_written_is_refused_before_the_run() {
    let output = run(&["--report", "/nowhere/at/all.html"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let said = text(&output.stderr);
    assert!(
        said.starts_with("error: --report /nowhere/at/all.html cannot be used: "),
        "{said}"
    );
}
