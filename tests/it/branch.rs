//! Conversations: what is stored, and what is not when a call fails. And answers, as values.

mod act;
mod act_approval;
mod act_nesting;
mod batches;
mod blocking;
mod budget;
mod calculator;
mod capabilities;
mod chats;
mod conform;
mod context;
mod decode;
mod dumps;
mod editing;
mod events;
mod heard;
mod histories;
mod history;
mod json_values;
#[path = "../fuzz/json_laws.rs"]
mod laws;
mod log;
mod match_keys;
mod mcp;
mod mcp_http;
mod mcp_server;
mod mcp_stdio;
mod merging;
mod over_http;
mod partial;
mod partial_laws;
mod pruning;
mod reacts;
mod repair;
mod repair_laws;
mod schema;
mod scoped;
mod selections;
mod streams;
mod summaries;
mod system_prompt;
mod tools;
mod transcripts;
mod turns;
mod typed;
mod typed_streams;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fascine::branch::Branch;
use fascine::http::Net;
use fascine::message::Role;
use fascine::model::{ChunkStream, EchoModel, Model, ModelError, Request, Response, ScriptedModel};
use fascine::rt::{BoxFuture, Rt};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future;

use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_conversation_goes_on,
}

async fn a_conversation_goes_on(rt: Rt, _: Arc<dyn Net>) {
    let branch = Branch::new(&rt, "chat", EchoModel);
    for text in ["one", "two"] {
        assert_eq!(branch.communicate(text).await.unwrap().text(), text);
    }
    let said: Vec<_> = branch
        .history()
        .iter()
        .map(|message| (message.role(), message.text()))
        .collect();
    let expected = [
        (Role::User, "one".to_owned()),
        (Role::Assistant, "one".to_owned()),
        (Role::User, "two".to_owned()),
        (Role::Assistant, "two".to_owned()),
    ];
    assert_eq!(said, expected);
}

/// Remembers what it was asked.
#[derive(Clone, Debug)]
struct Listener(Arc<Mutex<Vec<Vec<String>>>>, ScriptedModel);

impl Model for Listener {
    fn name(&self) -> &str {
        "listener"
    }

    fn invoke(&self, request: Request) -> BoxFuture<Result<Response, ModelError>> {
        let said = request.messages.iter();
        let said = said
            .map(|message| format!("{}: {}", message.role(), message.text()))
            .collect();
        self.0.lock().unwrap().push(said);
        self.1.invoke(request)
    }

    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        self.1.stream(request)
    }
}

#[test]
fn the_model_hears_the_system_prompt_first_and_then_everything() {
    TestRuntime::run(|rt| async move {
        let script = ScriptedModel::new(&rt).with_answer("a").with_answer("b");
        let heard = Arc::default();
        let model = Listener(Arc::clone(&heard), script);
        let branch = Branch::builder(&rt, "b", model).system("Be brief.").build();
        branch.communicate("x").await.unwrap();
        branch.communicate("y").await.unwrap();
        let heard = heard.lock().unwrap();
        assert_eq!(heard[0], ["system: Be brief.", "user: x"]);
        assert_eq!(
            heard[1],
            ["system: Be brief.", "user: x", "assistant: a", "user: y"]
        );
        assert_eq!(
            branch.history().len(),
            4,
            "the system prompt is not part of it"
        );
    });
}

#[test]
fn a_failed_turn_leaves_no_trace() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_answer("a")
            .with_failure(503, "down")
            .with_answer("c");
        let branch = Branch::new(&rt, "b", model);
        branch.communicate("x").await.unwrap();
        let before = branch.history();
        let error = branch.communicate("y").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "branch `b` got no answer from model `scripted`"
        );
        assert_eq!((error.attempts(), error.is_retryable()), (1, true));
        assert_eq!(branch.history(), before);
        branch.communicate("z").await.unwrap();
        assert_eq!(branch.history().len(), 4);
    });
}

#[test]
fn calls_at_once_take_turns_and_each_hears_the_one_before() {
    TestRuntime::run_seeds(16, |rt| async move {
        let script = ScriptedModel::new(&rt).with_delay(Duration::from_secs(1));
        let script = script.with_rule("x", "a").with_rule("y", "b");
        let heard = Arc::default();
        let branch = Branch::new(&rt, "b", Listener(Arc::clone(&heard), script));
        let started = rt.now();
        let (first, second) = future::zip(branch.communicate("x"), branch.communicate("y")).await;
        first.unwrap();
        second.unwrap();
        assert_eq!(rt.now() - started, Duration::from_secs(2));
        assert_eq!(
            heard.lock().unwrap()[1],
            ["user: x", "assistant: a", "user: y"]
        );
    });
}

#[test]
fn forks_go_their_own_ways() {
    TestRuntime::run(|rt| async move {
        let branch = Branch::builder(&rt, "b", EchoModel)
            .system("Be brief.")
            .build();
        branch.communicate("shared").await.unwrap();
        let fork = branch.fork("f");
        assert_eq!(fork.history(), branch.history());
        fork.communicate("fork").await.unwrap();
        branch.communicate("branch").await.unwrap();
        let texts = |branch: &Branch| -> Vec<String> {
            branch
                .history()
                .iter()
                .map(|message| message.text())
                .collect()
        };
        assert_eq!(texts(&branch), ["shared", "shared", "branch", "branch"]);
        assert_eq!(texts(&fork), ["shared", "shared", "fork", "fork"]);
        assert_eq!(fork.name(), "f");
    });
}

#[test]
fn every_stored_message_has_an_id_of_its_own() {
    TestRuntime::run(|rt| async move {
        let branch = Branch::builder(&rt, "b", EchoModel).seed(1).build();
        let fork = branch.fork("f");
        let mut ids = std::collections::HashSet::new();
        for _ in 0..10 {
            branch.communicate("x").await.unwrap();
            fork.communicate("x").await.unwrap();
        }
        let (one, other) = (branch.history(), fork.history());
        for message in one.iter().chain(other.iter()) {
            assert!(!message.id().is_nil() && ids.insert(message.id()));
            assert_eq!(
                &message.id().to_string()[14..15],
                "8",
                "the version of the UUID"
            );
        }
    });
}

#[test]
fn dropping_a_turn_at_any_poll_keeps_it_whole() {
    drop_after_every_poll(|rt, cut| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(Duration::from_secs(1))
            .with_rule("", "a");
        let branch = Branch::new(&rt, "b", model);
        let ended = cut.apply(branch.communicate("x")).await.is_some();
        assert_eq!(branch.history().len(), if ended { 2 } else { 0 });
        branch.communicate("y").await.unwrap();
        assert_eq!(branch.history().len() % 2, 0);
    });
}
