use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fascine::branch::{Branch, ModelSummary, Prune, Summarise, Turn, TurnId, TurnKind};
use fascine::http::Net;
use fascine::model::{EchoModel, ScriptedModel};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;

use super::heard::Heard;
use super::histories::{assert_whole, ids, plain, texts};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    what_is_long_ago_is_summed_up_in_the_background,
}

type Log = Arc<Mutex<Vec<Vec<TurnId>>>>;

/// Sums up by saying how many turns there were, after a while, and remembers which.
fn counting(rt: &Rt, log: &Log, delay: Duration) -> Summarise {
    let (rt, log) = (rt.clone(), Arc::clone(log));
    let summarise = Summarise::new(move |turns: Vec<Turn>| {
        let rt = rt.clone();
        log.lock()
            .unwrap()
            .push(turns.iter().map(Turn::id).collect());
        async move {
            rt.sleep(delay).await;
            Ok::<_, io::Error>(format!("{} turns", turns.len()))
        }
    });
    summarise
        .with_recent(2)
        .with_segment(NonZeroUsize::new(3).unwrap())
}

async fn settled(rt: &Rt, is_so: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if is_so() {
            return;
        }
        rt.sleep(Duration::from_millis(5)).await;
    }
    panic!("it does not come");
}

async fn what_is_long_ago_is_summed_up_in_the_background(rt: Rt, _: Arc<dyn Net>) {
    let log = Log::default();
    let summarise = counting(&rt, &log, Duration::from_millis(1));
    let branch = Branch::builder(&rt, "b", EchoModel)
        .history(plain(4))
        .summarise(summarise)
        .build();
    branch.communicate("x").await.unwrap();
    settled(&rt, || !branch.archive().is_empty()).await;
    let history = branch.history();
    let of: Vec<TurnId> = (1..4).map(TurnId::from_u128).collect();
    assert_eq!(
        history.turns().next().unwrap().kind(),
        &TurnKind::Summary { of }
    );
    assert_eq!(texts(&branch)[..2], ["3 turns", "message 3"]);
    assert_eq!(branch.archive().len(), 3);
    assert_whole(&history);
}

#[test]
fn a_turn_does_not_wait_for_a_summary() {
    TestRuntime::run(|rt| async move {
        let log = Log::default();
        let summarise = counting(&rt, &log, Duration::from_secs(60));
        let model = Heard::new(EchoModel);
        let branch = Branch::builder(&rt, "b", model.clone())
            .history(plain(4))
            .summarise(summarise)
            .build();
        let started = rt.now();
        branch.communicate("x").await.unwrap();
        branch.communicate("y").await.unwrap();
        assert_eq!(rt.now(), started);
        assert_eq!(
            model.last().len(),
            11,
            "what is being summed up is still sent"
        );
        rt.sleep(Duration::from_secs(61)).await;
        branch.communicate("z").await.unwrap();
        assert_eq!(model.last()[..2], ["3 turns", "message 3"]);
    });
}

#[test]
fn each_turn_is_summed_up_once_and_summaries_are_too() {
    TestRuntime::run(|rt| async move {
        let log = Log::default();
        let summarise = counting(&rt, &log, Duration::from_secs(1));
        let branch = Branch::builder(&rt, "b", EchoModel)
            .summarise(summarise)
            .build();
        for number in 0..40 {
            branch.communicate(number.to_string()).await.unwrap();
            rt.sleep(Duration::from_secs(5)).await;
            assert_whole(&branch.history());
        }
        let log = log.lock().unwrap();
        let mut all: Vec<TurnId> = log.iter().flatten().copied().collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count, "no turn twice");
        assert!(branch.history().turns().len() <= 5);
        let archive = branch.archive();
        let said = archive
            .turns()
            .filter(|turn| *turn.kind() == TurnKind::Said)
            .count();
        let kept = branch
            .history()
            .turns()
            .filter(|turn| *turn.kind() == TurnKind::Said)
            .count();
        assert_eq!(said + kept, 40, "nothing is lost");
        assert!(archive.turns().any(|turn| *turn.kind() != TurnKind::Said));
    });
}

#[test]
fn what_is_pruned_is_summed_up_and_the_summary_is_heard_from_then_on() {
    TestRuntime::run(|rt| async move {
        let log = Log::default();
        let summarise = counting(&rt, &log, Duration::from_secs(1));
        let model = Heard::new(EchoModel);
        let branch = Branch::builder(&rt, "b", model.clone())
            .prune(Prune::turns(4))
            .summarise(summarise)
            .build();
        for number in 0..40 {
            branch.communicate(number.to_string()).await.unwrap();
            rt.sleep(Duration::from_secs(5)).await;
            let history = branch.history();
            assert!(
                history.turns().len() <= 5,
                "four, and a summary that has just come"
            );
            assert_whole(&history);
            if number > 4 {
                let is_first = model.last()[0].ends_with("turns");
                assert!(is_first, "{number}: {:?}", model.last());
            }
        }
        let log = log.lock().unwrap();
        let mut all: Vec<TurnId> = log.iter().flatten().copied().collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count, "no turn twice");
        let (history, archive) = (branch.history(), branch.archive());
        let turns = history.turns().chain(archive.turns());
        let said = turns.filter(|turn| *turn.kind() == TurnKind::Said).count();
        assert_eq!(said, 40, "nothing is lost");
        let summaries = history
            .turns()
            .filter(|turn| *turn.kind() != TurnKind::Said)
            .count();
        assert_eq!(summaries, 1, "there are never many");
    });
}

