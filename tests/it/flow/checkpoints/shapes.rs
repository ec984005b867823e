//! Graphs with effects, to be killed.

use std::sync::Arc;

use fascine::flow::{Each, Graph, GraphBuilder, Repeat, Round, StepContext};
use fascine::rt::Rt;
use serde_json::{Value, json};

use crate::durations::ms;

/// Where effects are seen.
pub(crate) trait World: Send + Sync + 'static {
    fn effect(&self, path: &str);
}

pub(crate) const SHAPES: usize = 4;

/// What the step with that path gives.
pub(crate) fn expected(path: &str) -> u64 {
    path.bytes().map(u64::from).sum()
}

/// These have no effect of their own.
pub(crate) fn is_quiet(path: &str) -> bool {
    ["list", "read", "improve", "inner", "inner/safe last"].contains(&path)
}

/// These may have their effect more than once.
pub(crate) fn is_idempotent(path: &str) -> bool {
    let name = path.rsplit('/').next();
    name.is_some_and(|name| name.starts_with("safe"))
}

/// A chain, a fan with branches, graphs within a graph, and steps that are made as it runs.
pub(crate) fn shape(number: usize, rt: &Rt, world: Arc<dyn World>) -> Graph {
    match number {
        0 => chain(rt, &world),
        1 => fan(rt, &world),
        2 => nested(rt, world),
        _ => grown(rt, &world),
    }
}

/// Adds a step that has an effect, and takes some time.
fn add(graph: &mut GraphBuilder, name: &str, millis: u64, rt: &Rt, world: &Arc<dyn World>) {
    let (rt, world) = (rt.clone(), Arc::clone(world));
    let step = graph.step(name, move |context: StepContext| {
        let (rt, world) = (rt.clone(), Arc::clone(&world));
        async move {
            rt.sleep(ms(millis)).await;
            world.effect(&context.path());
            rt.sleep(ms(millis)).await;
            if is_idempotent(context.name()) {
                context.update("sum", 1)?;
            }
            Ok(expected(&context.path()))
        }
    });
    if is_idempotent(name) {
        step.idempotent().writes("sum");
    }
}

fn summing() -> GraphBuilder {
    let mut graph = GraphBuilder::new();
    graph.reducer("sum", |before, new| {
        let number = |value: &Value| value.as_u64().unwrap_or(0);
        json!(before.map_or(0, number) + number(&new))
    });
    graph
}

fn chain(rt: &Rt, world: &Arc<dyn World>) -> Graph {
    let mut graph = summing();
    let names = ["a", "safe b", "c\nd", "safe e", "f"];
    for name in names {
        add(&mut graph, name, 1, rt, world);
    }
    for pair in names.windows(2) {
        graph.edge(pair[0], pair[1]);
    }
    graph.build().unwrap()
}

fn fan(rt: &Rt, world: &Arc<dyn World>) -> Graph {
    let mut graph = summing();
    for name in ["first", "left", "right", "never", "safe last"] {
        add(&mut graph, name, 2, rt, world);
    }
    for number in 0..4 {
        let name = format!("item {number}");
        add(&mut graph, &name, number, rt, world);
        graph.edge("first", name.as_str());
        graph.edge(name.as_str(), "safe last");
    }
    graph.edge("first", "left").when(|seen| seen.json() != 0);
    graph.edge("first", "never").when(|seen| seen.json() == 0);
    graph.edge("left", "right");
    graph.edge("right", "safe last");
    graph.edge("never", "safe last");
    graph.build().unwrap()
}

fn nested(rt: &Rt, world: Arc<dyn World>) -> Graph {
    let mut graph = summing();
    add(&mut graph, "first", 1, rt, &world);
    let (clock, seen) = (rt.clone(), Arc::clone(&world));
    let outer = graph.step("safe outer", move |context| {
        let (clock, world) = (clock.clone(), Arc::clone(&seen));
        async move {
            world.effect(&context.path());
            let mut sum = 0;
            for _ in 0..2 {
                let mut inner = GraphBuilder::new();
                for name in ["one", "two", "three"] {
                    add(&mut inner, name, 1, &clock, &world);
                }
                inner.edge("one", "three");
                inner.edge("two", "three");
                let report = context.run(&inner.build()?).await?;
                report.assert_completed()?;
                let last = report.steps.iter().filter_map(|step| step.json()?.as_u64());
                sum += last.sum::<u64>();
            }
            Ok(sum)
        }
    });
    outer.idempotent();
    graph.edge("first", "safe outer");
    add(&mut graph, "last", 1, rt, &world);
    graph.edge("safe outer", "last");
    graph.build().unwrap()
}

fn grown(rt: &Rt, world: &Arc<dyn World>) -> Graph {
    let mut graph = summing();
    let list = graph.step("list", |_| async { Ok(vec![1_u64, 2, 3]) });
    let list = list.idempotent().id();
    let (clock, seen) = (rt.clone(), Arc::clone(world));
    let read = graph.map("read", list, Each::concurrent(), move |context, item| {
        let (clock, world) = (clock.clone(), Arc::clone(&seen));
        async move {
            clock.sleep(ms(item)).await;
            world.effect(&context.path());
            clock.sleep(ms(1)).await;
            Ok(expected(&context.path()))
        }
    });
    let read = read.id();
    let (clock, seen) = (rt.clone(), Arc::clone(world));
    let repeat = Repeat::at_most(3).or_last();
    graph.repeat("improve", repeat, move |context, _: Option<u64>| {
        let (clock, world) = (clock.clone(), Arc::clone(&seen));
        async move {
            world.effect(&context.path());
            clock.sleep(ms(1)).await;
            Ok(Round::Again(expected(&context.path())))
        }
    });
    graph.edge(read, "improve");
    let mut inner = GraphBuilder::new();
    add(&mut inner, "one", 1, rt, world);
    add(&mut inner, "two", 1, rt, world);
    inner.edge("one", "two");
    let last = inner.step("safe last", |_| async { Ok(1_u64) });
    let last = last.idempotent().id();
    inner.edge("two", last);
    graph.sub_flow("inner", &inner.build().unwrap(), last);
    graph.edge("improve", "inner");
    graph.build().unwrap()
}
