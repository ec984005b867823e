use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fascine::branch::{
    Branch, BranchEvent, EventKind, EventRecord, Events, Missed, Observation, Prune, Summarise,
    Turn, TurnId, TurnKind,
};
use fascine::http::Net;
use fascine::message::{ToolCall, ToolResult};
use fascine::model::{EchoModel, Line, ScriptedModel};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::{StreamExt, future};

use super::calculator::Add;
use super::histories::plain;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_stream_of_events_tells_a_whole_conversation_and_ends_with_the_branch,
}

/// What an observer was told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<EventRecord>>>);

impl Told {
    fn by(&self, branch: &Branch) -> Observation {
        let told = Arc::clone(&self.0);
        branch.observe(move |record: &EventRecord| told.lock().unwrap().push(record.clone()))
    }

    fn kinds(&self) -> Vec<&'static str> {
        let records = self.0.lock().unwrap();
        records
            .iter()
            .map(|record| record.kind().as_str())
            .collect()
    }
}

fn some(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

async fn rest(mut events: Events) -> Vec<Result<EventRecord, Missed>> {
    let mut records = Vec::new();
    while let Some(record) = events.next().await {
        records.push(record);
    }
    records
}

async fn a_stream_of_events_tells_a_whole_conversation_and_ends_with_the_branch(
    rt: Rt,
    _: Arc<dyn Net>,
) {
    let branch = Branch::new(&rt, "chat", EchoModel);
    let reading = rt.spawn(rest(branch.events(some(100))));
    for _ in 0..3 {
        branch.communicate("x").await.unwrap();
    }
    let history = branch.history();
    drop(branch);
    let records: Vec<_> = reading
        .await
        .unwrap()
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let numbers: Vec<_> = records.iter().map(|record| record.sequence).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
    let turns: Vec<_> = history.turns().flat_map(|turn| [turn.id(); 2]).collect();
    let told: Vec<_> = records
        .iter()
        .map(|record| record.turn().unwrap())
        .collect();
    assert_eq!(told, turns);
    assert!(records.iter().all(|record| &*record.branch == "chat"));
}

#[test]
fn an_observation_ends_with_its_guard_unless_it_is_detached() {
    TestRuntime::run(|rt| async move {
        let branch = Branch::new(&rt, "b", EchoModel);
        let (kept, left) = (Told::default(), Told::default());
        let observation = kept.by(&branch);
        left.by(&branch).detach();
        branch.communicate("x").await.unwrap();
        drop(observation);
        branch.communicate("x").await.unwrap();
        assert_eq!(kept.kinds(), ["turn_started", "committed"]);
        assert_eq!(left.kinds().len(), 4);
    });
}

#[test]
fn a_failed_turn_is_told_as_aborted() {
    TestRuntime::run(|rt| async move {
        let branch = Branch::new(&rt, "b", ScriptedModel::new(&rt).with_failure(500, "down"));
        let told = Told::default();
        let _observation = told.by(&branch);
        branch.communicate("x").await.unwrap_err();
        assert_eq!(told.kinds(), ["turn_started", "aborted"]);
    });
}

#[test]
fn pieces_and_tools_are_told_of_in_their_order() {
    TestRuntime::run(|rt| async move {
        let call = ToolCall::new("1", "add", r#"{"a": 40, "b": 2}"#);
        let model = ScriptedModel::new(&rt)
            .with_line(Line::tool_calls([call.clone()]))
            .with_answer("It is 42.");
        let branch = Branch::builder(&rt, "b", model).tools(Add::alone()).build();
        let told = Told::default();
        let _observation = told.by(&branch);
        let reply = branch.stream("What is 40 + 2?").reply().await.unwrap();
        let mut kinds = told.kinds();
        kinds.dedup();
        let pieces_of_two = [
            "turn_started",
            "chunk",
            "tool_called",
            "tool_ended",
            "chunk",
            "committed",
        ];
        assert_eq!(kinds, pieces_of_two);
        let records = told.0.lock().unwrap();
        assert!(
            records
                .iter()
                .all(|record| record.turn() == Some(reply.turn))
        );
        let has =
            |is: &dyn Fn(&BranchEvent) -> bool| records.iter().any(|record| is(&record.event));
        assert!(has(
            &|event| matches!(event, BranchEvent::ToolCalled { call: told, .. } if *told == call)
        ));
        assert!(has(&|event| matches!(
            event,
            BranchEvent::ToolEnded { tool, result, .. }
                if tool == "add" && result == &ToolResult::new("1", "42")
        )));
    });
}

#[test]
fn what_leaves_a_history_is_told_before_what_enters_it() {
    TestRuntime::run(|rt| async move {
        let branch = Branch::builder(&rt, "b", EchoModel)
            .history(plain(2))
            .prune(Prune::turns(2))
            .build();
        let told = Told::default();
        let _observation = told.by(&branch);
        branch.communicate("x").await.unwrap();
        assert_eq!(told.kinds(), ["turn_started", "pruned", "committed"]);
        let turns = vec![TurnId::from_u128(1)];
        assert_eq!(
            told.0.lock().unwrap()[1].event,
            BranchEvent::Pruned { turns }
        );
    });
}

#[test]
fn summaries_are_told_of_and_so_are_those_that_fail() {
    TestRuntime::run(|rt| async move {
        for fails in [false, true] {
            let summarise = Summarise::new(move |_: Vec<Turn>| async move {
                match fails {
                    false => Ok("two turns".to_owned()),
                    true => Err(std::io::Error::other("no ink")),
                }
            });
            let branch = Branch::builder(&rt, "b", EchoModel)
                .history(plain(2))
                .summarise(summarise.with_recent(1).with_segment(some(2)))
                .build();
            let told = Told::default();
            let _observation = told.by(&branch);
            branch.communicate("x").await.unwrap();
            rt.sleep(Duration::from_secs(1)).await;
            let last = told.0.lock().unwrap().last().unwrap().event.clone();
            let turns: Vec<_> = [1, 2].map(TurnId::from_u128).into();
            match last {
                BranchEvent::Summarised { summary } if !fails => {
                    assert_eq!(summary.kind(), &TurnKind::Summary { of: turns });
                }
                BranchEvent::SummaryFailed { turns: of, reason } if fails => {
                    assert_eq!(of, turns);
                    assert!(reason.contains("no ink"), "{reason}");
                }
                other => panic!("{other:?}"),
            }
        }
    });
}

#[test]
fn kinds_are_chosen_for_handlers_and_for_streams() {
    TestRuntime::run(|rt| async move {
        let branch = Branch::new(&rt, "b", EchoModel);
        let told = Told::default();
        let telling = Arc::clone(&told.0);
        let _observation =
            branch.observe_kinds([EventKind::Committed], move |record: &EventRecord| {
                telling.lock().unwrap().push(record.clone());
            });
        let events = branch.events_of_kinds([EventKind::TurnStarted], some(10));
        branch.communicate("x").await.unwrap();
        drop(branch);
        assert_eq!(told.kinds(), ["committed"]);
        let records = rest(events).await;
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].as_ref().unwrap().sequence, 0);
    });
}

