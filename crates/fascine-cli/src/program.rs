use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use fascine::branch::Branch;
use fascine::flow::{
    Flow, FlowEvents, FlowReport, Graph, GraphView, SkipCause, Status, StepReport,
};
use fascine::http::{Net, Proxies};
use fascine::model::{ModelService, Stats};
use fascine::rt::Rt;
use fascine::session::Session;
use futures_lite::future;

use crate::args::{Args, Command, GraphArgs, RuntimeName};
use crate::job::{REPORT, operations};
use crate::setup::{self, SetupError};
use crate::summary::{StepSummary, Summary, Tokens};
use crate::view::{self, View};
use crate::{drawings, flow_command, interrupt, runtime, serve_mock};

/// Runs the program with these arguments.
#[must_use]
pub fn run(args: Args) -> ExitCode {
    if let Err(error) = interrupt::install() {
        return complain(BAD_USAGE, &error);
    }
    match args.command {
        Some(Command::Graph(args)) => {
            return ended(runtime::block_on(RuntimeName::Embedded, |rt, net| {
                print_graph(args, rt, net)
            }));
        }
        Some(Command::Flow(command)) => return flow_command::run(command),
        Some(Command::ServeMock(args)) => {
            return ended(runtime::block_on(args.runtime, |rt, net| {
                serve_mock::serve(args, rt, net)
            }));
        }
        None => {}
    }
    let name = args.runtime;
    let worked = runtime::block_on(name, |rt, net| work(args, rt, net));
    match worked {
        Err(error) => complain(FAILED, &error),
        Ok(Err(error)) => complain(BAD_USAGE, &error),
        Ok(Ok(_)) if interrupt::interrupted() => ExitCode::from(INTERRUPTED),
        Ok(Ok(true)) => ExitCode::SUCCESS,
        Ok(Ok(false)) => ExitCode::from(FAILED),
    }
}

fn ended<E: Error, S: Error>(done: Result<Result<(), S>, E>) -> ExitCode {
    match done {
        Err(error) => complain(FAILED, &error),
        Ok(Err(error)) => complain(BAD_USAGE, &error),
        Ok(Ok(())) => ExitCode::SUCCESS,
    }
}

/// Prints the graph of the job. Nobody is asked anything.
async fn print_graph(args: GraphArgs, rt: Rt, net: Arc<dyn Net>) -> Result<(), SetupError> {
    let (url, minute) = ("http://127.0.0.1:9", Duration::from_secs(60));
    let service = setup::service(&rt, &net, url, "none", minute, None, Proxies::default())?;
    let graph = session(&rt, &service).compile(&operations());
    let view = GraphView::from(&graph.map_err(SetupError::job)?);
    print(|out| out.write_all(drawings::graph(&args, &view).as_bytes()));
    Ok(())
}

/// Does the job and prints what came of it; true if every step that was to run completed.
async fn work(args: Args, rt: Rt, net: Arc<dyn Net>) -> Result<bool, SetupError> {
    drawings::check(&args.drawings)?;
    let (server, service) = setup::open_model(&args.model, &rt, &net).await?;
    let (graph, report) = flow(&args, &rt, &service).await?;
    if let Some(server) = server {
        server.shutdown().await;
    }
    let succeeded = report.is_success();
    let summary = summarise(args.runtime.as_str(), &report, service.stats());
    print(|out| {
        if args.json {
            summary.write_json(out)
        } else {
            summary.write_text(out)
        }
    });
    let view = GraphView::from((&graph, &report)).with_title("fascine");
    drawings::write(&args.drawings, &view)?;
    Ok(succeeded)
}

fn session(rt: &Rt, service: &ModelService) -> Session {
    let branch = Branch::builder(rt, "analyst", service.clone())
        .system("You are an analyst. Be brief and exact; say nothing the data does not show.")
        .build();
    Session::new(rt, branch)
}

async fn flow(
    args: &Args,
    rt: &Rt,
    service: &ModelService,
) -> Result<(Graph, FlowReport), SetupError> {
    let flow = Flow::new(rt).with_max_concurrent(args.max_concurrent);
    let flow = if args.sequential {
        flow.sequential()
    } else {
        flow
    };
    let operations = operations();
    let graph = session(rt, service).compile(&operations);
    let graph = graph.map_err(SetupError::job)?;
    let mut run = flow.start(&graph);
    let (events, canceller) = (run.events(), run.canceller());
    interrupt::on_interrupt(move || canceller.cancel());
    let names: Vec<&str> = operations.names().collect();
    let view = view::choose(args.json, &names);
    let (report, ()) = future::zip(run, show(events, view)).await;
    Ok((graph, report))
}

pub(crate) async fn show(mut events: FlowEvents, mut view: Box<dyn View + Send>) {
    while let Some(event) = events.next().await {
        match event.status {
            Status::Pending => {}
            Status::Processing => view.started(&event.step),
            ended => view.ended(&event.step, ended.as_str(), event.elapsed),
        }
    }
    view.finish();
}

fn summarise(runtime: &'static str, report: &FlowReport, stats: Stats) -> Summary {
    let ms = |time: Duration| (time.as_secs_f64() * 1e6).round() / 1e3;
    let steps = report.steps.iter().map(|step| StepSummary {
        name: step.name.to_string(),
        status: step.status.as_str(),
        attempts: step.attempts,
        elapsed_ms: ms(step.elapsed),
        error: why_not(step),
    });
    let text = report
        .step(REPORT)
        .and_then(StepReport::json)
        .and_then(|answer| answer["text"].as_str().map(str::to_owned));
    let critical_path = report.critical_path.steps.iter();
    Summary {
        runtime,
        wall_ms: ms(report.wall),
        critical_path_ms: ms(report.critical_path.duration),
        steps: steps.collect(),
        requests: stats.requests,
        retries: stats.retries,
        tokens: Tokens {
            prompt: stats.usage.prompt_tokens,
            completion: stats.usage.completion_tokens,
        },
        report: text,
        critical_path: critical_path.map(|step| step.to_string()).collect(),
    }
}

/// Why a step did not complete, from the step down to the cause.
pub(crate) fn why_not(step: &StepReport) -> Option<String> {
    match (step.status, &step.error, &step.skip_cause) {
        (_, Some(error), _) => Some(chain(error)),
        (_, _, Some(SkipCause::Condition)) => None,
        (_, _, Some(cause)) => Some(format!(
            "step `{}` was skipped: {}",
            step.path,
            chain(cause)
        )),
        (Status::Cancelled, ..) => Some(format!("step `{}` was cancelled", step.path)),
        (Status::Aborted, ..) => Some(format!("step `{}` was never started", step.path)),
        _ => None,
    }
}

pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[expect(clippy::print_stderr, reason = "this is the program's own voice")]
pub(crate) fn complain(code: u8, error: &dyn Error) -> ExitCode {
    eprintln!("error: {}", chain(error));
    ExitCode::from(code)
}

/// A reader that went away is no reason to fail: the exit code still tells how it ended.
pub(crate) fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
    let mut out = io::stdout().lock();
    let _ = write(&mut out).and_then(|()| out.flush());
}

pub(crate) const FAILED: u8 = 1;
pub(crate) const BAD_USAGE: u8 = 2;
pub(crate) const INTERRUPTED: u8 = 130;
