//! Answers that are data: how they are asked for, what is made of those that do not fit, and what is stored.

use std::sync::Arc;

use fascine::branch::{
    AnswerOptions, Branch, BranchError, EventKind, EventRecord, HandleValidation, Incomplete,
    LimitReached, OnLimit, Operate, Outcome, Parse, Remember, SchemaDelivery, TurnLimits,
    TurnOptions,
};
use fascine::http::Net;
use fascine::message::Usage;
use fascine::model::{ApiError, FinishReason, Line, ModelFailure, OutputFormat, ScriptedModel};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::branch::calculator::{Add, adding, assert_usable, assert_whole, said};
use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    an_answer_that_does_not_fit_is_asked_for_again,
    tools_and_data_go_together,
    a_text_that_fits_is_parsed_without_a_model,
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
pub(crate) struct Animal {
    pub(crate) name: String,
    pub(crate) legs: u32,
}

pub(crate) const SPIDER: &str = r#"{"name": "spider", "legs": 8}"#;
pub(crate) const NO_LEGS: &str = r#"{"name": "spider"}"#;

fn missing(incomplete: &Incomplete) -> Vec<&str> {
    let paths = incomplete.missing.iter();
    paths.map(|path| path.as_str()).collect()
}

pub(crate) fn spider() -> Animal {
    Animal {
        name: "spider".to_owned(),
        legs: 8,
    }
}

async fn an_answer_that_does_not_fit_is_asked_for_again(rt: Rt, _: Arc<dyn Net>) {
    let model = ScriptedModel::new(&rt)
        .with_line(Line::answer("Well, a spider.").with_usage(Usage::new(1, 1)))
        .with_line(Line::answer(NO_LEGS).with_usage(Usage::new(2, 2)))
        .with_line(Line::answer(SPIDER).with_usage(Usage::new(3, 3)));
    let branch = Branch::new(&rt, "b", model.clone());
    let answer = branch.operate::<Animal>("A spider?").await.unwrap();
    assert_eq!((answer.value, answer.re_asked), (spider(), 2));
    assert_eq!(answer.reply.usage, Usage::new(6, 6));
    assert_eq!((answer.reply.attempts, answer.reply.requests.len()), (3, 3));
    // The history has what fits, and nothing of the way there.
    let stored = ["user: A spider?".to_owned(), format!("assistant: {SPIDER}")];
    assert_eq!(said(&branch), stored);
    let last = &model.requests()[2];
    let heard: Vec<_> = last.messages.iter().map(|said| said.text()).collect();
    assert_eq!(heard.len(), 5);
    assert_eq!(heard[3], NO_LEGS);
    assert!(heard[4].contains("legs"), "{}", heard[4]);
}

async fn tools_and_data_go_together(rt: Rt, _: Arc<dyn Net>) {
    let model = ScriptedModel::new(&rt)
        .with_line(adding("1", 4, 4))
        .with_answer("eight")
        .with_line(adding("2", 8, 0))
        .with_answer(SPIDER);
    let branch = Branch::builder(&rt, "b", model).tools(Add::alone()).build();
    let answer = branch.operate::<Animal>("4 + 4 legs?").await.unwrap();
    assert_eq!((answer.value, answer.reply.attempts), (spider(), 4));
    assert_eq!(branch.history().len(), 6);
    assert_whole(&branch);
    assert_usable_after(&branch).await;
}

async fn assert_usable_after(branch: &Branch) {
    // The script is at its end: a failure, and nothing stored.
    let before = branch.history();
    branch.communicate("?").await.unwrap_err();
    assert_eq!(branch.history(), before);
}