#[test]
fn a_slow_reader_keeps_the_latest_and_is_told_how_many_it_missed() {
    TestRuntime::run(|rt| async move {
        let branch = Branch::new(&rt, "b", EchoModel);
        let events = branch.events(some(3));
        for _ in 0..5 {
            branch.communicate("x").await.unwrap();
        }
        drop(branch);
        let records = rest(events).await;
        let missed = records[0].as_ref().unwrap_err();
        assert_eq!(missed.count, 7);
        let numbers: Vec<_> = records[1..]
            .iter()
            .map(|record| record.as_ref().unwrap().sequence)
            .collect();
        assert_eq!(numbers, [7, 8, 9]);
    });
}

#[test]
fn a_handler_that_panics_is_counted_and_the_others_are_told_of_both() {
    TestRuntime::run(|rt| async move {
        let branch = Branch::new(&rt, "b", EchoModel);
        let (first, last) = (Told::default(), Told::default());
        let _first = first.by(&branch);
        let panicking = branch.observe(|_: &EventRecord| panic!("no disk"));
        let _last = last.by(&branch);
        let reply = branch.communicate("x").await.unwrap();
        assert_eq!(branch.observer_panics(), 2);
        let both = [
            "turn_started",
            "observer_panicked",
            "committed",
            "observer_panicked",
        ];
        assert_eq!(first.kinds(), both);
        let mut told = last.kinds();
        told.sort_unstable();
        assert_eq!(
            told,
            [
                "committed",
                "observer_panicked",
                "observer_panicked",
                "turn_started"
            ]
        );
        let expected = BranchEvent::ObserverPanicked {
            turn: Some(reply.turn),
            observer: panicking.id(),
            message: "no disk".into(),
        };
        assert_eq!(first.0.lock().unwrap()[1].event, expected);
        assert_eq!(branch.history().len(), 2);
    });
}

