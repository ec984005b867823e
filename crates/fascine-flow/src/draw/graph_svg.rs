use std::collections::HashSet;

use super::canvas::{Place, heading, number, svg, text};
use super::layout::{Direction, Layout, Point, Route, Size, Wire, layout};
use super::legend::{Legend, Sample};
use super::{escape, text as measure, time};
use crate::{EdgeView, GraphView, StepView};

impl GraphView {
    /// Draws it as an SVG: layers of boxes with edges that avoid them, in the colours of the statuses, with a legend.
    ///
    /// It is light or dark as the reader wants it, and needs nothing but itself. Names longer than a box are cut; the
    /// whole name is shown by pointing at it. It goes down or to the right, whichever comes nearer to the shape of a page.
    #[must_use]
    pub fn to_svg(&self) -> String {
        graph_svg(&self.drawn(), Place::Alone)
    }
}

/// Draws what is to be drawn, all of it.
pub(crate) fn graph_svg(view: &GraphView, place: Place) -> String {
    let faces: Vec<Face> = view.steps.iter().map(Face::new).collect();
    let sizes: Vec<Size> = faces.iter().map(|face| face.size).collect();
    let wires = view.edges.iter().map(|edge| Wire {
        from: edge.from,
        to: edge.to,
        label: label(edge).map(|label| Size {
            width: measure::width(&label, 11.0) + 8.0,
            height: 16.0,
        }),
    });
    let layout = layout(&sizes, &wires.collect::<Vec<_>>());
    let title = measure::cut(view.title(), 16.0, 600.0);
    let least = measure::width(&title, 17.0).max(420.0);
    let width = layout.size.width.max(least) + 2.0 * MARGIN;
    let (heading, above) = heading(place, &title);
    let legend = Legend::new(view, Sample::Box, above, width);
    let top = above + legend.height + MARGIN;
    let mut body = heading + &legend.body;
    body += &format!("<g transform=\"translate({MARGIN} {})\">\n", number(top));
    body += &edges(view, &layout);
    for ((step, face), at) in view.steps.iter().zip(&faces).zip(&layout.boxes) {
        body += &face.draw(step, *at);
    }
    body += "</g>\n";
    let size = Size {
        width,
        height: top + layout.size.height + MARGIN,
    };
    let description = format!("{} steps, {} edges", view.steps.len(), view.edges.len());
    svg(place, size, view.title(), &description, &body)
}

/// What stands in the box of a step.
struct Face {
    name: String,
    below: Option<String>,
    size: Size,
}

impl Face {
    fn new(step: &StepView) -> Self {
        let name = measure::cut(&step.name, 13.0, LONGEST).into_owned();
        let within = step.within().map(|within| format!(", {within}"));
        let within = within.unwrap_or_default();
        let below = step.status.map(|status| match step.started {
            Some(_) => format!("{status}, {}{within}", time::human(step.elapsed)),
            None => format!("{status}{within}"),
        });
        let below_width = below
            .as_deref()
            .map_or(0.0, |below| measure::width(below, 11.0));
        let width = measure::width(&name, 13.0).max(below_width).max(40.0) + 20.0;
        // A few widths look calmer than as many as there are names.
        let width = (width / STEP).ceil() * STEP;
        let height = if below.is_some() { 44.0 } else { 30.0 };
        Self {
            name,
            below,
            size: Size { width, height },
        }
    }

    fn draw(&self, step: &StepView, middle: Point) -> String {
        let Size { width, height } = self.size;
        let class = step.status.map_or("plain", |status| status.as_str());
        let critical = if step.is_critical { " critical" } else { "" };
        let (x, y) = (middle.x - width / 2.0, middle.y - height / 2.0);
        let baseline = if self.below.is_some() {
            y + 18.0
        } else {
            y + 19.5
        };
        let mut drawn = format!(
            "<g class=\"step {class}{critical}\"><title>{}</title><rect class=\"box\" x=\"{}\" y=\"{}\" \
             width=\"{}\" height=\"{}\" rx=\"6\"/>",
            escape::xml(&story(step)),
            number(x),
            number(y),
            number(width),
            number(height)
        );
        drawn += &text(middle.x, baseline, "", "middle", &self.name);
        if let Some(below) = &self.below {
            drawn += &text(middle.x, y + 34.0, "small quiet", "middle", below);
        }
        drawn + "</g>\n"
    }
}

