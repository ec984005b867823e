//! Chats: what they hear, and that they leave no trace.

use std::sync::Arc;

use fascine::branch::{Branch, CallOptions, Instruction, Interpret};
use fascine::http::Net;
use fascine::message::{Media, Part};
use fascine::model::{Request, ScriptedModel};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future;
use serde_json::json;

use crate::branch::calculator::{Add, assert_usable, said};
use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_chat_hears_the_history_and_is_not_in_it,
    what_a_user_wrote_is_interpreted_and_not_stored,
}

async fn a_chat_hears_the_history_and_is_not_in_it(rt: Rt, _: Arc<dyn Net>) {
    let model = ScriptedModel::new(&rt)
        .with_rule("one", "1")
        .with_rule("two", "2");
    let branch = Branch::builder(&rt, "b", model.clone()).system("Count.");
    let branch = branch.tools(Add::alone()).build();
    branch.communicate("one").await.unwrap();
    assert_eq!(branch.chat("two").await.unwrap().text(), "2");
    assert_eq!(said(&branch), ["user: one", "assistant: 1"]);
    let asked = &model.requests()[1];
    let heard: Vec<_> = asked.messages.iter().map(|said| said.text()).collect();
    assert_eq!(heard, ["Count.", "one", "1", "two"]);
    assert!(asked.tools.is_empty());
}

async fn what_a_user_wrote_is_interpreted_and_not_stored(rt: Rt, _: Arc<dyn Net>) {
    let model = ScriptedModel::new(&rt)
        .with_rule("first", "1")
        .with_rule("legs??", "How many legs has a spider?");
    let branch = Branch::new(&rt, "b", model.clone());
    branch.communicate("first").await.unwrap();
    let what = Interpret::new("legs??")
        .with_domain("zoology")
        .with_style("plain")
        .with_sample_writing("Say how it is.");
    let prompt = branch.interpret(what).await.unwrap().text();
    assert_eq!(prompt, "How many legs has a spider?");
    assert_eq!(branch.history().len(), 2);
    let asked = &model.requests()[1];
    assert_eq!((asked.temperature, asked.messages.len()), (Some(0.1), 3));
    let question = asked.messages[2].text();
    for part in ["zoology", "plain", "Say how it is.", "legs??"] {
        assert!(question.contains(part), "{question}");
    }
    let warmer = Request::default().with_temperature(0.7);
    let call = CallOptions::default().with_request(warmer);
    let what = Interpret::new("legs??").with_call(call);
    branch.interpret(what).await.unwrap();
    assert_eq!(model.requests()[2].temperature, Some(0.7));
}

#[test]
fn dropping_an_interpretation_at_any_poll_leaves_no_trace() {
    drop_after_every_poll(|rt, cut| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(ms(10))
            .with_rule("", "a");
        let branch = Branch::new(&rt, "b", model.clone());
        cut.apply(branch.interpret("?")).await;
        assert!(branch.history().is_empty());
        assert_eq!(model.in_flight(), 0);
        assert_usable(&branch, "?").await;
    });
}

#[test]
fn a_chat_does_not_wait_for_a_turn_and_does_not_hear_it() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(ms(100))
            .with_rule("turn", "a")
            .with_rule("chat", "b");
        let branch = Branch::new(&rt, "b", model.clone());
        let started = rt.now();
        let (turn, chat) = future::zip(branch.communicate("turn"), branch.chat("chat")).await;
        turn.unwrap();
        chat.unwrap();
        assert_eq!(rt.now() - started, ms(100));
        assert!(
            model
                .requests()
                .iter()
                .all(|asked| asked.messages.len() == 1)
        );
    });
}

#[test]
fn dropping_a_chat_at_any_poll_leaves_no_trace() {
    drop_after_every_poll(|rt, cut| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(ms(10))
            .with_rule("", "a");
        let branch = Branch::new(&rt, "b", model.clone());
        cut.apply(branch.chat("?")).await;
        assert!(branch.history().is_empty());
        assert_eq!(model.in_flight(), 0);
        assert_usable(&branch, "?").await;
    });
}

#[test]
fn an_instruction_is_written_in_one_way() {
    let plain = Instruction::text("How many?").message();
    assert_eq!(plain.content(), [Part::text("How many?")]);
    let picture = Media::from_url("image/png", "https://example.com/spider.png");
    let all = Instruction::text("How many?")
        .with_image(picture.clone())
        .with_context(json!({ "b": [1, 2], "a": "x" }))
        .with_context("plain")
        .with_guidance("Briefly.");
    let text = "Guidance:\nBriefly.\n\nInstruction:\nHow many?\n\n\
                Context:\n- {\"a\":\"x\",\"b\":[1,2]}\n- \"plain\"";
    let expected = [Part::text(text), Part::Image(picture)];
    assert_eq!(all.message().content(), expected);
}