async fn a_text_that_fits_is_parsed_without_a_model(rt: Rt, _: Arc<dyn Net>) {
    let model = ScriptedModel::new(&rt).with_answer(SPIDER);
    let branch = Branch::new(&rt, "b", model.clone());
    let fenced = format!("Here you are:\n```json\n{SPIDER}\n```\nAnything else?");
    for text in [SPIDER, fenced.as_str()] {
        let parsed = branch.parse::<Animal>(text).await.unwrap();
        assert_eq!((parsed.value, parsed.requests.len()), (spider(), 0));
    }
    assert!(model.requests().is_empty());
    let parsed = branch.parse::<Animal>("a spider with eight legs").await;
    let parsed = parsed.unwrap();
    assert_eq!((parsed.value, parsed.requests.len()), (spider(), 1));
    assert!(branch.history().is_empty());
}

#[test]
fn the_model_is_asked_again_so_often_and_no_more() {
    TestRuntime::run(|rt| async move {
        for re_asks in 0..4 {
            let model = ScriptedModel::new(&rt).with_rule("", NO_LEGS);
            let branch = Branch::new(&rt, "b", model.clone());
            let options = AnswerOptions::default().with_re_asks(re_asks);
            let what = Operate::new("?").with_answer(options);
            let error = branch.operate::<Animal>(what).await.unwrap_err();
            assert_eq!(error.attempts(), re_asks + 1);
            let BranchError::Invalid {
                text, incomplete, ..
            } = error
            else {
                panic!("{error}");
            };
            assert_eq!(text, NO_LEGS);
            assert_eq!(missing(&incomplete), ["/legs"]);
            assert_eq!(incomplete.value["name"], "spider");
            assert!(branch.history().is_empty());
            let parse = Parse::new(NO_LEGS).with_answer(options);
            let error = branch.parse::<Animal>(parse).await.unwrap_err();
            assert_eq!(error.attempts(), re_asks);
        }
    });
}

#[test]
fn what_becomes_of_an_answer_that_does_not_fit_is_the_callers_choice() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt).with_rule("", NO_LEGS);
        let branch = Branch::new(&rt, "b", model);
        let once = AnswerOptions::default().with_re_asks(0);
        let operate =
            |handle| branch.operate_as::<Animal>(Operate::new("?").with_answer(once), handle);
        let parse =
            |handle| branch.parse_as::<Animal>(Parse::new(NO_LEGS).with_answer(once), handle);
        operate(HandleValidation::Raise).await.unwrap_err();
        parse(HandleValidation::Raise).await.unwrap_err();
        assert!(branch.history().is_empty());

        let none = operate(HandleValidation::ReturnNone).await.unwrap();
        assert_eq!(none.value, Outcome::None);
        let none = parse(HandleValidation::ReturnNone).await.unwrap();
        assert_eq!(none.value, Outcome::None);

        let some = operate(HandleValidation::ReturnValue).await.unwrap().value;
        let parsed = parse(HandleValidation::ReturnValue).await.unwrap().value;
        assert_eq!(some, parsed);
        let Outcome::Incomplete(incomplete) = some else {
            panic!("{some:?}");
        };
        assert_eq!(missing(&incomplete), ["/legs"]);
        assert_eq!(branch.history().len(), 4, "what was answered was said");
    });
}

#[test]
fn bare_text_never_poses_as_the_type() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt).with_rule("", "I would rather not.");
        let branch = Branch::new(&rt, "b", model);
        let once = AnswerOptions::default().with_re_asks(0);
        let what = Operate::new("?").with_answer(once);
        let answer = branch.operate_as::<Animal>(what, HandleValidation::ReturnValue);
        let Outcome::Incomplete(incomplete) = answer.await.unwrap().value else {
            panic!("it is no animal");
        };
        assert!(incomplete.value.is_null());
        assert!(!incomplete.invalid.is_empty());
    });
}

#[test]
fn everything_is_remembered_if_asked() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_answer(NO_LEGS)
            .with_answer(SPIDER);
        let branch = Branch::new(&rt, "b", model);
        let all = AnswerOptions::default().with_remember(Remember::Everything);
        let what = Operate::new("?").with_answer(all);
        branch.operate::<Animal>(what).await.unwrap();
        assert_eq!(branch.history().len(), 4);
        assert_eq!(branch.history().turns().len(), 1);
    });
}

