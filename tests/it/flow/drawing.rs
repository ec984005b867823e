//! What graphs and runs look like.

mod layout;
mod nested;
mod page;
mod svg;
mod texts;
mod timeline;
mod trace;
mod views;

use fascine::flow::{Flow, Graph, GraphBuilder, GraphView};
use fascine_testing::TestRuntime;

use crate::durations::ms;

/// A graph with every kind of edge: `load` leads to `count`, which leads to `few` or else to `many`.
fn choice() -> GraphBuilder {
    let mut graph = GraphBuilder::new();
    graph.step("load", |_| async { Ok(3) });
    graph.step("count", |_| async { Ok(3) });
    graph.step("few", |_| async { Ok(()) });
    graph.step("many", |_| async { Ok(()) });
    graph.edge("load", "count");
    graph.edge("count", "few").when(|_| true).label("at most 5");
    graph.edge("count", "many").otherwise();
    graph
}

/// A run with every kind of end: `slow` and `quick` run side by side, `quick` fails, and `after` it is skipped.
fn troubled(name: &str) -> GraphView {
    let name = name.to_owned();
    TestRuntime::run(move |rt| async move {
        let mut graph = GraphBuilder::new();
        let clock = rt.clone();
        graph.step("slow", move |_| {
            let clock = clock.clone();
            async move {
                clock.sleep(ms(300)).await;
                Ok(())
            }
        });
        let (clock, message) = (rt.clone(), name.clone());
        graph.step(format!("quick {name}"), move |_| {
            let (clock, message) = (clock.clone(), message.clone());
            async move {
                clock.sleep(ms(100)).await;
                Err::<(), _>(std::io::Error::other(message).into())
            }
        });
        graph.step("after", |_| async { Ok(()) });
        graph.step("end", |_| async { Ok(()) });
        graph
            .edge(format!("quick {name}"), "after")
            .label(name.clone());
        graph.edge("slow", "end");
        let graph = graph.build().unwrap();
        let report = Flow::new(&rt).run(&graph).await;
        GraphView::from((&graph, &report)).with_title(name)
    })
}

/// Steps that do nothing, with edges between them, some of which have a label.
fn plain(steps: usize, edges: impl IntoIterator<Item = (usize, usize)>) -> Graph {
    let mut graph = GraphBuilder::new();
    for step in 0..steps {
        graph.step(format!("step {step}"), |_| async { Ok(()) });
    }
    for (from, to) in edges {
        let edge = graph.edge(format!("step {from}"), format!("step {to}"));
        if (from + to) % 5 == 3 {
            edge.label(format!("from {from} to {to}"));
        }
    }
    graph.build().unwrap()
}

/// Texts that are known to break drawings.
fn hostile() -> Vec<String> {
    let mut names: Vec<String> = [
        "</script><script>alert(1)</script>",
        "</style><img src=x onerror=alert(1)>",
        "\" onload=\"alert(1)",
        "' onload='alert(1)",
        "]]> --> ?>",
        "&amp; &#60; #quot; #35;",
        "`**bold**` _x_ [a](javascript:alert(1)) $$x$$ %% x {{a}}",
        "fa:fa-ban",
        "end",
        "subgraph",
        "graph LR;\n  a-->b",
        "\\N \\n \\\"",
        "two\r\nlines\tand a tab",
        "\u{202e}desrever\u{2066}",
        "\u{0}\u{1b}[31m\u{fffe}\u{85}",
        "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{6f22}\u{5b57} \u{1f9ea}",
        " ",
    ]
    .map(str::to_owned)
    .into();
    names.push("x".repeat(10_000));
    names.push("<>&\"'\u{e9}".repeat(2_000));
    names
}