#[test]
fn two_handlers_that_always_panic_come_to_an_end() {
    TestRuntime::run(|rt| async move {
        let branch = Branch::new(&rt, "b", EchoModel);
        let _one = branch.observe(|_: &EventRecord| panic!("one"));
        let _two = branch.observe(|_: &EventRecord| panic!("two"));
        branch.communicate("x").await.unwrap();
        assert_eq!(branch.observer_panics(), 8);
    });
}

#[test]
fn a_branch_that_is_disabled_tells_nobody_until_it_is_enabled_again() {
    TestRuntime::run(|rt| async move {
        let branch = Branch::new(&rt, "b", EchoModel);
        let told = Told::default();
        let _observation = told.by(&branch);
        let events = branch.events(some(10));
        branch.disable_events();
        assert!(!branch.events_enabled());
        branch.communicate("x").await.unwrap();
        branch.enable_events();
        branch.communicate("x").await.unwrap();
        drop(branch);
        assert_eq!(told.kinds().len(), 2);
        assert_eq!(rest(events).await.len(), 2);
    });
}

#[test]
fn forks_have_no_observers_unless_they_take_them_over() {
    TestRuntime::run(|rt| async move {
        let branch = Branch::new(&rt, "b", EchoModel);
        let told = Told::default();
        let observation = told.by(&branch);
        branch.fork("quiet").communicate("x").await.unwrap();
        assert!(told.kinds().is_empty());
        let heir = branch.fork_builder("heir").inherit_observers().build();
        let grandchild = heir.fork_builder("grandchild").inherit_observers().build();
        let late = Told::default();
        let _late = late.by(&branch);
        heir.communicate("x").await.unwrap();
        grandchild.communicate("x").await.unwrap();
        drop(observation);
        heir.communicate("x").await.unwrap();
        let records = told.0.lock().unwrap();
        let told: Vec<_> = records
            .iter()
            .map(|record| (&*record.branch, record.sequence))
            .collect();
        assert_eq!(
            told,
            [
                ("heir", 0),
                ("heir", 1),
                ("grandchild", 0),
                ("grandchild", 1)
            ]
        );
        assert_eq!(late.kinds().len(), 6);
    });
}

#[test]
fn a_handler_may_read_the_branch_observe_it_and_leave() {
    TestRuntime::run(|rt| async move {
        let branch = Branch::new(&rt, "b", EchoModel);
        let lengths: Arc<Mutex<Vec<usize>>> = Arc::default();
        let own: Arc<Mutex<Option<Observation>>> = Arc::default();
        let observation = branch.observe({
            let (branch, lengths, own) = (branch.clone(), lengths.clone(), own.clone());
            move |_: &EventRecord| {
                let mut lengths = lengths.lock().unwrap();
                lengths.push(branch.history().len());
                branch.observe(|_: &EventRecord| {}).detach();
                if lengths.len() == 2 {
                    own.lock().unwrap().take();
                }
            }
        });
        *own.lock().unwrap() = Some(observation);
        branch.communicate("x").await.unwrap();
        branch.communicate("x").await.unwrap();
        assert_eq!(*lengths.lock().unwrap(), [0, 2]);
    });
}

#[test]
fn a_stream_that_is_dropped_at_any_poll_leaves_the_branch_alone() {
    drop_after_every_poll(|rt, cut| async move {
        let branch = Branch::new(&rt, "b", ScriptedModel::new(&rt).with_rule("", "a"));
        let mut events = branch.events(some(1));
        let read = cut.apply(async {
            for _ in 0..2 {
                events.next().await;
            }
        });
        let (_, answered) = future::zip(read, branch.communicate("x")).await;
        answered.unwrap();
        drop(events);
        branch.communicate("x").await.unwrap();
        assert_eq!(branch.history().len(), 4);
    });
}
