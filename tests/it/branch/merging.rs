use std::io;
use std::sync::Arc;

use fascine::branch::{Branch, EditError, History, Merge, Prune, Turn, TurnId, TurnKind};
use fascine::http::Net;
use fascine::message::{Message, Part, Role, ToolCall};
use fascine::model::EchoModel;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use proptest::prelude::*;

use super::histories::{any_history, assert_whole, at, ids, plain, texts, turn};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    forks_come_together,
}

fn branch(rt: &Rt, name: &str, history: History) -> Branch {
    Branch::builder(rt, name, EchoModel)
        .history(history)
        .build()
}

fn count() -> Merge {
    Merge::summarise(|turns: Vec<Turn>| async move {
        Ok::<_, io::Error>(format!("{} turns", turns.len()))
    })
}

async fn forks_come_together(rt: Rt, _: Arc<dyn Net>) {
    let branch = branch(&rt, "b", plain(2));
    let (one, two) = (branch.fork("one"), branch.fork("two"));
    one.communicate("x").await.unwrap();
    two.communicate("y").await.unwrap();
    let diff = one.diff(&two);
    assert_eq!((diff.common, diff.left.len(), diff.right.len()), (2, 1, 1));
    assert!(branch.diff(&branch.fork("f")).is_empty());
    branch.merge(&one, Merge::Append).await.unwrap();
    branch.merge(&two, Merge::Append).await.unwrap();
    assert_eq!(texts(&branch)[4..], ["x", "x", "y", "y"]);
    assert_eq!(
        branch.merge(&one, Merge::Append).await.unwrap(),
        [],
        "all of it is here"
    );
    one.rebase(&two).await.unwrap();
    assert_eq!(texts(&one)[4..], ["y", "y", "x", "x"]);
    assert_whole(&branch.history());
}

#[test]
fn turns_are_interleaved_by_time_after_what_both_have() {
    TestRuntime::run(|rt| async move {
        let shared = [at(&turn(1, "late"), 99)];
        let side = |turns: &[(u128, u64)]| -> History {
            let own = turns.iter().map(|(id, time)| at(&turn(*id, "x"), *time));
            shared.iter().cloned().chain(own).collect()
        };
        let ours = branch(&rt, "b", side(&[(2, 10), (3, 30)]));
        let theirs = branch(&rt, "other", side(&[(4, 10), (5, 20), (6, 40)]));
        let came = ours.merge(&theirs, Merge::InterleaveByTime).await.unwrap();
        assert_eq!(came.len(), 3);
        assert_eq!(ids(&ours.history()), [1, 2, 4, 5, 3, 6]);
    });
}

#[test]
fn without_times_there_is_no_order_by_time() {
    TestRuntime::run(|rt| async move {
        let ours = branch(&rt, "b", [at(&turn(1, "x"), 5)].into_iter().collect());
        let theirs = branch(&rt, "other", [turn(2, "y")].into_iter().collect());
        let error = ours
            .merge(&theirs, Merge::InterleaveByTime)
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "turn 00000000-0000-0000-0000-000000000002 of branch `other` has no time to be ordered by"
        );
        assert_eq!(ids(&ours.history()), [1]);
        ours.merge(&theirs, Merge::Append).await.unwrap();
    });
}

#[test]
fn a_summary_stands_for_what_another_branch_said() {
    TestRuntime::run(|rt| async move {
        let ours = branch(&rt, "b", plain(1));
        let theirs = branch(&rt, "other", plain(4));
        let came = ours.merge(&theirs, count()).await.unwrap();
        let of: Vec<TurnId> = (2..5).map(TurnId::from_u128).collect();
        assert_eq!(came[0].kind(), &TurnKind::Summary { of });
        assert_eq!(texts(&ours)[2..], ["3 turns"]);
        assert_eq!(ours.archive().len(), 3, "nothing is lost");
        assert!(ours.merge(&theirs, count()).await.unwrap().is_empty());
        assert!(
            ours.merge(&theirs, Merge::Append).await.unwrap().is_empty(),
            "it is known"
        );
        ours.restore(TurnId::from_u128(3)).await.unwrap();
        assert_eq!(ids(&ours.history())[..2], [1, 3]);
        assert!(
            theirs.merge(&ours, Merge::Append).await.unwrap().is_empty(),
            "it sums up what is here"
        );
    });
}

