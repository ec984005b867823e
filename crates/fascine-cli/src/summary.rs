use std::io::{self, Write};

use serde::Serialize;

/// What a run of the job did: the JSON document of `--json`, and the source of the text.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Summary {
    /// The runtime it ran on.
    pub(crate) runtime: &'static str,
    /// From the start of the first step to the end of the last.
    pub(crate) wall_ms: f64,
    /// The longest chain of steps that had to wait for each other.
    pub(crate) critical_path_ms: f64,
    /// Every step of the flow, in the order it was described.
    pub(crate) steps: Vec<StepSummary>,
    /// Requests sent to the model server, retries among them.
    pub(crate) requests: u64,
    /// Requests that repeated one before them.
    pub(crate) retries: u64,
    /// Tokens used by the answered requests.
    pub(crate) tokens: Tokens,
    /// The text of the last step; absent when it did not complete.
    pub(crate) report: Option<String>,
    /// The steps of the critical path; text only.
    #[serde(skip)]
    pub(crate) critical_path: Vec<String>,
}

/// What one step did.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct StepSummary {
    /// Its name.
    pub(crate) name: String,
    /// How it ended: `completed`, `failed`, `skipped`, `cancelled` or `aborted`.
    pub(crate) status: &'static str,
    /// How often it asked the model.
    pub(crate) attempts: u32,
    /// From its start to its end; zero if it never started.
    pub(crate) elapsed_ms: f64,
    /// Why it did not complete, causes included.
    pub(crate) error: Option<String>,
}

/// Tokens, as the server counted them.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Tokens {
    /// What was sent.
    pub(crate) prompt: u64,
    /// What was answered.
    pub(crate) completion: u64,
}

impl Summary {
    /// Writes one JSON document and a line feed.
    ///
    /// # Errors
    ///
    /// When `out` refuses it.
    pub(crate) fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        writeln!(out)
    }

    /// Writes what a person wants to read.
    ///
    /// # Errors
    ///
    /// When `out` refuses it.
    pub(crate) fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let width = self
            .steps
            .iter()
            .map(|step| step.name.len())
            .max()
            .unwrap_or(0);
        writeln!(out)?;
        for step in &self.steps {
            write!(out, "{:width$}  {:9}", step.name, step.status)?;
            if step.attempts > 0 {
                write!(out, "  {:7.0} ms", step.elapsed_ms)?;
                if step.attempts > 1 {
                    write!(out, "  {} attempts", step.attempts)?;
                }
            }
            writeln!(out)?;
            if let Some(error) = &step.error {
                writeln!(out, "{:width$}  {error}", "")?;
            }
        }
        if let Some(report) = &self.report {
            writeln!(out, "\n{report}")?;
        }
        writeln!(out)?;
        writeln!(out, "runtime        {}", self.runtime)?;
        writeln!(
            out,
            "requests       {}, {} of them retries",
            self.requests, self.retries
        )?;
        let Tokens { prompt, completion } = self.tokens;
        writeln!(
            out,
            "tokens         {prompt} in prompts, {completion} in answers"
        )?;
        writeln!(out, "wall time      {:.0} ms", self.wall_ms)?;
        let path = self.critical_path.join(" → ");
        writeln!(
            out,
            "critical path  {:.0} ms: {path}",
            self.critical_path_ms
        )
    }
}
