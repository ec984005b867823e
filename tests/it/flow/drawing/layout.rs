use fascine::flow::Graph;
use proptest::prelude::*;
use roxmltree::{Document, Node};

use super::plain;

#[derive(Clone, Copy, Debug)]
struct Rect {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Rect {
    fn of(node: Node<'_, '_>) -> Self {
        let [left, top, width, height] = ["x", "y", "width", "height"]
            .map(|name| node.attribute(name).unwrap_or("0").parse::<f64>().unwrap());
        let (right, bottom) = (left + width, top + height);
        Self {
            left,
            top,
            right,
            bottom,
        }
    }

    /// Grown on all sides.
    fn grown(self, by: f64) -> Self {
        Self {
            left: self.left - by,
            top: self.top - by,
            right: self.right + by,
            bottom: self.bottom + by,
        }
    }

    fn contains(self, (x, y): (f64, f64)) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }

    fn overlaps(self, other: Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }
}

/// Points along a path of the commands `M`, `L` and `C`, close together.
fn points(path: &str) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> = Vec::new();
    let starts: Vec<usize> = path
        .match_indices(char::is_alphabetic)
        .map(|(at, _)| at)
        .collect();
    for (number, start) in starts.iter().enumerate() {
        let end = starts.get(number + 1).copied().unwrap_or(path.len());
        let numbers = path[start + 1..end]
            .split(' ')
            .map(|number| number.parse::<f64>().unwrap());
        let numbers: Vec<f64> = numbers.collect();
        let to: Vec<(f64, f64)> = numbers.chunks(2).map(|pair| (pair[0], pair[1])).collect();
        match (&path[*start..=*start], points.last().copied()) {
            ("M", None) => points.push(to[0]),
            ("L", Some(from)) => points.extend((1..=16).map(|part| {
                let t = f64::from(part) / 16.0;
                (
                    from.0 + t * (to[0].0 - from.0),
                    from.1 + t * (to[0].1 - from.1),
                )
            })),
            ("C", Some(from)) => points.extend((1..=16).map(|part| {
                let t = f64::from(part) / 16.0;
                let u = 1.0 - t;
                let at = |a: f64, b: f64, c: f64, d: f64| {
                    u * u * u * a + 3.0 * u * u * t * b + 3.0 * u * t * t * c + t * t * t * d
                };
                (
                    at(from.0, to[0].0, to[1].0, to[2].0),
                    at(from.1, to[0].1, to[1].1, to[2].1),
                )
            })),
            other => panic!("{other:?}"),
        }
    }
    points
}

/// Checks all that a drawing promises.
fn check(graph: &Graph) {
    let svg = graph.to_svg();
    let document = Document::parse(&svg).unwrap();
    let with_class = |class: &'static str| {
        let nodes = document.descendants();
        nodes.filter(move |node| {
            node.attribute("class")
                .is_some_and(|found| found.starts_with(class))
        })
    };
    let child = |node: Node<'_, '_>, class: &str| {
        let mut children = node.children();
        children
            .find(|child| child.attribute("class") == Some(class))
            .unwrap()
            .id()
    };
    let boxes = with_class("step ").map(|step| child(step, "box"));
    let boxes: Vec<Rect> = boxes
        .map(|id| Rect::of(document.get_node(id).unwrap()))
        .collect();
    assert_eq!(boxes.len(), graph.len());

    let root = document.root_element();
    let frame = Rect::of(root);
    let shift = document.descendants().find_map(|node| {
        let numbers = node.attribute("transform")?.strip_prefix("translate(16 ")?;
        node.has_children()
            .then_some(numbers.trim_end_matches(')').parse::<f64>().ok()?)
    });
    let room = Rect {
        left: 0.0,
        top: 0.0,
        right: frame.right - 16.0,
        bottom: frame.bottom - shift.unwrap(),
    };
    for (number, one) in boxes.iter().enumerate() {
        assert!(
            room.contains((one.left, one.top)) && room.contains((one.right, one.bottom)),
            "{one:?}"
        );
        for other in &boxes[..number] {
            assert!(!one.grown(4.0).overlaps(*other), "{one:?} {other:?}");
        }
    }

    let names: Vec<&str> = graph.step_names().collect();
    let place = |name: &str| names.iter().position(|known| *known == name).unwrap();
    let links: Vec<_> = with_class("link").map(|link| child(link, "edge")).collect();
    assert_eq!(links.len(), graph.edges().count());
    for ((from, to, _), link) in graph.edges().zip(links) {
        let (from, to) = (place(from), place(to));
        let points = points(document.get_node(link).unwrap().attribute("d").unwrap());
        assert!(boxes[from].grown(0.2).contains(points[0]), "{from} -> {to}");
        assert!(
            boxes[to].grown(0.2).contains(points[points.len() - 1]),
            "{from} -> {to}"
        );
        for point in points {
            assert!(room.contains(point));
            for (number, others) in boxes.iter().enumerate() {
                let is_end = number == from || number == to;
                assert!(
                    is_end || !others.grown(-0.2).contains(point),
                    "{from} -> {to} meets {number}"
                );
            }
        }
    }
}

#[test]
fn shapes_that_are_common_keep_the_promises() {
    check(&plain(1, []));
    check(&plain(12, []));
    check(&plain(12, (1..12).map(|step| (step - 1, step))));
    check(&plain(40, (1..39).flat_map(|step| [(0, step), (step, 39)])));
    check(&plain(31, (1..31).map(|step| ((step - 1) / 2, step))));
    // Every step leads to every later one.
    check(&plain(
        10,
        (0..10).flat_map(|to| (0..to).map(move |from| (from, to))),
    ));
}

#[test]
fn a_chain_goes_down_and_many_side_by_side_go_right() {
    let size = |graph: &Graph| {
        let svg = graph.to_svg();
        let document = Document::parse(&svg).unwrap();
        let frame = Rect::of(document.root_element());
        (frame.right, frame.bottom)
    };
    let (width, height) = size(&plain(50, (1..50).map(|step| (step - 1, step))));
    assert!(width < 500.0 && height > 3000.0, "{width} {height}");
    let (width, height) = size(&plain(50, (1..50).map(|step| (0, step))));
    assert!(width < 500.0 && height > 1500.0, "{width} {height}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_graph_breaks_the_promises(
        steps in 2_usize..40,
        pairs in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..90),
    ) {
        let pairs = pairs.iter().map(|(one, other)| (one.index(steps), other.index(steps)));
        let edges: std::collections::BTreeSet<(usize, usize)> = pairs
            .filter(|(one, other)| one != other)
            .map(|(one, other)| (one.min(other), one.max(other)))
            .collect();
        check(&plain(steps, edges));
    }
}
