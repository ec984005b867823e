use fascine::flow::GraphView;
use roxmltree::Document;

use super::{choice, hostile, plain, troubled};

#[test]
fn names_labels_and_the_legend_are_there() {
    let svg = choice().build().unwrap().to_svg();
    let document = Document::parse(&svg).unwrap();
    let texts: Vec<&str> = document
        .descendants()
        .filter_map(|node| node.text())
        .collect();
    for text in [
        "load",
        "count",
        "few",
        "many",
        "at most 5",
        "has a condition",
    ] {
        assert!(texts.contains(&text), "{text}: {texts:?}");
    }
}

#[test]
fn a_run_shows_statuses_in_words_and_colours() {
    let svg = troubled("x").to_svg();
    let document = Document::parse(&svg).unwrap();
    let texts: Vec<&str> = document
        .descendants()
        .filter_map(|node| node.text())
        .collect();
    for text in [
        "completed, 300 ms",
        "failed, 100 ms",
        "skipped",
        "2 completed",
        "1 failed",
        "1 skipped",
        "not taken",
        "critical path, 300 ms",
    ] {
        assert!(texts.contains(&text), "{text}: {texts:?}");
    }
    let classes = document
        .descendants()
        .filter_map(|node| node.attribute("class"));
    assert_eq!(
        classes
            .filter(|class| *class == "step completed critical")
            .count(),
        1
    );
    assert_eq!(svg.matches("@media (prefers-color-scheme:dark)").count(), 1);
}

#[test]
fn whatever_the_names_it_is_well_formed_and_runs_nothing() {
    for name in hostile() {
        for svg in [troubled(&name).to_svg(), troubled(&name).to_timeline_svg()] {
            let document = Document::parse(&svg).unwrap_or_else(|error| panic!("{error}: {svg}"));
            for node in document.descendants().filter(|node| node.is_element()) {
                let tag = node.tag_name().name();
                let known = ["svg", "title", "desc", "style", "g", "rect", "path", "text"];
                assert!(known.contains(&tag), "{tag}: {name}");
                assert!(
                    node.attributes()
                        .all(|attribute| !attribute.name().starts_with("on"))
                );
            }
            assert!(svg.len() < 20_000, "{}", svg.len());
        }
    }
}

#[test]
fn it_is_the_same_each_time() {
    let graph = plain(60, (1..60).map(|step| (step * 7 % step, step)));
    assert_eq!(graph.to_svg(), graph.to_svg());
    assert_eq!(troubled("x").to_html(), troubled("x").to_html());
}

#[test]
fn an_empty_graph_has_a_drawing() {
    let graph = plain(0, []);
    Document::parse(&graph.to_svg()).unwrap();
    Document::parse(&GraphView::from(&graph).to_timeline_svg()).unwrap();
}

#[test]
fn of_very_many_steps_the_first_are_drawn_and_the_rest_is_counted() {
    let graph = plain(50_000, (1..50_000).map(|step| (step - 1, step)));
    let svg = graph.to_svg();
    let document = Document::parse(&svg).unwrap();
    let boxes = document
        .descendants()
        .filter(|node| node.attribute("class") == Some("box"));
    assert_eq!(boxes.count(), GraphView::DRAWN);
    assert!(svg.contains("48000 more steps are not drawn"));
    assert_eq!(graph.to_mermaid().lines().count(), 1 + 50_000 + 49_999);
}
