use super::escape;
use super::palette::LIGHT;
use crate::GraphView;

impl GraphView {
    /// Writes it in the [DOT language](https://graphviz.org/doc/info/lang.html) of Graphviz.
    ///
    /// Steps have the ids `s0`, `s1` and so on. Edges with a condition are dashed. After a run, each step has the colour
    /// of its status, which stands below its name with the number of steps that it ran, and edges that were not taken are grey.
    /// Names are cut at 120 characters.
    #[must_use]
    pub fn to_dot(&self) -> String {
        let mut text = format!("digraph \"{}\" {{\n", escape::dot(self.title()));
        text += "  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\", fillcolor=\"#ffffff\"]\n";
        text += "  edge [fontname=\"sans-serif\", fontsize=10]\n";
        for (number, step) in self.steps.iter().enumerate() {
            let name = escape::dot(&step.name);
            text += &match step.status {
                None => format!("  s{number} [label=\"{name}\"]\n"),
                Some(status) => {
                    let paint = (LIGHT.paint)(Some(status));
                    let within = step.within().map(|within| format!(", {within}"));
                    let within = within.unwrap_or_default();
                    format!(
                        "  s{number} [label=\"{name}\\n{status}{within}\", fillcolor=\"{}\", color=\"{}\"]\n",
                        paint.fill, paint.line
                    )
                }
            };
        }
        for edge in &self.edges {
            let mut attributes = Vec::new();
            if let Some(label) = &edge.label {
                attributes.push(format!("label=\"{}\"", escape::dot(label)));
            }
            if edge.is_conditional {
                attributes.push("style=dashed".to_owned());
            }
            if edge.taken == Some(false) {
                attributes.push(format!("color=\"{}\"", LIGHT.untaken));
            }
            text += &format!("  s{} -> s{}", edge.from, edge.to);
            if !attributes.is_empty() {
                text += &format!(" [{}]", attributes.join(", "));
            }
            text.push('\n');
        }
        text + "}\n"
    }
}
