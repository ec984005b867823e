//! What steps look like that other steps ran.

use fascine::flow::{Each, Flow, GraphBuilder, GraphView, Question, StepContext, StepView};
use fascine_testing::TestRuntime;
use roxmltree::Document;
use serde_json::Value;

use super::hostile;
use super::page::parse;
use crate::durations::ms;

/// `read` runs as many items one after the other, for 10 ms each; of these every `bad`th fails. Then `improve` runs a graph
/// of `name`, within which another one of `deep` is run.
fn growing(items: u64, bad: u64, name: &str) -> GraphView {
    let name = name.to_owned();
    TestRuntime::run(move |rt| async move {
        let mut graph = GraphBuilder::new();
        let list = graph.step("list", move |_| async move {
            Ok((1..=items).collect::<Vec<u64>>())
        });
        let list = list.id();
        let clock = rt.clone();
        let read = graph.map_settled("read", list, Each::sequential(), move |_, item| {
            let clock = clock.clone();
            async move {
                clock.sleep(ms(10)).await;
                if item % bad == 0 {
                    Err("no".into())
                } else {
                    Ok(())
                }
            }
        });
        let read = read.id();
        graph.then("improve", read, move |context, _| {
            let inner = name.clone();
            async move {
                let mut graph = GraphBuilder::new();
                graph.step(inner, |context: StepContext| async move {
                    let mut graph = GraphBuilder::new();
                    graph.step("deep", |_| async { Ok(()) });
                    context.run(&graph.build()?).await?;
                    Ok(())
                });
                context.run(&graph.build()?).await?;
                Ok(())
            }
        });
        let graph = graph.build().unwrap();
        let report = Flow::new(&rt).run(&graph).await;
        GraphView::from((&graph, &report)).with_title("growing")
    })
}

fn texts<'d>(document: &'d Document<'_>, tag: &'static str) -> Vec<&'d str> {
    let nodes = document.descendants();
    let nodes = nodes.filter(|node| node.tag_name().name() == tag);
    nodes
        .filter_map(|node| node.text().map(str::trim))
        .collect()
}

#[test]
fn a_view_has_the_steps_within_by_their_paths() {
    let view = growing(2, 2, "a/b");
    let [list, read, improve] = view.steps() else {
        panic!("{view:?}")
    };
    assert!(list.nested.is_empty());
    let told = |steps: &[StepView]| -> Vec<(String, usize, usize)> {
        let steps = steps.iter();
        steps
            .map(|step| (step.path.clone(), step.depth, step.nested.len()))
            .collect()
    };
    let at = |path: &str, depth| (path.to_owned(), depth, 0);
    assert_eq!(told(&read.nested), [at("read[0]", 1), at("read[1]", 1)]);
    assert_eq!(
        told(&improve.nested),
        [at("improve/a\\/b", 1), at("improve/a\\/b/deep", 2)]
    );
    assert_eq!(read.nested[1].started, Some(ms(10)));
    assert_eq!(
        read.nested[1].errors,
        ["step `read[1]` failed at attempt 1", "no"]
    );
}

#[test]
fn the_graph_counts_them_and_the_timeline_has_a_row_for_each() {
    let view = growing(3, 9, "inner");
    let svg = view.to_svg();
    let document = Document::parse(&svg).unwrap();
    let words = texts(&document, "text");
    assert!(
        words.contains(&"completed, 30 ms, 3 steps within"),
        "{words:?}"
    );
    assert!(!words.contains(&"read[0]") && words.contains(&"3 completed"));
    let mermaid = view.to_mermaid();
    assert!(mermaid.contains("s1[\"read<br/>3 steps within\"]:::completed"));
    assert!(mermaid.contains("s0[\"list\"]"), "{mermaid}");
    assert!(
        view.to_dot()
            .contains("label=\"read\\ncompleted, 3 steps within\"")
    );

    let svg = view.to_timeline_svg();
    let document = Document::parse(&svg).unwrap();
    let names = [
        "list",
        "read",
        "read[0]",
        "read[1]",
        "read[2]",
        "improve",
        "improve/inner",
        "improve/inner/deep",
    ];
    let rows = document.descendants().filter(|node| {
        let class = node.attribute("class").unwrap_or_default();
        class.starts_with("bars ")
    });
    let rows = rows.map(|row| {
        let mut children = row.children();
        let text = children.find(|node| node.tag_name().name() == "text");
        text.and_then(|text| text.text()).unwrap()
    });
    assert_eq!(rows.collect::<Vec<_>>(), names);
    assert!(texts(&document, "text").contains(&"8 completed"));
    // They stand where they ran: one third each.
    let bars = super::timeline::bars(&svg);
    let third = bars[1].2 / 3.0;
    for (number, bar) in bars[2..5].iter().enumerate() {
        assert!((bar.1 - bars[1].1 - third * number as f64).abs() < 1.0);
        assert!((bar.2 - third).abs() < 1.0);
    }
}