#[test]
fn one_turn_at_a_time_is_summed_up_and_it_ends() {
    TestRuntime::run(|rt| async move {
        let log = Log::default();
        let summarise = counting(&rt, &log, Duration::from_secs(1))
            .with_recent(0)
            .with_segment(NonZeroUsize::MIN);
        let branch = Branch::builder(&rt, "b", EchoModel)
            .summarise(summarise)
            .build();
        for _ in 0..3 {
            branch.communicate("x").await.unwrap();
            rt.sleep(Duration::from_secs(60)).await;
        }
        let sizes: Vec<usize> = log.lock().unwrap().iter().map(Vec::len).collect();
        assert_eq!(
            sizes,
            [1, 2, 2],
            "a turn, and then each with the summary before it"
        );
        assert_eq!(texts(&branch), ["2 turns"]);
    });
}

#[test]
fn a_summary_that_fails_or_panics_is_not_tried_again_and_pruning_goes_on() {
    TestRuntime::run(|rt| async move {
        for panics in [false, true] {
            let calls = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&calls);
            let summarise = Summarise::new(move |_: Vec<Turn>| {
                counted.fetch_add(1, Ordering::Relaxed);
                async move {
                    assert!(!panics, "a bug of somebody else's");
                    Err::<String, _>("no")
                }
            });
            let summarise = summarise
                .with_recent(2)
                .with_segment(NonZeroUsize::new(3).unwrap());
            let branch = Branch::builder(&rt, "b", EchoModel)
                .history(plain(4))
                .summarise(summarise)
                .prune(Prune::turns(6))
                .build();
            branch.communicate("x").await.unwrap();
            rt.sleep(Duration::from_secs(1)).await;
            branch.communicate("y").await.unwrap();
            rt.sleep(Duration::from_secs(1)).await;
            assert_eq!(
                calls.load(Ordering::Relaxed),
                1,
                "the same segment is not tried again"
            );
            branch.communicate("z").await.unwrap();
            assert_eq!(branch.archive().len(), 1, "plain pruning");
            assert_eq!(branch.history().turns().len(), 6);
            rt.sleep(Duration::from_secs(1)).await;
        }
    });
}

#[test]
fn a_summary_ends_with_the_branch() {
    TestRuntime::run(|rt| async move {
        let log = Log::default();
        let summarise = counting(&rt, &log, Duration::from_secs(3600));
        let branch = Branch::builder(&rt, "b", EchoModel)
            .history(plain(4))
            .summarise(summarise)
            .build();
        branch.communicate("x").await.unwrap();
        rt.sleep(Duration::from_secs(1)).await;
        assert_eq!(log.lock().unwrap().len(), 1);
        // A test that leaves a task behind fails.
        drop(branch);
    });
}

#[test]
fn turns_that_were_pruned_meanwhile_are_summed_up_where_they_were() {
    TestRuntime::run(|rt| async move {
        let log = Log::default();
        let summarise = counting(&rt, &log, Duration::from_secs(60));
        let branch = Branch::builder(&rt, "b", EchoModel)
            .history(plain(5))
            .summarise(summarise)
            .prune(Prune::turns(7))
            .build();
        branch.pin(TurnId::from_u128(1)).await.unwrap();
        for _ in 0..6 {
            branch.communicate("x").await.unwrap();
        }
        assert_eq!(ids(&branch.history())[0], 1);
        assert_eq!(branch.archive().len(), 4, "the segment has been pruned");
        rt.sleep(Duration::from_secs(61)).await;
        assert_eq!(texts(&branch)[..3], ["message 0", "message 0", "3 turns"]);
        assert_whole(&branch.history());
    });
}

#[test]
fn a_summary_of_what_was_taken_out_is_dropped() {
    TestRuntime::run(|rt| async move {
        let log = Log::default();
        let summarise = counting(&rt, &log, Duration::from_secs(60));
        let branch = Branch::builder(&rt, "b", EchoModel)
            .history(plain(4))
            .summarise(summarise)
            .build();
        branch.communicate("x").await.unwrap();
        branch.remove_turn(TurnId::from_u128(2)).await.unwrap();
        rt.sleep(Duration::from_secs(61)).await;
        assert_eq!(ids(&branch.history())[..3], [1, 3, 4]);
        branch.communicate("y").await.unwrap();
        branch.clear().await;
        rt.sleep(Duration::from_secs(61)).await;
        assert!(branch.history().is_empty());
    });
}

#[test]
fn a_model_can_make_summaries() {
    TestRuntime::run(|rt| async move {
        let model = Heard::new(ScriptedModel::new(&rt).with_rule("", " All is well. "));
        let summarise = Summarise::new(ModelSummary::new(model.clone()));
        let summarise = summarise
            .with_recent(0)
            .with_segment(NonZeroUsize::new(2).unwrap());
        let branch = Branch::builder(&rt, "b", EchoModel)
            .history(plain(1))
            .summarise(summarise)
            .build();
        branch.communicate("x").await.unwrap();
        rt.sleep(Duration::from_secs(1)).await;
        assert_eq!(
            texts(&branch),
            ["What was said before, in short:\nAll is well."]
        );
        let asked = model.last();
        assert_eq!(
            asked[1],
            "user: message 0\nassistant: message 0\nuser: x\nassistant: x\n"
        );
    });
}
