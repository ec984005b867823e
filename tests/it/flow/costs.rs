//! What a step costs that does nothing: counted, never timed.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use allocation_counter::{AllocationInfo, measure};
use fascine::flow::{Flow, Graph, GraphBuilder};
use fascine_testing::TestRuntime;
use futures_lite::future::yield_now;

/// Steps that do nothing, with these edges.
fn graph(steps: usize, edges: impl IntoIterator<Item = (usize, usize)>) -> Graph {
    let mut graph = GraphBuilder::new();
    let ids: Vec<_> = (0..steps)
        .map(|step| graph.step(step.to_string(), |_| async { Ok(()) }).id())
        .collect();
    for (from, to) in edges {
        graph.edge(ids[from], ids[to]);
    }
    graph.build().unwrap()
}

fn chain(steps: usize) -> Graph {
    graph(steps, (1..steps).map(|step| (step - 1, step)))
}

fn fan_out(steps: usize) -> Graph {
    let middle = 1..steps - 1;
    graph(
        steps,
        middle.flat_map(|step| [(0, step), (step, steps - 1)]),
    )
}

/// What a run allocates, from its start to its report.
fn run(graph: &Graph) -> AllocationInfo {
    let runtime = TestRuntime::new();
    let flow = Flow::new(&runtime.rt());
    // What threads and runtimes make once is there by then.
    runtime.block_on(flow.run(graph));
    measure(|| {
        let report = runtime.block_on(flow.run(graph));
        assert!(report.is_success());
    })
}

#[test]
fn a_step_that_does_nothing_costs_two_allocations() {
    for shape in [chain, fan_out] {
        let (small, large) = (run(&shape(1000)), run(&shape(3000)));
        let more = large.count_total - small.count_total;
        // Its future and its output; and lists that grow.
        assert!(more <= 2 * 2000 + 50, "{more} allocations");
        let bytes = (large.bytes_max - small.bytes_max) / 2000;
        assert!(bytes <= 290, "{bytes} bytes a step");
        assert_eq!(large.count_current, 0, "something leaks");
    }
}

#[test]
fn what_steps_gave_is_not_there_all_at_once() {
    let mut graph = GraphBuilder::new();
    let mut last = graph.step("0", |_| async { Ok(vec![0; PAGE]) }).id();
    for step in 1..STEPS {
        last = graph
            .then(step.to_string(), last, |_, page| async move {
                Ok(page.to_vec())
            })
            .id();
    }
    let used = run(&graph.build().unwrap());
    // One step's output and the one it was made of, and what there is of every step anyhow.
    let bytes = used.bytes_max / STEPS as u64;
    assert!(bytes <= 290, "{bytes} bytes a step");
    const STEPS: usize = 100_000;
    const PAGE: usize = 4096;
}

#[test]
fn a_change_of_the_shared_state_costs_as_much_among_many_keys() {
    let each = |steps: usize| {
        let mut graph = GraphBuilder::new();
        for step in 0..steps {
            let name = step.to_string();
            let work = graph.step(name.clone(), move |context| {
                let key = name.clone();
                async move { Ok(context.update(&key, step)?.version()) }
            });
            work.writes(step.to_string());
        }
        run(&graph.build().unwrap()).bytes_total / steps as u64
    };
    let (few, many) = (each(250), each(4000));
    // Trees of keys are a little deeper.
    assert!(many < 2 * few, "{few} bytes a step, then {many}");
}

/// Would take minutes if each name were looked for among all.
#[test]
fn a_hundred_thousand_steps_are_found_by_their_names() {
    const STEPS: usize = 100_000;
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        for step in 0..STEPS {
            graph.step(step.to_string(), move |_| async move { Ok(step) });
            graph.edge(step.to_string(), "sum");
        }
        graph.step("sum", |context| async move {
            let input = |step: usize| context.input_json(&step.to_string())?.as_u64();
            Ok((0..STEPS).filter_map(input).sum::<u64>())
        });
        let graph = graph.build().unwrap();
        let mut run = Flow::new(&rt).start(&graph);
        let handles = (0..STEPS).map(|step| run.handle(step.to_string()));
        let handles: Vec<_> = handles.collect::<Option<_>>().unwrap();
        let report = run.await;
        let sum = (STEPS * (STEPS - 1) / 2) as u64;
        assert_eq!(report.step("sum").unwrap().json(), Some(sum.into()));
        assert!(handles.iter().all(|handle| handle.is_finished()));
    });
}

/// Counts the polls of a future.
async fn counted<T>(polls: Arc<AtomicU64>, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    poll_fn(|cx| {
        polls.fetch_add(1, SeqCst);
        future.as_mut().poll(cx)
    })
    .await
}

#[test]
fn nobody_is_polled_who_has_nothing_to_do() {
    for (waits, limit) in [(false, 1), (true, 1), (true, 7)] {
        let polls = Arc::<AtomicU64>::default();
        let mut graph = GraphBuilder::new();
        let mut ids = Vec::new();
        for step in 0..1000_usize {
            let polls = Arc::clone(&polls);
            let work = move |_| {
                counted(Arc::clone(&polls), async move {
                    if waits {
                        yield_now().await;
                    }
                    Ok(())
                })
            };
            ids.push(graph.step(step.to_string(), work).id());
            if let Some(before) = step.checked_sub(10) {
                graph.edge(ids[before], ids[step]);
            }
        }
        let graph = graph.build().unwrap();
        let runtime = TestRuntime::new();
        let flow = Flow::new(&runtime.rt()).with_max_concurrent(limit.try_into().unwrap());
        let of_run = Arc::<AtomicU64>::default();
        let report = runtime.block_on(counted(Arc::clone(&of_run), flow.run(&graph)));
        assert!(report.is_success());
        assert_eq!(polls.load(SeqCst), if waits { 2000 } else { 1000 });
        let of_run = of_run.load(SeqCst);
        assert!(of_run <= 3, "the run itself was polled {of_run} times");
    }
}

#[test]
fn large_graphs_are_built_run_and_dropped_on_a_small_stack() {
    let work = || {
        for shape in [chain, fan_out] {
            let graph = shape(1_000_000);
            let runtime = TestRuntime::new();
            let flow = Flow::new(&runtime.rt()).unlimited().keep_all();
            let report = runtime.block_on(flow.run(&graph));
            report.assert_completed().unwrap();
            drop((graph, report));
        }
    };
    let thread = thread::Builder::new().stack_size(256 * 1024);
    thread.spawn(work).unwrap().join().unwrap();
}
