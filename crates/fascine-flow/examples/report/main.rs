//! Runs a made-up pipeline on virtual time and writes its drawings into a folder:
//! `cargo run -p fascine-flow --example report -- FOLDER STEPS [growing]`. With `growing`, its steps run others.

mod growing;

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use fascine_flow::{Flow, FlowReport, Graph, GraphBuilder, GraphView};
use fascine_rt::Rt;
use fascine_testing::TestRuntime;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().ok_or("a folder is missing")?);
    let steps = args.next().ok_or("a number of steps is missing")?.parse()?;
    let is_growing = args.next().is_some_and(|word| word == "growing");
    let (graph, report) = TestRuntime::run(move |rt| async move {
        if is_growing {
            growing::run(rt, steps).await
        } else {
            run(rt, steps).await
        }
    });
    let view = GraphView::from((&graph, &report)).with_title(format!("Digest of {steps} steps"));
    fs::create_dir_all(&folder)?;
    for (name, text) in [
        ("report.html", view.to_html()),
        ("graph.svg", view.to_svg()),
        ("timeline.svg", view.to_timeline_svg()),
        ("trace.json", view.to_trace_json()),
        ("graph.mmd", view.to_mermaid()),
        ("graph.dot", view.to_dot()),
        ("plan.svg", graph.to_svg()),
    ] {
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}

/// Pages are fetched, read and summed up side by side; some are bad, some are not worth it.
fn graph(rt: &Rt, steps: usize) -> GraphBuilder {
    let mut graph = GraphBuilder::new();
    let work = |graph: &mut GraphBuilder, name: String, millis: u64, is_good: bool| {
        let clock = rt.clone();
        graph.step(name, move |_| {
            let clock = clock.clone();
            async move {
                clock.sleep(Duration::from_millis(millis)).await;
                if is_good {
                    Ok(millis)
                } else {
                    Err(refused().into())
                }
            }
        });
    };
    work(&mut graph, "plan".to_owned(), 120, true);
    let pages = steps.saturating_sub(3).div_ceil(3);
    let mut left = steps.saturating_sub(3);
    for page in 0..pages {
        let time = 200 + 97 * (page as u64 * 7 % 11);
        let mut last = "plan".to_owned();
        for stage in ["fetch", "read", "sum up"] {
            if left == 0 {
                break;
            }
            left -= 1;
            let name = format!("{stage} page {page}");
            work(
                &mut graph,
                name.clone(),
                time,
                stage != "read" || page % 9 != 4,
            );
            let edge = graph.edge(last, name.clone());
            if stage == "sum up" && page % 4 == 1 {
                edge.label("worth it").when(move |_| page % 8 == 1);
            }
            last = name;
        }
        if page % 9 != 4 || steps < 20 {
            graph.edge(last, "digest");
        }
    }
    work(&mut graph, "digest".to_owned(), 900, true);
    work(
        &mut graph,
        "mail it to everybody <who@asked.for> & file it".to_owned(),
        40,
        true,
    );
    graph.edge("plan", "mail it to everybody <who@asked.for> & file it");
    graph.edge("digest", "mail it to everybody <who@asked.for> & file it");
    graph
}

#[derive(Debug)]
struct Refused(std::io::Error);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the page could not be read")
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn refused() -> Refused {
    Refused(std::io::Error::other("connection reset by <peer>"))
}

async fn run(rt: Rt, steps: usize) -> (Graph, FlowReport) {
    let graph = graph(&rt, steps).build().expect("the names are unique");
    let report = Flow::new(&rt).run(&graph).await;
    (graph, report)
}
