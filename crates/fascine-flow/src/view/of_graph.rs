use super::{EdgeView, GraphView, StepView};
use crate::Graph;
use crate::edge::Condition;

impl From<&Graph> for GraphView {
    fn from(graph: &Graph) -> Self {
        let steps = graph.step_names().map(|name| StepView {
            name: name.to_owned(),
            path: name.to_owned(),
            ..StepView::default()
        });
        let edges = graph.inner.edges.iter().map(|edge| EdgeView {
            from: edge.from as usize,
            to: edge.to as usize,
            label: edge.label().map(|label| label.to_string()),
            is_conditional: !matches!(edge.condition(), Condition::Always),
            taken: None,
        });
        Self {
            steps: steps.collect(),
            edges: edges.collect(),
            ..Self::default()
        }
    }
}

impl Graph {
    /// Writes it as a [Mermaid](https://mermaid.js.org/syntax/flowchart.html) flowchart.
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        GraphView::from(self).to_mermaid()
    }

    /// Writes it in the [DOT language](https://graphviz.org/doc/info/lang.html) of Graphviz.
    #[must_use]
    pub fn to_dot(&self) -> String {
        GraphView::from(self).to_dot()
    }

    /// Draws it as an SVG, light or dark as the reader wants it.
    #[must_use]
    pub fn to_svg(&self) -> String {
        GraphView::from(self).to_svg()
    }
}
