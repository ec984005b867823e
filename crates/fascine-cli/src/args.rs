use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use crate::flow_args::FlowCommand;
use crate::serve_mock_args::ServeMockArgs;

/// Runs a flow of model calls: ingest, then statistics, patterns and risks side by side, then a report.
///
/// With no arguments it starts a model server of its own on a loopback port and needs no key and no network.
#[derive(Debug, Parser)]
#[command(name = "fascine", version, args_conflicts_with_subcommands = true)]
pub struct Args {
    /// What to do instead
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The async runtime to run on
    #[arg(long, value_enum, default_value_t = RuntimeName::Smol)]
    pub runtime: RuntimeName,

    /// How many steps may run at once
    #[arg(
        long,
        value_name = "N",
        default_value = "5",
        allow_negative_numbers = true
    )]
    pub max_concurrent: NonZeroUsize,

    /// Run one step at a time
    #[arg(long, conflicts_with = "max_concurrent")]
    pub sequential: bool,

    /// Whom to ask
    #[command(flatten)]
    pub model: ModelArgs,

    /// Print one JSON document and nothing else
    #[arg(long)]
    pub json: bool,

    /// What to draw
    #[command(flatten)]
    pub drawings: DrawingArgs,
}

/// Files to draw a run into.
#[derive(clap::Args, Debug)]
pub struct DrawingArgs {
    /// Write a page about the run: its graph, its timeline and its errors
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,

    /// Write when each step ran, for Perfetto and chrome://tracing
    #[arg(long, value_name = "FILE.json")]
    pub trace: Option<PathBuf>,
}

/// Whom to ask.
#[derive(clap::Args, Debug)]
pub struct ModelArgs {
    /// Ask this OpenAI-compatible server instead of the embedded one (key from OPENAI_API_KEY,
    /// proxies from HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, if set)
    #[arg(long, value_name = "URL", requires = "model")]
    pub base_url: Option<String>,

    /// The model to ask for at --base-url
    #[arg(long, value_name = "NAME", requires = "base_url")]
    pub model: Option<String>,

    /// How long one request may take: 90, 1.5s, 500ms or 2m
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    #[arg(allow_negative_numbers = true)]
    pub timeout: Duration,

    /// The port of the embedded server; 0 takes a free one
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 0,
        conflicts_with = "base_url"
    )]
    pub mock_port: u16,
}

/// What the program does besides running its flow.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Checks, draws and runs flows that files describe
    #[command(subcommand)]
    Flow(FlowCommand),
    /// Prints the graph of the flow
    Graph(GraphArgs),
    /// Serves a model that is none, until Ctrl-C
    ServeMock(ServeMockArgs),
}

/// How to print the graph.
#[derive(clap::Args, Debug)]
pub struct GraphArgs {
    /// What to print it as
    #[arg(long, value_enum, default_value_t = GraphFormat::Mermaid)]
    pub format: GraphFormat,
}

/// What a graph can be printed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// The language of Graphviz
    Dot,
    /// A Mermaid flowchart
    Mermaid,
    /// A drawing
    Svg,
}

/// A runtime that this program can run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RuntimeName {
    /// The global executor of smol
    Smol,
    /// The global executor of async-std
    AsyncStd,
    /// A tokio runtime with worker threads
    Tokio,
    /// An executor that this program owns and drives
    Embedded,
}

impl RuntimeName {
    /// The name as the user writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Smol => "smol",
            Self::AsyncStd => "async-std",
            Self::Tokio => "tokio",
            Self::Embedded => "embedded",
        }
    }
}

/// Parses a positive time such as `90`, `1.5s`, `500ms` or `2m`; a bare number counts seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let unit_seconds = match unit {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return Err(format!("unknown unit `{unit}`: use ms, s or m")),
    };
    let number: f64 = number
        .parse()
        .map_err(|_| "not a number with a unit".to_owned())?;
    let time = Duration::try_from_secs_f64(number * unit_seconds)
        .map_err(|_| "not a time that can be counted".to_owned())?;
    if time.is_zero() {
        Err("must be more than zero".to_owned())
    } else {
        Ok(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_and_without_a_unit() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
    }

    #[test]
    fn times_that_are_none_are_refused() {
        for text in [
            "", "s", "0", "0ms", "-1", "nan", "inf", "1h", "1e400", "5 s", "ten",
        ] {
            assert!(duration(text).is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn the_arguments_are_consistent() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }
}
