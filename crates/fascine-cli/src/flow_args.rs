use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Subcommand;

use crate::args::{DrawingArgs, GraphArgs, ModelArgs, RuntimeName};

/// What to do with a flow that a file describes.
///
/// Its steps can do these operations: `ask` (a model: a text, or a table with `prompt` and `system`), `echo` (gives what
/// it gets), `fail` (with a message) and `sleep` (for a time such as 200ms).
#[derive(Debug, Subcommand)]
pub enum FlowCommand {
    /// Says what is wrong with it, if something is
    Check(FlowFile),
    /// Prints its graph
    Graph(FlowGraphArgs),
    /// Runs it
    Run(FlowRunArgs),
    /// Prints the JSON Schema of such files, for editors
    Schema,
}

/// A file that describes a flow.
#[derive(clap::Args, Debug)]
pub struct FlowFile {
    /// The file, in JSON, TOML or YAML, as its name says
    pub file: PathBuf,
}

/// How to print the graph of a flow.
#[derive(clap::Args, Debug)]
pub struct FlowGraphArgs {
    /// The flow
    #[command(flatten)]
    pub flow: FlowFile,

    /// How to print it
    #[command(flatten)]
    pub graph: GraphArgs,
}

/// How to run a flow.
#[derive(clap::Args, Debug)]
pub struct FlowRunArgs {
    /// The flow
    #[command(flatten)]
    pub flow: FlowFile,

    /// A parameter; whatever is no text is written as JSON
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    pub parameters: Vec<(String, String)>,

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

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("there is no `=` in it")?;
    Ok((name.to_owned(), value.to_owned()))
}
