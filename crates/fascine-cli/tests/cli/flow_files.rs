//! Flows that files describe.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{RUNTIMES, json, run, text};

fn example(name: &str) -> String {
    format!("{}/examples/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A file that is there for one test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("fascine-flow-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The step of that name in a document.
fn step<'d>(document: &'d Value, name: &str) -> &'d Value {
    let mut steps = document["steps"].as_array().unwrap().iter();
    steps.find(|step| step["name"] == name).unwrap()
}

#[test]
fn the_examples_are_right_and_run() {
    for name in ["digest.toml", "fallback.json", "review.yaml"] {
        let file = example(name);
        let checked = run(&["flow", "check", &file]);
        assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
        assert!(text(&checked.stdout).ends_with(" steps, nothing wrong\n"));
        let done = run(&["flow", "run", &file]);
        let said = text(&done.stdout);
        let code = if name == "fallback.json" { 1 } else { 0 };
        assert_eq!(
            done.status.code(),
            Some(code),
            "{said}{}",
            text(&done.stderr)
        );
        assert!(said.contains("wall time"), "{said}");
    }
}

#[test]
fn every_runtime_runs_a_file() {
    for runtime in RUNTIMES {
        let file = example("review.yaml");
        let output = run(&["flow", "run", &file, "--json", "--runtime", runtime]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let document = json(&output);
        assert_eq!(
            (&document["name"], &document["runtime"]),
            (&json!("review"), &json!(runtime))
        );
        assert_eq!(step(&document, "verdict")["status"], "completed");
        assert_eq!(step(&document, "escalate")["status"], "skipped");
    }
}

#[test]
fn parameters_come_from_the_command_line() {
    let file = example("digest.toml");
    let topics = "topics=[\"a\", \"b\"]";
    let document = json(&run(&["flow", "run", &file, "--json", "--param", topics]));
    assert!(document["state"]["words"].as_u64() > Some(0));
    let file = example("fallback.json");
    let document = json(&run(&[
        "flow", "run", &file, "--json", "--param", "reason=5",
    ]));
    assert_eq!(
        step(&document, "store")["error"],
        "step `store` failed at attempt 1: 5"
    );
    assert_eq!(step(&document, "report")["output"], true);

    let wrong = [
        "flow",
        "run",
        &example("digest.toml"),
        "--param",
        "topics=x",
        "--param",
        "topic=1",
    ];
    let output = run(&wrong);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("parameters.topics: expected a value of the type array, found \"x\""),
        "{said}"
    );
    assert!(
        said.contains("there is no parameter `topic`; did you mean `topics`?"),
        "{said}"
    );
}

/// `list` leads to `each`, which runs two steps, the second of which fails.
const NESTED: &str = "name: <nested>
flows:
  one:
    parameters: { n: { type: integer } }
    steps:
      good: { operation: echo, with: '{{ params.n }}' }
      bad: { operation: fail, with: 'no <b>', after: [good] }
steps:
  list: { operation: echo, with: [5] }
  each: { flow: one, for_each: '{{ steps.list }}', with: { n: '{{ item }}' }, after: [list] }
  after: { operation: echo, after: [each] }
";

