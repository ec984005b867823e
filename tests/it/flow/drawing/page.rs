use roxmltree::{Document, ParsingOptions};

use super::{hostile, plain, troubled};
use fascine::flow::GraphView;

pub(super) fn parse(page: &str) -> Document<'_> {
    let options = ParsingOptions {
        allow_dtd: true,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(page, options).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_page_has_everything() {
    let page = troubled("broken pipe").to_html();
    let document = parse(&page);
    let with_tag = |tag: &'static str| {
        document
            .descendants()
            .filter(move |node| node.has_tag_name(("http://www.w3.org/1999/xhtml", tag)))
    };
    let headings: Vec<_> = with_tag("h2").filter_map(|node| node.text()).collect();
    assert_eq!(headings, ["Errors", "Graph", "Timeline", "Steps"]);
    let errors: Vec<_> = with_tag("li").filter_map(|node| node.text()).collect();
    assert_eq!(
        errors,
        [
            "step `quick broken pipe` failed at attempt 1",
            "broken pipe"
        ]
    );
    let rows = with_tag("tbody")
        .flat_map(|body| body.children())
        .filter(|row| row.is_element());
    assert_eq!(rows.count(), 4);
    let svg = document
        .descendants()
        .filter(|node| node.tag_name().name() == "svg");
    assert_eq!(svg.count(), 2);
    assert!(page.contains("4 steps · 2 completed · 1 failed · 1 skipped · took 300 ms"));
}

#[test]
fn it_can_be_read_by_those_who_do_not_see_it() {
    let page = troubled("x").to_html();
    let document = parse(&page);
    let ids: Vec<&str> = document
        .descendants()
        .filter_map(|node| node.attribute("id"))
        .collect();
    for node in document.descendants().filter(|node| node.is_element()) {
        match node.tag_name().name() {
            "html" => assert_eq!(node.attribute("lang"), Some("en")),
            "th" => assert!(matches!(node.attribute("scope"), Some("row" | "col"))),
            "svg" => {
                assert_eq!(node.attribute("role"), Some("img"));
                assert_eq!(
                    node.first_element_child().unwrap().tag_name().name(),
                    "title"
                );
            }
            "section" => assert!(ids.contains(&node.attribute("aria-labelledby").unwrap())),
            _ => {}
        }
    }
}

#[test]
fn nothing_is_loaded_and_nothing_is_run_whatever_the_names() {
    for name in hostile() {
        let page = troubled(&name).to_html();
        let document = parse(&page);
        for node in document.descendants().filter(|node| node.is_element()) {
            let tag = node.tag_name().name();
            let loads = [
                "script", "link", "img", "image", "iframe", "object", "use", "a", "base",
            ];
            assert!(!loads.contains(&tag), "{tag}: {name}");
            for attribute in node.attributes() {
                let name = attribute.name();
                assert!(
                    !name.starts_with("on") && name != "src" && name != "href",
                    "{name}"
                );
            }
        }
        // A browser looks for the end of a style in the text: there is one style, and it is ours.
        assert_eq!(page.matches("</style").count(), 1, "{name}");
        assert!(
            !page.contains("url(") && !page.contains("@import"),
            "{name}"
        );
        assert!(page.len() < 100_000, "{}", page.len());
    }
}

#[test]
fn a_graph_that_did_not_run_has_a_page_without_a_timeline() {
    let page = GraphView::from(&plain(3, [(0, 1)])).to_html();
    let document = parse(&page);
    assert!(!page.contains("<h2 id=\"timeline\">"));
    assert!(
        document
            .descendants()
            .any(|node| node.tag_name().name() == "table")
    );
}
