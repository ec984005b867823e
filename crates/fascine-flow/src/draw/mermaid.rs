use super::escape;
use super::palette::{LIGHT, STATUSES};
use crate::GraphView;

impl GraphView {
    /// Writes it as a [Mermaid](https://mermaid.js.org/syntax/flowchart.html) flowchart.
    ///
    /// Steps have the ids `s0`, `s1` and so on, as names may be words of the language. Edges with a condition are
    /// dotted. After a run, each status is a class with its colour; the text on a box keeps its own, so that it can be
    /// read on the fill in any theme.
    /// A step that ran others says how many below its name.
    /// Names are cut at 120 characters.
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        let mut text = "flowchart TD\n".to_owned();
        for (number, step) in self.steps.iter().enumerate() {
            let class = step.status.map(|status| format!(":::{status}"));
            let within = step.within().map(|within| format!("<br/>{within}"));
            text += &format!(
                "  s{number}[\"{}{}\"]{}\n",
                escape::mermaid(&step.name),
                within.unwrap_or_default(),
                class.unwrap_or_default()
            );
        }
        for edge in &self.edges {
            let arrow = if edge.is_conditional { "-.->" } else { "-->" };
            let label = edge.label.as_deref().filter(|label| !label.is_empty());
            let label = label.map(|label| format!("|\"{}\"|", escape::mermaid(label)));
            let label = label.unwrap_or_default();
            text += &format!("  s{} {arrow}{label} s{}\n", edge.from, edge.to);
        }
        for status in STATUSES {
            if self.steps.iter().any(|step| step.status == Some(status)) {
                let paint = (LIGHT.paint)(Some(status));
                text += &format!(
                    "  classDef {status} fill:{},stroke:{},color:{}\n",
                    paint.fill, paint.line, LIGHT.text
                );
            }
        }
        text
    }
}