#[test]
fn of_thousands_the_first_are_shown_and_those_that_failed_and_the_others_are_counted() {
    let view = growing(3000, 2000, "inner");
    let said = "50 of these 3000 steps are shown: those that failed or were cancelled first, then in order";
    let page = view.to_html();
    let document = parse(&page);
    assert_eq!(page.matches(said).count(), 2);
    let rows = texts(&document, "th");
    let items = rows.iter().filter(|row| row.starts_with("read[")).count();
    assert_eq!(items, 50);
    assert!(rows.contains(&"read[48]") && rows.contains(&"read[1999]"));
    assert!(!rows.contains(&"read[49]"));
    assert!(page.contains("3 steps · 3 completed · 3002 within them, 1 failed · took 30 s"));
    assert!(page.contains("completed, 30 s, 3000 steps within"));
    assert_eq!(texts(&document, "h3"), ["read[1999]"]);
    assert!(page.len() < 200_000, "{}", page.len());
    assert!(view.to_timeline_svg().contains(said));
    // The trace holds them all.
    let trace: Value = serde_json::from_str(&view.to_trace_json()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap().iter();
    let nested = events.filter(|event| event["cat"] == "nested");
    assert_eq!(nested.count(), 3002);
}

#[test]
fn however_many_steps_run_others_a_page_has_an_end() {
    let view = TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        let list = graph.step("list", |_| async { Ok(vec![0_u8; 12]) }).id();
        for step in 0..200 {
            graph.map(
                format!("map {step}"),
                list,
                Each::concurrent(),
                |_, _| async { Ok(()) },
            );
        }
        let graph = graph.build().unwrap();
        let report = Flow::new(&rt).run(&graph).await;
        GraphView::from((&graph, &report))
    });
    // 200 steps share the 2000 rows.
    let page = view.to_html();
    assert!(page.contains("map 199[9]") && !page.contains("[10]"));
    assert_eq!(page.matches("10 of these 12 steps are shown").count(), 400);
}

#[test]
fn the_trace_calls_them_by_their_paths_on_threads_of_their_own() {
    let view = growing(2, 9, "inner");
    let trace: Value = serde_json::from_str(&view.to_trace_json()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap().iter();
    let told = events.filter(|event| event["ph"] == "X").map(|event| {
        let number = |key: &str| event[key].as_u64().unwrap();
        let name = event["name"].as_str().unwrap();
        (name, number("tid"), number("ts"), number("dur"))
    });
    let told: Vec<_> = told.collect();
    assert_eq!(told[1], ("read", 0, 0, 20_000));
    assert_eq!(
        told[3..5],
        [("read[0]", 1, 0, 10_000), ("read[1]", 1, 10_000, 10_000)]
    );
}

#[test]
fn no_name_of_a_step_within_breaks_out() {
    for name in hostile() {
        let view = growing(1, 1, &name);
        let page = view.to_html();
        let document = parse(&page);
        for tag in ["script", "img", "a", "b"] {
            let found = document.descendants();
            let mut found = found.filter(|node| node.tag_name().name() == tag);
            assert!(found.next().is_none(), "{name}");
        }
        assert_eq!(page.matches("</style").count(), 1, "{name}");
        assert!(page.len() < 100_000, "{}", page.len());
        Document::parse(&view.to_timeline_svg()).unwrap();
        let trace: Value = serde_json::from_str(&view.to_trace_json()).unwrap();
        assert!(trace["traceEvents"].is_array());
    }
}

#[test]
fn what_a_suspended_run_left_is_pending_and_has_its_colour() {
    let view = TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        let load = graph.step("load", |_| async { Ok(1) }).id();
        let ask = graph.ask("ask", load, |_, _| async {
            Ok(Question::<bool>::new("Go on?"))
        });
        let ask = ask.id();
        graph.then("go", ask, |_, _| async { Ok(()) });
        let graph = graph.build().unwrap();
        let report = Flow::new(&rt).suspend_when_waiting().run(&graph).await;
        GraphView::from((&graph, &report))
    });
    let page = view.to_html();
    assert!(page.contains("3 steps · 1 completed · 2 pending · suspended · 1 question is open"));
    assert!(page.contains("<span class=\"badge pending\">pending</span>"));
    assert!(page.contains(".pending>.box{fill:#fff8c5;stroke:#9a6700}"));
    let svg = view.to_svg();
    let document = Document::parse(&svg).unwrap();
    assert!(texts(&document, "text").contains(&"2 pending: to be taken up"));
    // Whether the edges are taken is not known before the run is taken up.
    assert!(view.edges().iter().all(|edge| edge.taken.is_none()));
    assert!(!svg.contains("untaken\""));
    assert!(view.to_mermaid().contains("classDef pending fill:#fff8c5"));
}