#[test]
fn the_document_lists_the_steps_of_steps_by_their_paths() {
    let file = Scratch::new("paths.yaml", NESTED);
    let output = run(&["flow", "run", file.path(), "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let document = json(&output);
    let told = document["steps"].as_array().unwrap().iter().map(|step| {
        let word = |key: &str| step[key].as_str().unwrap();
        (word("path"), word("status"))
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            ("list", "completed"),
            ("each", "failed"),
            ("each[0]", "failed"),
            ("each[0]/good", "completed"),
            ("each[0]/bad", "failed"),
            ("after", "skipped"),
        ]
    );
    let said = text(&run(&["flow", "run", file.path()]).stdout);
    assert!(
        !said.lines().any(|line| line.starts_with("each[0]/bad:")),
        "{said}"
    );
}

#[test]
fn a_run_of_a_file_is_written_as_a_page_and_as_a_trace() {
    let file = Scratch::new("drawn.yaml", NESTED);
    let (page, trace) = (
        Scratch::new("run.html", "old"),
        Scratch::new("run.json", "old"),
    );
    let output = run(&[
        "flow",
        "run",
        file.path(),
        "--report",
        page.path(),
        "--trace",
        trace.path(),
    ]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let page = fs::read_to_string(&page.0).unwrap();
    assert!(page.contains("<h1>&lt;nested&gt;</h1>"), "{page}");
    assert!(page.contains(">each[0]/bad") && page.contains("no &lt;b&gt;"));
    let trace: Value = serde_json::from_slice(&fs::read(&trace.0).unwrap()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let names = events.iter().filter(|event| event["ph"] == "X");
    let names: Vec<_> = names.map(|event| event["name"].as_str().unwrap()).collect();
    let paths = ["list", "each", "each[0]", "each[0]/good", "each[0]/bad"];
    assert_eq!(names, paths);
}

#[test]
fn a_page_of_a_file_that_cannot_be_written_is_refused_before_the_run() {
    let file = Scratch::new("refused.yaml", NESTED);
    for flag in ["--report", "--trace"] {
        let output = run(&["flow", "run", file.path(), flag, "/nowhere/at/all"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        let said = text(&output.stderr);
        assert!(said.contains(flag) && said.contains("/nowhere"), "{said}");
    }
}

#[test]
fn the_graph_of_a_file_is_drawn() {
    let file = Scratch::new(
        "graph.yaml",
        "parameters: { p: { type: string } }\nsteps:\n  a: { operation: echo, with: '{{ params.p }}' }\n  b: { operation: echo, after: [a] }\n",
    );
    let mermaid = run(&["flow", "graph", file.path()]);
    assert_eq!(
        text(&mermaid.stdout),
        "flowchart TD\n  s0[\"a\"]\n  s1[\"b\"]\n  s0 --> s1\n"
    );
    let svg = run(&["flow", "graph", file.path(), "--format", "svg"]);
    assert!(text(&svg.stdout).starts_with("<svg "));
}

#[test]
fn mistakes_are_told_with_their_places_and_nothing_runs() {
    let file = Scratch::new(
        "wrong.toml",
        "[steps.a]\noperation = \"ehco\"\ntimeout = 5\n[steps.b]\noperation = \"sleep\"\nwith = \"5 apples\"\n",
    );
    for command in ["check", "graph", "run"] {
        let output = run(&["flow", command, file.path()]);
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        let said = text(&output.stderr);
        let expected = format!(
            "error: {}:3:1: steps.a.timeout: expected a time with its unit",
            file.path()
        );
        assert!(said.starts_with(&expected), "{said}");
    }
    let file = Scratch::new(
        "wrong.yaml",
        "steps:\n  a: { operation: ehco }\n  b: { operation: sleep, with: 5 apples }\n  c: { operation: ask, with: { promt: x } }\n",
    );
    let output = run(&["flow", "check", file.path()]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    for expected in [
        ":2:8: steps.a.operation: there is no operation `ehco`; did you mean `echo`?\n",
        ":3:26: steps.b.with: it does not fit operation `sleep`: ",
        ":4:24: steps.c.with: it does not fit operation `ask`: a text, or a table with `prompt` and, perhaps, `system`\n",
    ] {
        assert!(said.contains(expected), "{expected} is not in {said}");
    }
}

#[test]
fn the_schema_is_printed_for_editors() {
    let schema = json(&run(&["flow", "schema"]));
    assert_eq!(schema["required"], json!(["steps"]));
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let other = Scratch::new("flow.txt", "");
    for (file, why) in [
        ("/nowhere/f.toml", "cannot be used: "),
        (other.path(), "its name ends with none of"),
    ] {
        let output = run(&["flow", "run", file]);
        assert_eq!(output.status.code(), Some(2));
        let said = text(&output.stderr);
        assert!(said.contains(file) && said.contains(why), "{said}");
    }
}
