use fascine::flow::GraphView;
use roxmltree::Document;

use super::{plain, troubled};

/// The rows: their class, and where their bar begins and how long it is.
pub(super) fn bars(svg: &str) -> Vec<(String, f64, f64)> {
    let document = Document::parse(svg).unwrap();
    let bars = document.descendants();
    let bars = bars.filter(|node| node.attribute("class") == Some("bar"));
    bars.filter_map(|bar| {
        let row = bar.parent()?.attribute("class")?.strip_prefix("bars ")?;
        let number = |name| bar.attribute(name).unwrap().parse::<f64>().unwrap();
        Some((row.to_owned(), number("x"), number("width")))
    })
    .collect()
}

#[test]
fn bars_stand_where_the_steps_ran() {
    let svg = troubled("x").to_timeline_svg();
    let bars = bars(&svg);
    let classes: Vec<&str> = bars.iter().map(|bar| bar.0.as_str()).collect();
    assert_eq!(classes, ["completed critical", "failed", "completed"]);
    let [slow, quick, end] = &bars[..] else {
        panic!("{bars:?}")
    };
    assert_eq!(slow.1, quick.1);
    assert!((slow.2 - 3.0 * quick.2).abs() < 1.0, "{bars:?}");
    assert!((end.1 - (slow.1 + slow.2)).abs() < 1.0, "{bars:?}");
    // It took no time, and is seen all the same.
    assert_eq!(end.2, 2.0);
    assert!(svg.contains("1 more never began"));
}

#[test]
fn a_graph_that_did_not_run_has_no_bars() {
    let svg = GraphView::from(&plain(3, [])).to_timeline_svg();
    assert!(bars(&svg).is_empty());
    assert!(svg.contains("3 more never began"));
}
