use super::canvas::{number, text};
use super::palette::STATUSES;
use super::{text as measure, time};
use crate::{GraphView, Status};

/// What a status is shown by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sample {
    Bar,
    Box,
}

/// What the colours and lines of a drawing mean, and how many steps have each: lines of samples with words.
pub(crate) struct Legend {
    pub(crate) body: String,
    pub(crate) height: f64,
}

impl Legend {
    /// Draws it from `top` on, no wider than that.
    pub(crate) fn new(view: &GraphView, sample: Sample, top: f64, width: f64) -> Self {
        let mut legend = Self {
            body: String::new(),
            height: 0.0,
        };
        let (mut x, mut y) = (MARGIN, top);
        for entry in entries(view, sample) {
            let wide = SAMPLE + 6.0 + measure::width(&entry.words, 11.0) + 14.0;
            if x > MARGIN && x + wide > width - MARGIN {
                (x, y) = (MARGIN, y + LINE);
            }
            let place = format!("translate({} {})", number(x), number(y));
            legend.body += &format!(
                "<g class=\"{}\" transform=\"{place}\">{}{}</g>\n",
                entry.class,
                entry.sample,
                text(SAMPLE + 6.0, 11.0, "small", "start", &entry.words)
            );
            x += wide;
            legend.height = y + LINE - top;
        }
        legend
    }
}

struct Entry {
    class: String,
    sample: &'static str,
    words: String,
}

fn entries(view: &GraphView, sample: Sample) -> Vec<Entry> {
    let mut entries = Vec::new();
    for status in STATUSES {
        let count = view.all_steps().filter(|step| {
            let is_drawn = match sample {
                Sample::Bar => step.started.is_some(),
                Sample::Box => step.depth == 0,
            };
            is_drawn && step.status == Some(status)
        });
        let count = count.count();
        if count > 0 {
            entries.push(Entry {
                class: status.to_string(),
                sample: match sample {
                    Sample::Bar => BAR,
                    Sample::Box => BOX,
                },
                words: format!("{count} {}", phrase(status)),
            });
        }
    }
    if view.steps.iter().any(|step| step.is_critical) {
        entries.push(Entry {
            class: "critical".to_owned(),
            sample: LINE_SAMPLE,
            words: format!("critical path, {}", time::human(view.critical)),
        });
    }
    if sample == Sample::Box && view.edges.iter().any(|edge| edge.is_conditional) {
        entries.push(Entry {
            class: "conditional".to_owned(),
            sample: LINE_SAMPLE,
            words: "has a condition".to_owned(),
        });
    }
    if sample == Sample::Box && view.edges.iter().any(|edge| edge.taken == Some(false)) {
        entries.push(Entry {
            class: "untaken".to_owned(),
            sample: LINE_SAMPLE,
            words: "not taken".to_owned(),
        });
    }
    if view.hidden > 0 {
        entries.push(Entry {
            class: "quiet".to_owned(),
            sample: "",
            words: format!("{} more steps are not drawn", view.hidden),
        });
    }
    entries
}

fn phrase(status: Status) -> &'static str {
    match status {
        Status::Aborted => "aborted: never began",
        Status::Pending => "pending: to be taken up",
        _ => status.as_str(),
    }
}

const MARGIN: f64 = 16.0;
const LINE: f64 = 22.0;
const SAMPLE: f64 = 22.0;
const BAR: &str = "<rect class=\"bar\" x=\"1\" y=\"1\" width=\"20\" height=\"12\" rx=\"2\"/>";
const BOX: &str = "<rect class=\"box\" x=\"1\" y=\"1\" width=\"20\" height=\"12\" rx=\"3\"/>";
const LINE_SAMPLE: &str = "<path class=\"edge\" d=\"M0 7H22\"/>";
