use std::fs::{self, OpenOptions};
use std::path::Path;

use fascine::flow::GraphView;

use crate::args::{DrawingArgs, GraphArgs, GraphFormat};
use crate::setup::SetupError;

/// Refuses files that cannot be written before anything is run.
pub(crate) fn check(args: &DrawingArgs) -> Result<(), SetupError> {
    for (name, file) in files(args) {
        // What an earlier run wrote stays until there is something else to write.
        let opened = OpenOptions::new().create(true).append(true).open(file);
        opened.map_err(|error| unusable(name, file, error))?;
    }
    Ok(())
}

/// Writes what was asked for of a run.
pub(crate) fn write(args: &DrawingArgs, view: &GraphView) -> Result<(), SetupError> {
    for (name, file) in files(args) {
        let text = match name {
            REPORT => view.to_html(),
            _ => view.to_trace_json(),
        };
        fs::write(file, text).map_err(|error| unusable(name, file, error))?;
    }
    Ok(())
}

/// The graph as text, for people and for other programs.
pub(crate) fn graph(args: &GraphArgs, view: &GraphView) -> String {
    match args.format {
        GraphFormat::Dot => view.to_dot(),
        GraphFormat::Mermaid => view.to_mermaid(),
        GraphFormat::Svg => view.to_svg(),
    }
}

fn files(args: &DrawingArgs) -> impl Iterator<Item = (&'static str, &Path)> {
    let files = [(REPORT, &args.report), (TRACE, &args.trace)];
    files
        .into_iter()
        .filter_map(|(name, file)| Some((name, file.as_deref()?)))
}

fn unusable(name: &str, file: &Path, error: std::io::Error) -> SetupError {
    SetupError::new(format!("{name} {}", file.display()), error)
}

const REPORT: &str = "--report";
const TRACE: &str = "--trace";
