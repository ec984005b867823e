use super::escape;
use crate::{GraphView, StepView};

/// The steps that failed, with the chain of what caused it. Empty if none did.
pub(super) fn section(view: &GraphView) -> String {
    let failed = || view.all_steps().filter(|step| !step.errors.is_empty());
    let count = failed().count();
    if count == 0 {
        return String::new();
    }
    let mut section =
        "<section aria-labelledby=\"errors\">\n<h2 id=\"errors\">Errors</h2>\n<div class=\"troubles\">\n".to_owned();
    failed()
        .take(SHOWN)
        .for_each(|step| section += &trouble(step));
    section += "</div>\n";
    if count > SHOWN {
        section += &format!(
            "<p class=\"quiet\">{} more are in the table.</p>\n",
            count - SHOWN
        );
    }
    section + "</section>\n"
}

fn trouble(step: &StepView) -> String {
    let name = escape::xml(&escape::short(step.label()));
    let mut trouble = format!("<article class=\"trouble rule\"><h3>{name}</h3>\n<ol>\n");
    for error in &step.errors {
        let mut text: String = error.chars().take(LONGEST).collect();
        if text.len() < error.len() {
            text.push('…');
        }
        trouble += &format!("<li>{}</li>\n", escape::xml(&text));
    }
    trouble + "</ol></article>\n"
}

/// As many as somebody may read.
const SHOWN: usize = 100;

/// In characters.
const LONGEST: usize = 4000;
