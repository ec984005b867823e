use std::sync::Arc;
use std::time::Duration;

use fascine::branch::{Branch, EditError, Prune, TurnId};
use fascine::http::Net;
use fascine::model::{EchoModel, ScriptedModel};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future;

use super::heard::Heard;
use super::histories::{assert_whole, ids, plain, texts};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    clearing_keeps_the_system_prompt_and_resetting_does_not,
    what_was_archived_can_be_put_back,
}

async fn clearing_keeps_the_system_prompt_and_resetting_does_not(rt: Rt, _: Arc<dyn Net>) {
    let model = Heard::new(EchoModel);
    let branch = Branch::builder(&rt, "b", model.clone())
        .system("Be brief.")
        .history(plain(3))
        .prune(Prune::turns(3))
        .build();
    branch.communicate("x").await.unwrap();
    let before = branch.history();
    assert_eq!(branch.clear().await, before);
    assert_eq!((branch.history().len(), branch.archive().len()), (0, 1));
    branch.communicate("y").await.unwrap();
    assert_eq!(model.last(), ["Be brief.", "y"]);
    branch.reset().await;
    assert_eq!((branch.history().len(), branch.archive().len()), (0, 0));
    branch.communicate("z").await.unwrap();
    assert_eq!(model.last(), ["z"]);
    branch.fork("f").communicate("of a fork").await.unwrap();
    assert_eq!(model.last(), ["z", "z", "of a fork"], "nor has a fork one");
    branch.set_system("Be long.").await;
    branch.communicate("again").await.unwrap();
    assert_eq!(model.last()[0], "Be long.");
}

async fn what_was_archived_can_be_put_back(rt: Rt, _: Arc<dyn Net>) {
    let branch = Branch::builder(&rt, "b", EchoModel)
        .history(plain(6))
        .prune(Prune::turns(2))
        .build();
    branch.communicate("x").await.unwrap();
    let id = TurnId::from_u128;
    for turn in [3, 1, 2] {
        assert_eq!(branch.restore(id(turn)).await.unwrap().id(), id(turn));
    }
    assert_eq!(
        ids(&branch.history())[..4],
        [1, 2, 3, 6],
        "each where it was"
    );
    assert_eq!(branch.archive().len(), 2);
    let error = branch.restore(id(1)).await.unwrap_err();
    assert!(matches!(error, EditError::UnknownTurn { .. }), "{error}");
    assert_whole(&branch.history());
}

#[test]
fn a_restored_turn_that_is_pinned_stays() {
    TestRuntime::run(|rt| async move {
        let branch = Branch::builder(&rt, "b", EchoModel)
            .history(plain(6))
            .prune(Prune::turns(3))
            .build();
        branch.communicate("x").await.unwrap();
        let id = TurnId::from_u128(1);
        branch.restore(id).await.unwrap();
        branch.pin(id).await.unwrap();
        branch.communicate("y").await.unwrap();
        assert_eq!(ids(&branch.history())[0], 1);
        assert_eq!(branch.history().turns().len(), 3);
    });
}

#[test]
fn turns_are_taken_out_whole() {
    TestRuntime::run(|rt| async move {
        let branch = Branch::builder(&rt, "b", EchoModel)
            .history(plain(3))
            .build();
        let id = TurnId::from_u128;
        assert_eq!(branch.remove_turn(id(2)).await.unwrap().id(), id(2));
        assert_eq!(ids(&branch.history()), [1, 3]);
        assert_eq!(branch.undo().await.unwrap().id(), id(3));
        assert_eq!(branch.undo().await.unwrap().id(), id(1));
        assert_eq!(branch.undo().await, None);
        let error = branch.remove_turn(id(1)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "branch `b` has no turn 00000000-0000-0000-0000-000000000001"
        );
        assert!(branch.pin(id(1)).await.is_err() && branch.unpin(id(1)).await.is_err());
    });
}

#[test]
fn an_edit_waits_for_the_turn_that_goes_on() {
    TestRuntime::run_seeds(16, |rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(Duration::from_secs(1))
            .with_rule("", "a");
        let branch = Branch::new(&rt, "b", model);
        let (said, undone) = future::zip(branch.communicate("x"), branch.undo()).await;
        assert_eq!(said.unwrap().turn, undone.unwrap().id());
        assert!(branch.history().is_empty());
        let (said, taken) = future::zip(branch.communicate("y"), branch.clear()).await;
        said.unwrap();
        assert_eq!(taken.len(), 2);
        assert_eq!(texts(&branch), Vec::<String>::new());
    });
}

#[test]
fn an_edit_that_is_dropped_has_happened_or_has_not() {
    drop_after_every_poll(|rt, cut| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(Duration::from_secs(1))
            .with_rule("", "a");
        let branch = Branch::builder(&rt, "b", model).history(plain(3)).build();
        let edits = async {
            branch.pin(TurnId::from_u128(2)).await.unwrap();
            branch.undo().await.unwrap();
            branch.communicate("x").await.unwrap();
            branch.clear().await;
        };
        cut.apply(edits).await;
        let (history, before) = (branch.history(), ids(&branch.history()));
        assert!([0, 2, 3].contains(&history.turns().len()), "{before:?}");
        assert_whole(&history);
        branch.communicate("y").await.unwrap();
        assert_eq!(branch.history().len(), history.len() + 2);
    });
}
