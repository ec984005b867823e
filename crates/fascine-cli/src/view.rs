use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// Shows the steps of a run while it goes on.
pub(crate) trait View {
    /// A step began.
    fn started(&mut self, step: &str);

    /// A step came to its end, `elapsed` after its start, with the status of that name.
    fn ended(&mut self, step: &str, status: &str, elapsed: Duration);

    /// The run is over: nothing moves any more.
    fn finish(&mut self);
}

/// Chooses a view: none under `--json`, one that moves on a terminal, plain lines everywhere else and under
/// `NO_COLOR` or `CI`.
#[must_use]
pub(crate) fn choose(json: bool, steps: &[&str]) -> Box<dyn View + Send> {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let width = steps.iter().map(|step| step.len()).max().unwrap_or(0);
    if json {
        Box::new(Silent)
    } else if io::stdout().is_terminal() && !set("NO_COLOR") && !set("CI") {
        Box::new(Live::new(steps, width))
    } else {
        Box::new(Plain { width })
    }
}

struct Silent;

impl View for Silent {
    fn started(&mut self, _: &str) {}
    fn ended(&mut self, _: &str, _: &str, _: Duration) {}
    fn finish(&mut self) {}
}

/// A line for each change of a step.
struct Plain {
    width: usize,
}

impl View for Plain {
    fn started(&mut self, step: &str) {
        line(format_args!("{step:width$}  started", width = self.width));
    }

    fn ended(&mut self, step: &str, status: &str, elapsed: Duration) {
        let ms = elapsed.as_secs_f64() * 1e3;
        line(format_args!(
            "{step:width$}  {status:9}  {ms:7.0} ms",
            width = self.width
        ));
    }

    fn finish(&mut self) {}
}

/// A line for each step, with its state and how long it has been at it.
struct Live {
    screen: MultiProgress,
    bars: HashMap<String, ProgressBar>,
}

impl Live {
    fn new(steps: &[&str], width: usize) -> Self {
        let screen = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
        let bars = steps
            .iter()
            .map(|step| {
                let bar = screen.add(ProgressBar::no_length());
                bar.set_style(style("  {prefix} {msg}"));
                bar.set_prefix(format!("{step:width$}"));
                bar.set_message("waiting");
                bar.tick();
                ((*step).to_owned(), bar)
            })
            .collect();
        Self { screen, bars }
    }
}

impl View for Live {
    fn started(&mut self, step: &str) {
        if let Some(bar) = self.bars.get(step) {
            bar.set_style(style(
                "{spinner:.cyan} {prefix} {msg:9} {elapsed_precise:.dim}",
            ));
            bar.reset_elapsed();
            bar.set_message("running");
            bar.enable_steady_tick(Duration::from_millis(100));
        }
    }

    fn ended(&mut self, step: &str, status: &str, elapsed: Duration) {
        if let Some(bar) = self.bars.get(step) {
            let (mark, colour) = match status {
                "completed" => ("✔", "green"),
                "skipped" => ("-", "dim"),
                _ => ("✘", "red"),
            };
            bar.set_style(style(&format!("{mark} {{prefix}} {{msg:.{colour}}}")));
            let ms = elapsed.as_secs_f64() * 1e3;
            bar.finish_with_message(format!("{status:9} {ms:7.0} ms"));
        }
    }

    fn finish(&mut self) {
        for bar in self.bars.values().filter(|bar| !bar.is_finished()) {
            bar.abandon();
        }
        let _ = self.screen.clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .with_key(
            "so_far",
            |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                let _ = write!(out, "{:7.0} ms", state.elapsed().as_secs_f64() * 1e3);
            },
        )
}

/// A reader that went away is no reason to fail the run: the exit code still tells how it ended.
fn line(text: std::fmt::Arguments<'_>) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}
