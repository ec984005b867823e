//! Batches: bounded, isolated, in order, and in constant memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fascine::branch::{Batch, Branch, BranchError, OnFailure};
use fascine::concurrency::{at_most, from_stream};
use fascine::http::Net;
use fascine::model::{EchoModel, ScriptedModel};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::stream;

use crate::branch::calculator::{assert_usable, said};
use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_batch_gives_a_result_for_each_input_in_order,
}

async fn a_batch_gives_a_result_for_each_input_in_order(rt: Rt, _: Arc<dyn Net>) {
    let branch = Branch::new(&rt, "b", EchoModel);
    branch.communicate("before").await.unwrap();
    let inputs = (0..100).map(|n| format!("input {n}"));
    let replies = branch
        .batch(inputs, at_most(7).unwrap())
        .try_collect()
        .await;
    let texts: Vec<_> = replies.unwrap().iter().map(|reply| reply.text()).collect();
    let expected: Vec<_> = (0..100).map(|n| format!("input {n}")).collect();
    assert_eq!(texts, expected);
    assert_eq!(branch.history().len(), 2);
    let inputs = from_stream(stream::iter(["x", "y"]));
    let replies = branch.batch(inputs, at_most(1).unwrap()).collect().await;
    assert_eq!(replies.len(), 2);
}

#[test]
fn no_input_sees_another() {
    TestRuntime::run_seeds(16, |rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(ms(10))
            .with_rule("before", "0")
            .with_rule("q", "a");
        let branch = Branch::new(&rt, "b", model.clone());
        branch.communicate("before").await.unwrap();
        let inputs = (0..20).map(|n| format!("q{n}"));
        branch
            .batch(inputs, at_most(4).unwrap())
            .try_collect()
            .await
            .unwrap();
        for asked in &model.requests()[1..] {
            let heard: Vec<_> = asked.messages.iter().map(|said| said.text()).collect();
            assert_eq!(heard[..2], ["before", "0"]);
            assert_eq!(heard.len(), 3);
        }
    });
}

#[test]
fn so_many_run_at_a_time() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(ms(10))
            .with_rule("", "a");
        let branch = Branch::new(&rt, "b", model.clone());
        let started = rt.now();
        let mut results = branch.batch(vec!["x"; 20], at_most(5).unwrap());
        let mut count = 0;
        while let Some(result) = results.result().await {
            result.unwrap();
            assert!(model.in_flight() <= 5);
            count += 1;
        }
        assert_eq!((count, rt.now() - started), (20, ms(40)));
    });
}

#[test]
fn one_failure_harms_nobody_else_unless_asked() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(ms(10))
            .with_failing_rule("bad", 500)
            .with_rule("", "a");
        let branch = Branch::new(&rt, "b", model.clone());
        let inputs = ["a", "bad", "c", "d", "e", "f"];
        let results = branch.batch(inputs, at_most(2).unwrap()).collect().await;
        let good: Vec<_> = results.iter().map(Result::is_ok).collect();
        assert_eq!(good, [true, false, true, true, true, true]);

        let asked = model.requests().len();
        let stop = Batch::new(at_most(2).unwrap()).on_failure(OnFailure::Stop);
        let results = branch.batch(inputs, stop).collect().await;
        assert_eq!((results.len(), results[1].is_err()), (2, true));
        assert!(model.requests().len() - asked < 6);
        assert_eq!(model.in_flight(), 0);

        let error = branch
            .batch(inputs, at_most(2).unwrap())
            .try_collect()
            .await;
        assert!(error.is_err());
    });
}

#[test]
fn any_operation_can_be_done_in_a_batch() {
    TestRuntime::run(|rt| async move {
        let branch = Branch::new(&rt, "b", EchoModel);
        let lines = branch.batch_with(["a", "b"], at_most(2).unwrap(), |fork, input| async move {
            fork.communicate(input).await?;
            fork.communicate("more").await?;
            Ok::<_, BranchError>((fork.name().to_owned(), said(&fork)))
        });
        let lines = lines.try_collect().await.unwrap();
        assert_eq!(lines[1].0, "b/1");
        let all = ["user: b", "assistant: b", "user: more", "assistant: more"];
        assert_eq!(lines[1].1, all);
    });
}

/// Counts how many of it there are.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(live: &Arc<AtomicUsize>, most: &Arc<AtomicUsize>) -> Self {
        let now = live.fetch_add(1, Ordering::SeqCst) + 1;
        most.fetch_max(now, Ordering::SeqCst);
        Self(Arc::clone(live))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn ten_thousand_inputs_take_the_memory_of_the_limit() {
    let peak = |inputs: usize| {
        let measured = allocation_counter::measure(|| {
            TestRuntime::run(|rt| async move {
                let branch = Branch::new(&rt, "b", EchoModel);
                branch.communicate("x".repeat(1_000)).await.unwrap();
                let (live, most) = (Arc::default(), Arc::default());
                let counted = (0..inputs).map(|n| (n, Counted::new(&live, &most)));
                let mut results = branch.batch_with(
                    counted,
                    at_most(16).unwrap(),
                    |fork, (n, counted)| async move {
                        let reply = fork.communicate(format!("input {n}")).await?;
                        drop(counted);
                        Ok::<_, BranchError>(reply)
                    },
                );
                let mut count = 0;
                while let Some(reply) = results.result().await {
                    reply.unwrap();
                    count += 1;
                }
                assert_eq!(count, inputs);
                assert!(most.load(Ordering::SeqCst) <= 16);
                assert_eq!(live.load(Ordering::SeqCst), 0);
            });
        });
        measured.bytes_max
    };
    let (few, many) = (peak(100), peak(10_000));
    assert!(many < few + few / 4, "{few} {many}");
}

#[test]
fn dropping_a_batch_at_any_poll_leaves_nothing_running() {
    let polls = drop_after_every_poll(|rt, cut| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(ms(10))
            .with_rule("", "a");
        let branch = Branch::new(&rt, "b", model.clone());
        let results = branch.batch(["x"; 6], at_most(2).unwrap()).collect();
        cut.apply(results).await;
        assert_eq!(model.in_flight(), 0);
        assert!(branch.history().is_empty());
        assert_usable(&branch, "still there").await;
    });
    assert!(polls > 2, "{polls}");
}
