use std::time::Duration;

use super::canvas::{Place, heading, number, svg, text};
use super::graph_svg::story;
use super::layout::Size;
use super::legend::{Legend, Sample};
use super::rows::{Row, rows};
use super::{escape, text as measure, time};
use crate::{GraphView, StepView};

impl GraphView {
    /// Draws when each step ran as an SVG: a row for each step that began, in the order in which they did, each followed by
    /// rows for the steps that it ran.
    ///
    /// Steps that never began have no row; a line at the end counts them.
    #[must_use]
    pub fn to_timeline_svg(&self) -> String {
        timeline_svg(&self.drawn(), Place::Alone)
    }
}

/// Draws what is to be drawn, all of it.
pub(crate) fn timeline_svg(view: &GraphView, place: Place) -> String {
    let rows = rows(view);
    let names: Vec<_> = rows.iter().map(Row::name).collect();
    let widest = names.iter().map(|name| measure::width(name, 13.0));
    let left = MARGIN + widest.fold(60.0, f64::max) + 12.0;
    let width = left + PLOT + AFTER;
    let title = measure::cut(view.title(), 16.0, 600.0);
    let (heading, above) = heading(place, &title);
    let legend = Legend::new(view, Sample::Bar, above, width);
    let top = above + legend.height + MARGIN + AXIS;
    let axis = Axis::new(view, left);
    let bottom = top + ROW * rows.len() as f64;
    let mut body = heading + &legend.body;
    body += &axis.draw(top, bottom);
    for (number, (row, name)) in rows.iter().zip(&names).enumerate() {
        let y = top + ROW * number as f64;
        body += &match row {
            Row::Step(step) => bar(step, name, &axis, y),
            Row::LeftOut(words) => text(left, y + 15.0, "small quiet", "start", words) + "\n",
        };
    }
    let (began, absent) = count(view);
    let mut height = bottom + MARGIN;
    if absent > 0 {
        let words = format!("{absent} more never began");
        body += &(text(MARGIN, bottom + 18.0, "small quiet", "start", &words) + "\n");
        height += 14.0;
    }
    let description = format!("{began} steps that ran");
    svg(
        place,
        Size { width, height },
        view.title(),
        &description,
        &body,
    )
}

/// How many steps began, and how many did not, of those that are to be drawn.
fn count(view: &GraphView) -> (usize, usize) {
    let began = view.all_steps().filter(|step| step.started.is_some());
    let began = began.count();
    (began, view.all_steps().count() - began)
}

fn bar(step: &StepView, name: &str, axis: &Axis, y: f64) -> String {
    let started = step.started.unwrap_or_default();
    let (begin, end) = (
        axis.at(started),
        axis.at(started.saturating_add(step.elapsed)),
    );
    let class = step.status.map_or("plain", |status| status.as_str());
    let critical = if step.is_critical { " critical" } else { "" };
    let (label, inset) = match step.depth {
        0 => ("", 4.0),
        _ => ("quiet", 6.0),
    };
    // What took no time can still be seen.
    let wide = (end - begin).max(2.0);
    let mut drawn = format!(
        "<g class=\"bars {class}{critical}\"><title>{}</title>{}<rect class=\"bar\" x=\"{}\" y=\"{}\" width=\"{}\" \
         height=\"{}\" rx=\"2\"/>",
        escape::xml(&story(step)),
        text(axis.left - 12.0, y + 15.0, label, "end", name),
        number(begin),
        number(y + inset),
        number(wide),
        number(ROW - 2.0 * inset)
    );
    let tries = match step.attempts {
        0 | 1 => String::new(),
        tries => format!(", {tries} tries"),
    };
    if step.is_critical {
        let (from, to, y) = (number(begin), number(begin + wide), number(y + 20.0));
        drawn += &format!("<path class=\"edge\" d=\"M{from} {y}H{to}\"/>");
    }
    let words = time::human(step.elapsed) + &tries;
    drawn += &text(begin + wide + 6.0, y + 15.0, "small quiet", "start", &words);
    drawn + "</g>\n"
}

/// From times to places.
struct Axis {
    left: f64,
    end: Duration,
}

impl Axis {
    fn new(view: &GraphView, left: f64) -> Self {
        let last = view.all_steps().filter_map(StepView::ended).max();
        let end = last.unwrap_or_default().max(view.wall.unwrap_or_default());
        Self { left, end }
    }

    fn at(&self, time: Duration) -> f64 {
        if self.end.is_zero() {
            return self.left;
        }
        self.left + PLOT * (time.as_secs_f64() / self.end.as_secs_f64()).min(1.0)
    }

    fn draw(&self, top: f64, bottom: f64) -> String {
        let mut drawn = String::new();
        for tick in time::ticks(self.end) {
            let x = number(self.at(tick));
            drawn += &format!(
                "<path class=\"rule\" d=\"M{x} {}V{}\"/>{}\n",
                number(top - 4.0),
                number(bottom),
                text(
                    self.at(tick),
                    top - 10.0,
                    "small quiet",
                    "middle",
                    &time::human(tick)
                )
            );
        }
        drawn
    }
}

const MARGIN: f64 = 16.0;
const AXIS: f64 = 16.0;
const ROW: f64 = 22.0;

/// How wide the longest run is.
const PLOT: f64 = 640.0;

/// Room for the words behind a bar.
const AFTER: f64 = 130.0;