/// What there is to say of a step, in lines.
pub(crate) fn story(step: &StepView) -> String {
    let mut story = escape::short(step.label());
    if let Some(status) = step.status {
        story += &format!("\n{status}");
    }
    if let Some(started) = step.started {
        let (started, elapsed) = (time::human(started), time::human(step.elapsed));
        story += &format!(
            "\nbegan after {started}, ran {elapsed}, tries: {}",
            step.attempts
        );
    }
    if let Some(within) = step.within() {
        story += &format!("\n{within}");
    }
    for reason in step.skip_cause.iter().chain(&step.errors) {
        story += &format!("\n{}", escape::short(reason));
    }
    story
}

fn edges(view: &GraphView, layout: &Layout) -> String {
    let critical = critical(view);
    let mut drawn = String::new();
    for (edge, route) in view.edges.iter().zip(&layout.routes) {
        let mut class = "link".to_owned();
        if edge.is_conditional {
            class += " conditional";
        }
        if edge.taken == Some(false) {
            class += " untaken";
        } else if critical.contains(&(edge.from, edge.to)) {
            class += " critical";
        }
        drawn += &format!(
            "<g class=\"{class}\"><path class=\"edge\" d=\"{}\"/>{}",
            path(route, layout.direction),
            head(route, layout.direction)
        );
        if let (Some(at), Some(label)) = (route.label, label(edge)) {
            drawn += &ground(at, measure::width(&label, 11.0) + 6.0);
            drawn += &text(at.x, at.y + 4.0, "small quiet", "middle", &label);
        }
        drawn += "</g>\n";
    }
    drawn
}

/// The links of the critical path.
fn critical(view: &GraphView) -> HashSet<(usize, usize)> {
    let steps = view.steps.iter().enumerate();
    let mut path: Vec<_> = steps
        .filter(|(_, step)| step.is_critical)
        .map(|(number, step)| (step.started, step.ended(), number))
        .collect();
    path.sort_unstable();
    path.windows(2).map(|pair| (pair[0].2, pair[1].2)).collect()
}

fn label(edge: &EdgeView) -> Option<String> {
    let label = edge.label.as_deref().filter(|label| !label.is_empty())?;
    Some(measure::cut(label, 11.0, LONGEST / 2.0).into_owned())
}

fn ground(middle: Point, width: f64) -> String {
    format!(
        "<rect class=\"ground\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"16\"/>",
        number(middle.x - width / 2.0),
        number(middle.y - 8.0),
        number(width)
    )
}

fn path(route: &Route, direction: Direction) -> String {
    let mut path = String::new();
    let mut last: Option<Point> = None;
    for (number_of, point) in route.points.iter().enumerate() {
        let (x, y) = (number(point.x), number(point.y));
        path += &match last {
            None => format!("M{x} {y}"),
            // Even points begin a line through a layer; the way to them is the swing between layers.
            Some(last) if number_of % 2 == 0 => {
                let (one, other) = match direction {
                    Direction::Down => {
                        let half = (last.y + point.y) / 2.0;
                        (Point { y: half, ..last }, Point { y: half, ..*point })
                    }
                    Direction::Right => {
                        let half = (last.x + point.x) / 2.0;
                        (Point { x: half, ..last }, Point { x: half, ..*point })
                    }
                };
                let [a, b, c, d] = [one.x, one.y, other.x, other.y].map(number);
                format!("C{a} {b} {c} {d} {x} {y}")
            }
            Some(last) if last == *point => String::new(),
            Some(_) => format!("L{x} {y}"),
        };
        last = Some(*point);
    }
    path
}

fn head(route: &Route, direction: Direction) -> String {
    let Some(end) = route.points.last() else {
        return String::new();
    };
    let sides = match direction {
        Direction::Down => "l-4 -8h8z",
        Direction::Right => "l-8 -4v8z",
    };
    let (x, y) = (number(end.x), number(end.y));
    format!("<path class=\"head\" d=\"M{x} {y}{sides}\"/>")
}

const MARGIN: f64 = 16.0;

/// Widths of boxes are multiples of this.
const STEP: f64 = 20.0;

/// How wide a name may be, in pixels.
const LONGEST: f64 = 220.0;
