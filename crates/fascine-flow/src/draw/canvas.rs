use super::layout::Size;
use super::{escape, style};

/// Whether an SVG stands alone, or in a page that has the rules already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Alone,
    Page,
}

/// Puts what was drawn into an SVG of that size.
pub(crate) fn svg(place: Place, size: Size, title: &str, description: &str, body: &str) -> String {
    let rules = match place {
        Place::Alone => format!("<style>{}</style>\n", style::rules()),
        Place::Page => String::new(),
    };
    let (width, height) = (number(size.width.ceil()), number(size.height.ceil()));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"fascine\" role=\"img\" width=\"{width}\" \
         height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n<title>{}</title>\n<desc>{}</desc>\n{rules}\
         <rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>\n{body}</svg>\n",
        escape::xml(&escape::short(title)),
        escape::xml(description)
    )
}

/// What stands above a drawing, unless the page says it already, and how much room it takes.
pub(crate) fn heading(place: Place, title: &str) -> (String, f64) {
    match place {
        Place::Alone => (text(16.0, 30.0, "title", "start", title) + "\n", 40.0),
        Place::Page => (String::new(), 16.0),
    }
}

/// Writes text at a place; `class` may be empty.
pub(crate) fn text(x: f64, y: f64, class: &str, anchor: &str, text: &str) -> String {
    format!(
        "<text x=\"{}\" y=\"{}\" class=\"{class}\" text-anchor=\"{anchor}\">{}</text>",
        number(x),
        number(y),
        escape::xml(text)
    )
}

/// Writes a length to a tenth of a pixel, the same on every machine.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}
