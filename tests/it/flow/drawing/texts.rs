use fascine::flow::{GraphBuilder, GraphView};

use super::{choice, hostile, troubled};

#[test]
fn a_graph_is_a_mermaid_flowchart() {
    let graph = choice().build().unwrap();
    let text = "flowchart TD\n  s0[\"load\"]\n  s1[\"count\"]\n  s2[\"few\"]\n  s3[\"many\"]\n  s0 --> s1\n  \
                s1 -.->|\"at most 5\"| s2\n  s1 -.-> s3\n";
    assert_eq!(graph.to_mermaid(), text);
}

#[test]
fn a_graph_is_a_dot_digraph() {
    let graph = choice().build().unwrap();
    let text = graph.to_dot();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "digraph \"flow\" {");
    assert_eq!(
        lines[3..],
        [
            "  s0 [label=\"load\"]",
            "  s1 [label=\"count\"]",
            "  s2 [label=\"few\"]",
            "  s3 [label=\"many\"]",
            "  s0 -> s1",
            "  s1 -> s2 [label=\"at most 5\", style=dashed]",
            "  s1 -> s3 [style=dashed]",
            "}",
        ]
    );
}

#[test]
fn a_run_has_classes_for_its_statuses() {
    let text = troubled("x").to_mermaid();
    assert!(text.contains("  s0[\"slow\"]:::completed\n"), "{text}");
    assert!(text.contains("  s1[\"quick x\"]:::failed\n"), "{text}");
    assert!(text.contains("  s2[\"after\"]:::skipped\n"), "{text}");
    assert_eq!(text.matches("classDef ").count(), 3, "{text}");
    let dot = troubled("x").to_dot();
    assert!(
        dot.contains("s1 [label=\"quick x\\nfailed\", fillcolor="),
        "{dot}"
    );
}

/// Ends of labels are where the drawing put them: the rest is escaped.
#[test]
fn no_name_breaks_out_of_its_label() {
    for name in hostile() {
        let mut graph = GraphBuilder::new();
        graph.step(name.as_str(), |_| async { Ok(()) });
        graph.step("other", |_| async { Ok(()) });
        graph.edge(name.as_str(), "other").label(name.as_str());
        let graph = graph.build().unwrap();

        let mermaid = graph.to_mermaid();
        assert_eq!(mermaid.lines().count(), 4, "{mermaid}");
        assert_eq!(mermaid.matches('"').count(), 6, "{mermaid}");
        assert!(only_codes(&mermaid), "{mermaid}");

        let dot = GraphView::from(&graph).with_title(name.as_str()).to_dot();
        let unquoted = dot.replace("\\\\", "").replace("\\\"", "");
        assert_eq!(unquoted.lines().count(), 7, "{dot}");
        let line = |number: usize| unquoted.lines().nth(number).unwrap().matches('"').count();
        assert_eq!([line(0), line(3), line(5)], [2; 3], "{dot}");
        assert!(mermaid.len() < 3_000 && dot.len() < 3_000);
    }
}

/// A semicolon ends a character code and nothing else.
fn only_codes(mermaid: &str) -> bool {
    let codes = mermaid.split(';').rev().skip(1).all(|before| {
        let (_, digits) = before.rsplit_once('#').unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
    });
    (codes || !mermaid.contains(';')) && !mermaid.contains(['<', '`', ':', '$', '\u{202e}', '\0'])
}