#[test]
fn a_merge_whose_summary_fails_or_panics_changes_nothing() {
    TestRuntime::run(|rt| async move {
        let (ours, theirs) = (branch(&rt, "b", plain(1)), branch(&rt, "other", plain(4)));
        let fails = Merge::summarise(|_: Vec<Turn>| async { Err::<String, _>("no") });
        let panics = Merge::summarise(|turns: Vec<Turn>| async move {
            assert!(turns.is_empty(), "a bug of somebody else's");
            Ok::<_, io::Error>(String::new())
        });
        for merge in [fails, panics] {
            let error = ours.merge(&theirs, merge).await.unwrap_err();
            assert!(matches!(error, EditError::Summary { .. }), "{error}");
            assert_eq!((ours.history(), ours.archive().len()), (plain(1), 0));
        }
        ours.communicate("x").await.unwrap();
    });
}

#[test]
fn different_turns_with_one_id_are_not_merged() {
    TestRuntime::run(|rt| async move {
        let ours = branch(&rt, "b", [turn(1, "x")].into_iter().collect());
        let theirs = branch(&rt, "other", [turn(1, "y")].into_iter().collect());
        for merged in [
            ours.merge(&theirs, Merge::Append).await,
            ours.rebase(&theirs).await,
        ] {
            let error = merged.unwrap_err();
            assert!(matches!(error, EditError::Conflict { .. }), "{error}");
        }
        assert_eq!(texts(&ours), ["x", "x"]);
    });
}

#[test]
fn what_was_archived_here_does_not_come_again() {
    TestRuntime::run(|rt| async move {
        let long = branch(&rt, "long", plain(6));
        let short = long.fork_builder("short").prune(Prune::turns(2)).build();
        short.communicate("x").await.unwrap();
        assert_eq!(short.archive().len(), 5);
        let before = short.history();
        for merge in [Merge::Append, count()] {
            short.merge(&long, merge).await.unwrap();
        }
        assert_eq!(short.history(), before);
        short.rebase(&long).await.unwrap();
        assert_eq!(short.history(), before);
        long.pin(TurnId::from_u128(3)).await.unwrap();
        short.merge(&long, Merge::Append).await.unwrap();
        assert_eq!(
            ids(&short.history())[..2],
            [3, 6],
            "what is pinned in either is there"
        );
        assert!(short.history().turns().next().unwrap().is_pinned());
    });
}

#[test]
fn a_turn_is_picked_once_and_whole() {
    TestRuntime::run(|rt| async move {
        let (ours, theirs) = (branch(&rt, "b", plain(1)), branch(&rt, "other", plain(3)));
        let picked = theirs.history().turn(TurnId::from_u128(3)).unwrap().clone();
        ours.cherry_pick(picked.clone()).await.unwrap();
        assert_eq!(ids(&ours.history()), [1, 3]);
        let error = ours.cherry_pick(picked).await.unwrap_err();
        assert!(matches!(error, EditError::DuplicateTurn { .. }), "{error}");
        let call = Part::ToolCall(ToolCall::new("c1", "look", "{}"));
        let half = Turn::new(
            TurnId::from_u128(9),
            [Message::new(Role::Assistant, vec![call])],
        );
        let error = ours.cherry_pick(half.clone()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "turn 00000000-0000-0000-0000-000000000009 for branch `b` does not pair tool call `c1` with a result"
        );
        let theirs = branch(&rt, "other", [half].into_iter().collect());
        assert!(matches!(
            ours.merge(&theirs, Merge::Append).await,
            Err(EditError::Unpaired { .. })
        ));
        assert_eq!(ids(&ours.history()), [1, 3]);
    });
}

#[test]
fn branches_that_merge_into_each_other_at_once_do_not_wait_for_each_other() {
    TestRuntime::run_seeds(32, |rt| async move {
        let (one, two) = (branch(&rt, "one", plain(1)), branch(&rt, "two", plain(1)));
        one.communicate("x").await.unwrap();
        two.communicate("y").await.unwrap();
        let (to_one, to_two) = futures_lite::future::zip(
            one.merge(&two, Merge::Append),
            two.merge(&one, Merge::Append),
        )
        .await;
        to_one.unwrap();
        to_two.unwrap();
        assert!(one.diff(&two).is_empty());
        assert_whole(&one.history());
    });
}

#[test]
fn a_merge_that_is_dropped_has_happened_or_has_not() {
    drop_after_every_poll(|rt, cut| async move {
        let (ours, theirs) = (branch(&rt, "b", plain(1)), branch(&rt, "other", plain(4)));
        let sleeping = rt.clone();
        let slow = Merge::summarise(move |_: Vec<Turn>| {
            let rt = sleeping.clone();
            async move {
                rt.sleep(std::time::Duration::from_secs(1)).await;
                Ok::<_, io::Error>("slow".to_owned())
            }
        });
        match cut.apply(ours.merge(&theirs, slow)).await {
            None => assert_eq!((ours.history(), ours.archive().len()), (plain(1), 0)),
            Some(_) => assert_eq!((ours.history().len(), ours.archive().len()), (3, 3)),
        }
        ours.merge(&theirs, Merge::Append).await.unwrap();
        ours.communicate("x").await.unwrap();
        assert_whole(&ours.history());
    });
}

