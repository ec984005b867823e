//! Answers that are data and are followed as they come.

use fascine::branch::{Branch, BranchError, OnAbort, OperateItem, SnapshotItem, TurnItem};
use fascine::model::{ApiError, Chunk, Line, ScriptedModel};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use serde::Deserialize;

use crate::branch::calculator::{Add, adding, assert_usable, assert_whole};
use crate::branch::typed::{Animal, NO_LEGS, SPIDER, spider};
use crate::durations::ms;

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Sketch {
    name: String,
    legs: Option<u32>,
}

#[test]
fn an_answer_is_seen_as_it_grows_and_again_from_the_start_when_it_is_asked_for_again() {
    TestRuntime::run(|rt| async move {
        let long = r#"{"name": "garden spider", "legs": 8}"#;
        let model = ScriptedModel::new(&rt)
            .with_line(adding("1", 4, 4))
            .with_answer(r#"{"name": "a b"}"#)
            .with_answer(long);
        let branch = Branch::builder(&rt, "b", model).tools(Add::alone()).build();
        let stream = branch.operate_stream::<Animal>("?");
        let mut snapshots = stream.snapshots::<Sketch>();
        let mut seen = Vec::new();
        while let Some(item) = snapshots.item().await.unwrap() {
            match item {
                SnapshotItem::Snapshot(sketch) => {
                    let legs = sketch.legs.map(|legs| format!(", {legs}"));
                    seen.push(format!("{}{}", sketch.name, legs.unwrap_or_default()));
                }
                SnapshotItem::Turn(TurnItem::ReAsked { .. }) => seen.push("again".to_owned()),
                SnapshotItem::Turn(_) => {}
                SnapshotItem::Answer(answer) => assert_eq!(answer.value.legs, 8),
            }
        }
        let expected = [
            "",
            "a ",
            "a b",
            "again",
            "",
            "garden ",
            "garden spider",
            "garden spider, 8",
        ];
        assert_eq!(seen, expected);
        assert_eq!(branch.history().len(), 4);
    });
}

#[test]
fn a_growing_answer_that_does_not_end_well_ends_with_an_error() {
    TestRuntime::run(|rt| async move {
        let broken = || ApiError::new(503, "gone").into();
        let line = Line::answer(SPIDER).broken_after(3, broken);
        let branch = Branch::new(&rt, "b", ScriptedModel::new(&rt).with_line(line));
        let mut snapshots = branch.operate_stream::<Animal>("?").snapshots::<Sketch>();
        let mut seen = 0;
        let error = loop {
            match snapshots.item().await {
                Ok(Some(SnapshotItem::Snapshot(_))) => seen += 1,
                Ok(Some(SnapshotItem::Turn(_))) => {}
                Ok(other) => panic!("{other:?}"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, BranchError::Model { .. }), "{error}");
        assert!(seen > 0 && branch.history().is_empty());
        assert!(snapshots.item().await.unwrap().is_none());
    });
}

#[test]
fn a_list_is_seen_as_it_grows() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt).with_answer(r#"{"answer": [ "a", "b", "c" ]}"#);
        let branch = Branch::new(&rt, "b", model);
        let stream = branch.operate_stream::<Vec<String>>("?");
        let mut snapshots = stream.snapshots::<Vec<String>>();
        let mut lengths = Vec::new();
        while let Some(item) = snapshots.item().await.unwrap() {
            match item {
                SnapshotItem::Snapshot(list) => lengths.push(list.len()),
                SnapshotItem::Answer(answer) => assert_eq!(answer.value.len(), 3),
                SnapshotItem::Turn(_) => {}
            }
        }
        assert_eq!(lengths.last(), Some(&3));
        assert!(lengths.is_sorted());
    });
}

#[test]
fn a_stream_of_data_ends_with_it_or_with_an_error() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_answer("no data")
            .with_answer(SPIDER);
        let branch = Branch::new(&rt, "b", model.clone());
        let mut stream = branch.operate_stream::<Animal>("?");
        let (mut re_asked, mut text, mut value) = (0, String::new(), None);
        while let Some(item) = stream.item().await.unwrap() {
            match item {
                OperateItem::Turn(TurnItem::ReAsked { .. }) => {
                    assert_eq!(text, "no data");
                    text.clear();
                    re_asked += 1;
                }
                OperateItem::Turn(TurnItem::Chunk(Chunk::Text(more))) => text.push_str(&more),
                OperateItem::Answer(answer) => value = Some(answer.value),
                _ => {}
            }
        }
        assert_eq!(
            (re_asked, text.as_str(), value),
            (1, SPIDER, Some(spider()))
        );
        assert_eq!(branch.history().len(), 2);

        let mut stream = branch.operate_stream::<Animal>("?");
        stream.item().await.unwrap_err();
        assert_eq!(branch.history().len(), 2);
    });
}

#[test]
fn dropping_a_stream_of_data_at_any_poll_keeps_it_whole() {
    for keep in [OnAbort::Discard, OnAbort::KeepPartial] {
        drop_after_every_poll(|rt, cut| async move {
            let model = ScriptedModel::new(&rt)
                .with_delay(ms(10))
                .with_rule("still there", "yes")
                .with_line(adding("1", 4, 4))
                .with_answer(NO_LEGS)
                .with_answer(SPIDER);
            let branch = Branch::builder(&rt, "b", model.clone()).tools(Add::alone());
            let branch = branch.on_abort(keep).build();
            let mut stream = branch.operate_stream::<Animal>("4 + 4 legs?");
            let items = async { while let Ok(Some(_)) = stream.item().await {} };
            let ended = cut.apply(items).await.is_some();
            drop(stream);
            match (ended, keep) {
                (true, _) => assert_eq!(branch.history().len(), 4),
                (false, OnAbort::Discard) => assert!(branch.history().is_empty()),
                (false, OnAbort::KeepPartial) => assert_whole(&branch),
            }
            assert_eq!(model.in_flight(), 0);
            assert_usable(&branch, "still there").await;
        });
    }
}
