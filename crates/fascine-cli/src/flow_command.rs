use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use fascine::flow::{Flow, FlowSpec, GraphView, ParameterKind, SpecErrors};
use fascine::http::Net;
use fascine::rt::Rt;
use futures_lite::future;
use serde_json::Value;

use crate::args::RuntimeName;
use crate::flow_args::{FlowCommand, FlowFile, FlowGraphArgs, FlowRunArgs};
use crate::flow_operations::operations;
use crate::flow_summary::FlowSummary;
use crate::program::{BAD_USAGE, FAILED, INTERRUPTED, complain, print, show};
use crate::setup::{self, SetupError};
use crate::{drawings, interrupt, runtime, view};

/// Does something with a flow that a file describes.
pub(crate) fn run(command: FlowCommand) -> ExitCode {
    let name = match &command {
        FlowCommand::Run(args) => args.runtime,
        _ => RuntimeName::Embedded,
    };
    let done = runtime::block_on(name, |rt, net| async move {
        match command {
            FlowCommand::Check(file) => check(&file, &rt),
            FlowCommand::Graph(args) => graph(&args, &rt),
            FlowCommand::Run(args) => work(args, rt, net).await,
            FlowCommand::Schema => {
                print(|out| writeln!(out, "{:#}", FlowSpec::json_schema()));
                Ok(true)
            }
        }
    });
    match done {
        Err(error) => complain(FAILED, &error),
        Ok(Err(Trouble::Setup(error))) => complain(BAD_USAGE, &error),
        Ok(Err(Trouble::Spec(errors))) => list(&errors),
        Ok(Ok(_)) if interrupt::interrupted() => ExitCode::from(INTERRUPTED),
        Ok(Ok(true)) => ExitCode::SUCCESS,
        Ok(Ok(false)) => ExitCode::from(FAILED),
    }
}

/// Why nothing was done.
enum Trouble {
    Setup(SetupError),
    Spec(SpecErrors),
}

impl From<SetupError> for Trouble {
    fn from(error: SetupError) -> Self {
        Self::Setup(error)
    }
}

impl From<SpecErrors> for Trouble {
    fn from(errors: SpecErrors) -> Self {
        Self::Spec(errors)
    }
}

/// A line for each mistake.
#[expect(clippy::print_stderr, reason = "this is the program's own voice")]
fn list(errors: &SpecErrors) -> ExitCode {
    for error in errors.iter() {
        eprintln!("error: {error}");
    }
    match errors.count() - errors.iter().count() {
        0 => {}
        more => eprintln!("error: and {more} more"),
    }
    ExitCode::from(BAD_USAGE)
}

fn check(file: &FlowFile, rt: &Rt) -> Result<bool, Trouble> {
    let spec = load(&file.file)?;
    spec.check(&operations(rt, None))?;
    let steps = spec.steps.len();
    print(|out| writeln!(out, "{}: {steps} steps, nothing wrong", file.file.display()));
    Ok(true)
}

fn graph(args: &FlowGraphArgs, rt: &Rt) -> Result<bool, Trouble> {
    let mut spec = load(&args.flow.file)?;
    // A graph looks the same whatever its parameters are.
    for parameter in spec.parameters.values_mut() {
        parameter.default.get_or_insert(Value::Null);
    }
    let none: [(String, Value); 0] = [];
    let graph = spec.build(rt, &operations(rt, None), none)?;
    let view = GraphView::from(&graph);
    let view = view.with_title(spec.name.as_deref().unwrap_or("flow"));
    print(|out| out.write_all(drawings::graph(&args.graph, &view).as_bytes()));
    Ok(true)
}

/// Runs the flow and prints what came of it; true if every step that was to run completed.
async fn work(args: FlowRunArgs, rt: Rt, net: Arc<dyn Net>) -> Result<bool, Trouble> {
    let spec = load(&args.flow.file)?;
    let given = args.parameters.iter();
    let given = given.map(|(name, text)| (name.clone(), value(&spec, name, text)));
    let given: Vec<_> = given.collect();
    // What is wrong is told before anything is started.
    spec.build(&rt, &operations(&rt, None), given.clone())?;
    drawings::check(&args.drawings)?;
    let (server, service) = setup::open_model(&args.model, &rt, &net).await?;
    let graph = spec.build(&rt, &operations(&rt, Some(&service)), given)?;
    let flow = Flow::new(&rt)
        .with_max_concurrent(args.max_concurrent)
        .with_state(spec.initial_state());
    let mut run = flow.start(&graph);
    let (events, canceller) = (run.events(), run.canceller());
    interrupt::on_interrupt(move || canceller.cancel());
    let names: Vec<&str> = spec.steps.iter().map(|step| step.name.as_str()).collect();
    let view = view::choose(args.json, &names);
    let (report, ()) = future::zip(run, show(events, view)).await;
    if let Some(server) = server {
        server.shutdown().await;
    }
    let summary = FlowSummary::new(&spec, args.runtime.as_str(), &report);
    print(|out| {
        if args.json {
            summary.write_json(out)
        } else {
            summary.write_text(out)
        }
    });
    let view = GraphView::from((&graph, &report));
    let view = view.with_title(spec.name.as_deref().unwrap_or("flow"));
    drawings::write(&args.drawings, &view)?;
    Ok(report.is_success())
}

/// A parameter as it is written on the command line: as JSON, unless it is to be a text.
fn value(spec: &FlowSpec, name: &str, text: &str) -> Value {
    let kind = spec.parameters.get(name).map(|parameter| parameter.kind);
    match kind {
        Some(ParameterKind::String) => text.into(),
        _ => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    }
}

fn load(file: &Path) -> Result<FlowSpec, Trouble> {
    let unusable = |error: Box<dyn std::error::Error + Send + Sync>| {
        SetupError::new(file.display().to_string(), error)
    };
    let bytes = fs::read(file).map_err(|error| unusable(error.into()))?;
    let name = file.display().to_string();
    let extension = file.extension().and_then(|extension| extension.to_str());
    let read = match extension.unwrap_or_default() {
        "json" => FlowSpec::from_json(&name, &bytes),
        "toml" => FlowSpec::from_toml(&name, &bytes),
        "yaml" | "yml" => FlowSpec::from_yaml(&name, &bytes),
        _ => {
            let endings = "its name ends with none of .json, .toml, .yaml and .yml";
            return Err(unusable(endings.into()).into());
        }
    };
    Ok(read?)
}