#[test]
fn the_schema_goes_the_way_that_is_asked_for() {
    TestRuntime::run(|rt| async move {
        for delivery in [
            SchemaDelivery::Auto,
            SchemaDelivery::Native,
            SchemaDelivery::Prompt,
        ] {
            let model = ScriptedModel::new(&rt).with_answer(SPIDER);
            let branch = Branch::new(&rt, "b", model.clone());
            let options = AnswerOptions::default().with_delivery(delivery);
            let what = Operate::new("A spider?").with_answer(options);
            branch.operate::<Animal>(what).await.unwrap();
            let asked = model.requests().remove(0);
            let is_native = matches!(asked.output, OutputFormat::Schema(_));
            let in_words = asked.messages[0].text().contains("\"legs\"");
            let expected = delivery != SchemaDelivery::Prompt;
            assert_eq!((is_native, in_words), (expected, !expected));
            assert_eq!(
                said(&branch)[0],
                "user: A spider?",
                "the schema is not stored"
            );
        }
    });
}

#[test]
fn a_provider_that_has_no_schemas_gets_it_in_the_prompt() {
    TestRuntime::run(|rt| async move {
        let refusals = [
            ModelFailure::invalid("output", "is not there"),
            ApiError::new(400, "response_format json_schema is not supported").into(),
        ];
        for refusal in refusals {
            let model = ScriptedModel::new(&rt)
                .with_line(Line::failure(refusal))
                .with_answer(NO_LEGS)
                .with_answer(SPIDER);
            let branch = Branch::new(&rt, "b", model.clone());
            let answer = branch.operate::<Animal>("?").await.unwrap();
            assert_eq!((answer.value, answer.reply.attempts), (spider(), 3));
            let native = |at: usize| matches!(model.requests()[at].output, OutputFormat::Schema(_));
            assert_eq!([native(0), native(1), native(2)], [true, false, false]);
        }
        // Another refusal is one.
        let model = ScriptedModel::new(&rt).with_failure(400, "temperature is too high");
        let branch = Branch::new(&rt, "b", model);
        let error = branch.operate::<Animal>("?").await.unwrap_err();
        assert!(matches!(error, BranchError::Model { .. }), "{error}");
    });
}

#[test]
fn a_model_that_refuses_is_not_asked_again() {
    TestRuntime::run(|rt| async move {
        for reason in [FinishReason::Refusal, FinishReason::ContentFilter] {
            let line = Line::answer("No.").with_finish_reason(reason.clone());
            let branch = Branch::new(&rt, "b", ScriptedModel::new(&rt).with_line(line));
            let error = branch.operate::<Animal>("?").await.unwrap_err();
            assert_eq!(error.attempts(), 1);
            let BranchError::Withheld {
                finish_reason,
                message,
                ..
            } = error
            else {
                panic!("{error}");
            };
            assert_eq!((finish_reason, message.text().as_str()), (reason, "No."));
            assert!(branch.history().is_empty());
        }
    });
}

#[test]
fn asking_again_keeps_to_the_limits_of_the_turn() {
    TestRuntime::run(|rt| async move {
        let line = Line::answer(NO_LEGS).with_usage(Usage::new(10, 10));
        let branch = Branch::new(&rt, "b", ScriptedModel::new(&rt).with_rule_line("", line));
        for (on_limit, attempts) in [(OnLimit::Fail, 2), (OnLimit::Answer, 2)] {
            let limits = TurnLimits::default().with_tokens(40).on_limit(on_limit);
            let turn = TurnOptions::default().with_limits(limits);
            let options = AnswerOptions::default().with_re_asks(9);
            let what = Operate::new("?").with_turn(turn).with_answer(options);
            let error = branch.operate::<Animal>(what).await.unwrap_err();
            assert_eq!(error.attempts(), attempts);
            match (on_limit, error) {
                (OnLimit::Fail, BranchError::Limit { source, .. }) => {
                    assert_eq!(source, LimitReached::Tokens { spent: 40, max: 40 });
                }
                (OnLimit::Answer, BranchError::Invalid { .. }) => {}
                (_, error) => panic!("{error}"),
            }
        }
    });
}

