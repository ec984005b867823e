use super::{escape, time};
use crate::{GraphView, StepView};

/// Every step in a row.
pub(super) fn section(view: &GraphView) -> String {
    let more = match view.hidden {
        0 => String::new(),
        hidden => format!(" {hidden} more are not shown."),
    };
    let has_nested = view.steps.iter().any(|step| !step.nested.is_empty());
    let below = if has_nested {
        ", each followed by those that it ran"
    } else {
        ""
    };
    let mut section = format!(
        "<section aria-labelledby=\"steps\">\n<h2 id=\"steps\">Steps</h2>\n\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"steps\">\n<table>\n\
         <caption class=\"quiet\">In the order they were added{below}.{more}</caption>\n<thead><tr>"
    );
    for (heading, class) in COLUMNS {
        section += &format!("<th scope=\"col\" class=\"rule {class}\">{heading}</th>");
    }
    section += "</tr></thead>\n<tbody>\n";
    for step in &view.steps {
        section += &row(step);
        step.nested.iter().for_each(|step| section += &row(step));
        if let Some(words) = step.left_out() {
            let columns = COLUMNS.len();
            section += &format!(
                "<tr><td colspan=\"{columns}\" class=\"rule quiet\"{}>{words}</td></tr>\n",
                indented(1)
            );
        }
    }
    section + "</tbody>\n</table>\n</div>\n</section>\n"
}

fn row(step: &StepView) -> String {
    let status = step.status.map(|status| {
        let class = status.as_str();
        format!("<span class=\"badge {class}\">{class}</span>")
    });
    let began = step.started.map(time::human).unwrap_or_default();
    let ran = step.started.map(|_| time::human(step.elapsed));
    let tries = match step.attempts {
        0 => String::new(),
        tries => tries.to_string(),
    };
    let why = step.errors.last().or(step.skip_cause.as_ref());
    let why = why.map(|why| escape::short(why)).unwrap_or_default();
    let class = if step.depth == 0 {
        ""
    } else {
        " class=\"within\""
    };
    let mut name = escape::xml(&escape::short(step.label()));
    if step.is_critical {
        name += " <span class=\"quiet\">(critical)</span>";
    }
    format!(
        "<tr{class}><th scope=\"row\" class=\"rule\"{}>{name}</th><td class=\"rule\">{}</td><td class=\"rule count\">{began}</td>\
         <td class=\"rule count\">{}</td><td class=\"rule count\">{tries}</td><td class=\"rule\">{}</td></tr>\n",
        indented(step.depth),
        status.unwrap_or_default(),
        ran.unwrap_or_default(),
        escape::xml(&why)
    )
}

/// What is within another step stands to the right of it, as far as there is room.
fn indented(depth: usize) -> String {
    match depth.min(DEEPEST) {
        0 => String::new(),
        depth => format!(" style=\"padding-left:{}px\"", 20 * depth),
    }
}

const DEEPEST: usize = 6;

const COLUMNS: [(&str, &str); 6] = [
    ("Step", ""),
    ("Status", ""),
    ("Began after", "count"),
    ("Ran", "count"),
    ("Tries", "count"),
    ("Because", ""),
];
