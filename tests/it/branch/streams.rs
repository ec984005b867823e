//! Turns that are followed: what is seen, when they commit, and what stays of them when they are dropped.

use std::pin::pin;
use std::sync::Arc;

use fascine::branch::{Branch, OnAbort, StreamItem, ToolSet, TurnItem, TurnKind};
use fascine::http::Net;
use fascine::model::{ApiError, Chunk, Line, ScriptedModel};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::StreamExt;

use crate::branch::calculator::{Add, adding, assert_usable, assert_whole, said};
use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_stream_gives_words_and_tools_and_at_last_the_reply,
}

async fn a_stream_gives_words_and_tools_and_at_last_the_reply(rt: Rt, _: Arc<dyn Net>) {
    let model = ScriptedModel::new(&rt)
        .with_line(adding("1", 1, 1))
        .with_answer("It is two.");
    let branch = Branch::builder(&rt, "b", model).tools(Add::alone()).build();
    let seen: Vec<_> = branch.stream("1 + 1?").collect().await;
    let mut seen: Vec<_> = seen.into_iter().map(Result::unwrap).collect();
    let Some(StreamItem::Reply(reply)) = seen.pop() else {
        panic!("the last item is the reply");
    };
    assert_eq!((reply.text().as_str(), reply.attempts), ("It is two.", 2));
    let told = seen.iter().filter_map(|item| match item {
        StreamItem::Turn(TurnItem::Chunk(Chunk::Text(text))) => Some(text.clone()),
        StreamItem::Turn(TurnItem::ToolCalled(call)) => Some(format!("{}?", call.id)),
        StreamItem::Turn(TurnItem::ToolEnded { result, .. }) => Some(result.text.clone()),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), ["1?", "2", "It ", "is ", "two."]);
    assert_whole(&branch);
    assert_eq!(branch.history().len(), 4);
}

#[test]
fn nothing_is_asked_before_the_stream_is_polled() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt).with_rule("", "a");
        let branch = Branch::new(&rt, "b", model.clone());
        drop(branch.stream("?"));
        assert!(model.requests().is_empty());
    });
}

#[test]
fn a_turn_commits_with_the_last_item_and_not_before() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt).with_answer("one two");
        let branch = Branch::new(&rt, "b", model);
        let mut stream = branch.stream("?");
        while let Some(item) = stream.item().await.unwrap() {
            let is_end = matches!(item, StreamItem::Reply(_));
            assert_eq!(branch.history().len(), if is_end { 2 } else { 0 });
        }
        assert!(stream.item().await.unwrap().is_none());
    });
}

#[test]
fn a_tool_that_is_called_is_seen_while_it_runs() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_line(adding("1", 1, 1))
            .with_answer("2");
        let tools = ToolSet::new().with(Add::taking(ms(50)));
        let branch = Branch::builder(&rt, "b", model).tools(tools).build();
        let started = rt.now();
        let mut stream = branch.stream("?");
        let mut times = Vec::new();
        while let Some(item) = stream.item().await.unwrap() {
            match item {
                StreamItem::Turn(TurnItem::ToolCalled(_)) => times.push(rt.now() - started),
                StreamItem::Turn(TurnItem::ToolEnded { elapsed, .. }) => {
                    times.push(rt.now() - started);
                    times.push(elapsed);
                }
                _ => {}
            }
        }
        assert_eq!(times, [ms(0), ms(50), ms(50)]);
    });
}

#[test]
fn a_stream_is_never_ahead_of_its_consumer() {
    TestRuntime::run(|rt| async move {
        let text = "word ".repeat(1_000);
        let line = Line::answer(text).with_chunk_delay(ms(1));
        let branch = Branch::new(&rt, "b", ScriptedModel::new(&rt).with_line(line));
        let started = rt.now();
        let mut stream = branch.stream("?");
        for _ in 0..10 {
            stream.item().await.unwrap();
        }
        assert_eq!(rt.now() - started, ms(10));
    });
}

#[test]
fn a_stream_that_breaks_ends_with_an_error_and_keeps_what_came_if_asked() {
    TestRuntime::run(|rt| async move {
        for keep in [OnAbort::Discard, OnAbort::KeepPartial] {
            let broken = || ApiError::new(503, "gone").into();
            let model = ScriptedModel::new(&rt)
                .with_line(Line::answer("one two three").broken_after(3, broken))
                .with_rule("still there", "yes");
            let branch = Branch::builder(&rt, "b", model).on_abort(keep).build();
            let mut stream = pin!(branch.stream("?"));
            let mut last = None;
            while let Some(item) = stream.next().await {
                last = Some(item);
            }
            last.unwrap().unwrap_err();
            match keep {
                OnAbort::Discard => assert!(branch.history().is_empty()),
                OnAbort::KeepPartial => {
                    assert_eq!(said(&branch), ["user: ?", "assistant: one two "]);
                    let history = branch.history();
                    assert_eq!(*history.turns().next().unwrap().kind(), TurnKind::Partial);
                }
            }
            assert_usable(&branch, "still there").await;
        }
    });
}

#[test]
fn dropping_a_stream_at_any_poll_keeps_the_branch_whole() {
    for keep in [OnAbort::Discard, OnAbort::KeepPartial] {
        let polls = drop_after_every_poll(|rt, cut| async move {
            let model = ScriptedModel::new(&rt)
                .with_delay(ms(10))
                .with_rule("still there", "yes")
                .with_line(adding("1", 1, 1))
                .with_line(Line::answer("It is two.").with_chunk_delay(ms(1)));
            let tools = ToolSet::new().with(Add::taking(ms(5)));
            let branch = Branch::builder(&rt, "b", model.clone()).tools(tools);
            let branch = branch.on_abort(keep).build();
            let mut stream = branch.stream("1 + 1?");
            let ended = cut.apply(async { while let Ok(Some(_)) = stream.item().await {} });
            let ended = ended.await.is_some();
            drop(stream);
            assert_eq!(model.in_flight(), 0);
            match (ended, keep) {
                (true, _) => assert_eq!(branch.history().len(), 4),
                (false, OnAbort::Discard) => assert!(branch.history().is_empty()),
                (false, OnAbort::KeepPartial) => assert_whole(&branch),
            }
            assert_usable(&branch, "still there").await;
        });
        assert!(polls > 5, "{polls}");
    }
}