#[test]
fn types_that_are_no_objects_come_in_one() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_answer(r#"{"answer": [{"name": "spider", "legs": 8}]}"#)
            .with_answer(r#"{"answer": "eight"}"#)
            .with_answer("[8, 6]");
        let branch = Branch::new(&rt, "b", model.clone());
        let animals = branch.operate::<Vec<Animal>>("?").await.unwrap();
        assert_eq!(animals.value, [spider()]);
        let text = branch.operate::<String>("?").await.unwrap();
        assert_eq!(text.value, "eight");
        let bare = branch.operate::<Vec<u32>>("?").await.unwrap();
        assert_eq!(bare.value, [8, 6]);
        for asked in model.requests() {
            let OutputFormat::Schema(output) = asked.output else {
                panic!("it is native");
            };
            assert_eq!(output.schema["type"], "object");
        }
    });
}

#[test]
fn what_is_mended_is_told_and_not_asked_for_again() {
    TestRuntime::run(|rt| async move {
        let text = "Sure: {'Name': 'spider', legs: \"8\", // all of them\n}";
        let branch = Branch::new(&rt, "b", ScriptedModel::new(&rt).with_answer(text));
        let told = Arc::new(std::sync::Mutex::new(Vec::new()));
        let kinds = [EventKind::Repaired, EventKind::ReAsked];
        let observation = branch.observe_kinds(kinds, {
            let told = Arc::clone(&told);
            move |record: &EventRecord| told.lock().unwrap().push(record.kind())
        });
        let answer = branch.operate::<Animal>("?").await.unwrap();
        assert_eq!((answer.value, answer.reply.attempts), (spider(), 1));
        assert_eq!(*told.lock().unwrap(), [EventKind::Repaired]);
        drop(observation);
    });
}

#[test]
fn two_conversations_at_once_never_mix() {
    TestRuntime::run_seeds(32, |rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(ms(10))
            .with_rule("spider", SPIDER)
            .with_rule("beetle", r#"{"name": "beetle", "legs": 6}"#);
        let (one, two) = (
            Branch::new(&rt, "one", model.clone()),
            Branch::new(&rt, "two", model.clone()),
        );
        let both = future::zip(
            one.operate::<Animal>("a spider"),
            two.operate::<Animal>("a beetle"),
        );
        let (spider, beetle) = both.await;
        assert_eq!(spider.unwrap().value.legs, 8);
        assert_eq!(beetle.unwrap().value.legs, 6);
        for (branch, animal) in [(one, "spider"), (two, "beetle")] {
            assert!(said(&branch).iter().all(|line| line.contains(animal)));
        }
        assert!(
            model
                .requests()
                .iter()
                .all(|asked| asked.messages.len() == 1)
        );
    });
}

#[test]
fn dropping_a_typed_turn_at_any_poll_keeps_it_whole() {
    let polls = drop_after_every_poll(|rt, cut| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(ms(10))
            .with_rule("still there", "yes")
            .with_line(adding("1", 4, 4))
            .with_answer(NO_LEGS)
            .with_answer(SPIDER);
        let branch = Branch::builder(&rt, "b", model.clone()).tools(Add::alone());
        let branch = branch.build();
        let ended = cut.apply(branch.operate::<Animal>("4 + 4 legs?")).await;
        assert_eq!(branch.history().len(), if ended.is_some() { 4 } else { 0 });
        assert_eq!(model.in_flight(), 0);
        assert_usable(&branch, "still there").await;
    });
    assert!(polls > 3, "{polls}");
}

#[test]
fn dropping_a_parse_at_any_poll_leaves_no_trace() {
    drop_after_every_poll(|rt, cut| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(ms(10))
            .with_rule("", SPIDER);
        let branch = Branch::new(&rt, "b", model.clone());
        cut.apply(branch.parse::<Animal>("a spider")).await;
        assert!(branch.history().is_empty());
        assert_eq!(model.in_flight(), 0);
        assert_usable(&branch, "still there").await;
    });
}