#[test]
fn what_is_picked_or_rebased_and_dropped_has_happened_or_has_not() {
    drop_after_every_poll(|rt, cut| async move {
        let (ours, theirs) = (branch(&rt, "b", plain(1)), branch(&rt, "other", plain(3)));
        // Both wait for a turn that goes on.
        let going_on = {
            let ours = ours.clone();
            rt.spawn(async move { ours.communicate("x").await.map(|_| ()) })
        };
        let picked = theirs.history().turns().nth(1).unwrap().clone();
        let both = async {
            ours.cherry_pick(picked).await.unwrap();
            ours.rebase(&theirs).await.unwrap();
        };
        let ended = cut.apply(both).await.is_some();
        going_on.await.unwrap().unwrap();
        let turns = ours.history().turns().len();
        assert!(
            if ended {
                turns == 4
            } else {
                [2, 3, 4].contains(&turns)
            },
            "{turns}"
        );
        assert_whole(&ours.history());
        ours.communicate("y").await.unwrap();
    });
}

/// Two branches that have something in common, or nothing.
fn any_two() -> impl Strategy<Value = (History, History)> {
    let parts = (any_history(1, 6), any_history(100, 6), any_history(200, 6));
    parts.prop_map(|(shared, one, two)| {
        let side = |own: &History| shared.turns().chain(own.turns()).cloned().collect();
        (side(&one), side(&two))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn merging_keeps_its_laws((one, two) in any_two(), strategy in 0..3_u8, pinned in 0..12_u128) {
        TestRuntime::run_seeds(1, |rt| {
            let (one, two) = (one.clone(), two.clone());
            async move {
                let merge = || match strategy {
                    0 => Merge::Append,
                    1 => Merge::InterleaveByTime,
                    _ => count(),
                };
                let (ours, theirs) = (branch(&rt, "one", one.clone()), branch(&rt, "two", two.clone()));
                // Nothing comes of oneself, or of a fork.
                assert!(ours.merge(&ours, merge()).await.unwrap().is_empty());
                assert!(ours.merge(&ours.fork("f"), merge()).await.unwrap().is_empty());
                ours.rebase(&ours).await.unwrap();
                ours.rebase(&branch(&rt, "empty", History::new())).await.unwrap();
                assert_eq!(ours.history(), one);
                // One pin more, in the other branch alone.
                let _ = theirs.pin(TurnId::from_u128(pinned)).await;
                let two = theirs.history();
                ours.merge(&theirs, merge()).await.unwrap();
                let merged = ours.history();
                assert_whole(&merged);
                assert_eq!(theirs.history(), two, "the other stays as it is");
                let all = one.turns().chain(two.turns());
                for turn in all {
                    let is_here = merged.turn(turn.id()).is_some();
                    assert_ne!(is_here, ours.archive().turn(turn.id()).is_some(), "it is in one place");
                    if turn.is_pinned() {
                        assert!(merged.turn(turn.id()).unwrap().is_pinned());
                    }
                }
                // Each branch's own order stays.
                for own in [&one, &two] {
                    let here: Vec<u128> = ids(own).into_iter().filter(|id| ids(&merged).contains(id)).collect();
                    let order: Vec<u128> = ids(&merged).into_iter().filter(|id| here.contains(id)).collect();
                    assert_eq!(here, order);
                }
                assert!(ours.merge(&theirs, merge()).await.unwrap().is_empty());
                assert_eq!(ours.history(), merged, "merging again changes nothing");
            }
        });
    }

    #[test]
    fn rebasing_keeps_its_laws((one, two) in any_two()) {
        TestRuntime::run_seeds(1, |rt| {
            let (one, two) = (one.clone(), two.clone());
            async move {
                let (ours, onto) = (branch(&rt, "one", one.clone()), branch(&rt, "two", two.clone()));
                ours.rebase(&onto).await.unwrap();
                let rebased = ours.history();
                assert_whole(&rebased);
                let own = one.diff(&two).left;
                let expected: Vec<u128> = ids(&two).into_iter().chain(own.iter().map(|turn| turn.id().as_u128())).collect();
                assert_eq!(ids(&rebased), expected);
                assert!(ours.rebase(&onto).await.unwrap().is_empty());
                assert_eq!(ours.history(), rebased);
            }
        });
    }
}
