//! Selections: what a name means, and what is no selection.

use std::sync::Arc;

use fascine::branch::{AnswerOptions, Branch, BranchError, Choices, Select};
use fascine::http::Net;
use fascine::model::ScriptedModel;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::branch::calculator::assert_usable;
use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_model_chooses_by_name,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Urgency {
    /// Before anything else.
    AtOnce,
    Later,
    Never,
}

async fn a_model_chooses_by_name(rt: Rt, _: Arc<dyn Net>) {
    let model = ScriptedModel::new(&rt).with_answer(r#"{"selected": ["at-once"]}"#);
    let branch = Branch::new(&rt, "b", model.clone());
    let choices = Choices::<Urgency>::variants().unwrap();
    assert_eq!(choices.labels().len(), 3);
    let selection = branch.select(Select::new("When?", choices)).await.unwrap();
    assert_eq!(selection.selected, [Urgency::AtOnce]);
    assert_eq!(branch.history().len(), 2);
    let asked = model.requests()[0].messages[0].text();
    assert!(asked.contains("at-once: Before anything else."), "{asked}");
}

async fn select(rt: &Rt, answers: &[&str], most: usize) -> Result<Vec<String>, BranchError> {
    let mut model = ScriptedModel::new(rt);
    for answer in answers {
        model = model.with_answer(*answer);
    }
    let branch = Branch::new(rt, "b", model);
    let choices = Choices::texts(["apple", "apricot", "banana", "Cherry pie"]);
    let what = Select::new("Which?", choices).with_max_selections(most);
    let re_asks = u32::try_from(answers.len()).unwrap() - 1;
    let what = what.with_answer(AnswerOptions::default().with_re_asks(re_asks));
    let selected = branch.select(what).await?.selected;
    assert_eq!(branch.history().len(), 2);
    Ok(selected)
}

#[test]
fn names_that_are_nearly_right_are_understood() {
    TestRuntime::run(|rt| async move {
        for (answer, meant) in [
            (r#"{"selected": ["apple"]}"#, "apple"),
            (r#"{"selected": ["aple"]}"#, "apple"),
            (r#"{"selected": ["  CHERRY  pie "]}"#, "Cherry pie"),
            (r#"{"selected": "banana"}"#, "banana"),
            (r#"["apricott"]"#, "apricot"),
            ("banana", "banana"),
        ] {
            assert_eq!(
                select(&rt, &[answer], 1).await.unwrap(),
                [meant],
                "{answer}"
            );
        }
    });
}

#[test]
fn what_is_no_choice_is_asked_for_again_and_then_refused() {
    TestRuntime::run(|rt| async move {
        for wrong in [
            r#"{"selected": ["grape"]}"#,
            r#"{"selected": []}"#,
            r#"{"selected": ["apple", "banana"]}"#,
            r#"{"selected": [1]}"#,
            r#"{"chosen": ["apple"]}"#,
            "I like none of them, really",
            "",
        ] {
            let error = select(&rt, &[wrong], 1).await.unwrap_err();
            assert!(
                matches!(error, BranchError::Invalid { .. }),
                "{wrong}: {error}"
            );
            let right = r#"{"selected": ["apple"]}"#;
            assert_eq!(select(&rt, &[wrong, right], 1).await.unwrap(), ["apple"]);
        }
    });
}

#[test]
fn each_choice_is_selected_once_and_in_the_models_order() {
    TestRuntime::run(|rt| async move {
        let answer = r#"{"selected": ["banana", "aple", "apple", "Banana"]}"#;
        let selected = select(&rt, &[answer], 2).await.unwrap();
        assert_eq!(selected, ["banana", "apple"]);
    });
}

#[test]
fn a_name_that_may_be_two_is_none() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt).with_rule("", r#"{"selected": ["step"]}"#);
        let branch = Branch::new(&rt, "b", model);
        let what = Select::new("Which?", Choices::texts(["step1", "step2"]));
        let error = branch.select(what).await.unwrap_err();
        let BranchError::Invalid { reason, .. } = error else {
            panic!("{error}");
        };
        assert!(reason.contains("may be \"step1\" or \"step2\""), "{reason}");
        assert!(branch.history().is_empty());
    });
}

#[test]
fn choices_that_make_no_sense_are_refused_before_anything_is_asked() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt);
        let branch = Branch::new(&rt, "b", model.clone());
        let none = Choices::texts(Vec::<String>::new());
        for (choices, most, words) in [
            (none, 1, "the choices of the operation are none"),
            (
                Choices::texts(["a", "a"]),
                1,
                "the choices of the operation have `a` twice",
            ),
            (
                Choices::texts(["a", " "]),
                1,
                "the choices of the operation have one without a label",
            ),
            (
                Choices::texts(["a"]),
                0,
                "the max_selections of the operation is zero",
            ),
        ] {
            let what = Select::new("?", choices).with_max_selections(most);
            assert_eq!(branch.select(what).await.unwrap_err().to_string(), words);
        }
        Choices::<u32>::variants().unwrap_err();
        assert!(model.requests().is_empty());
    });
}

#[test]
fn dropping_a_selection_at_any_poll_leaves_no_trace() {
    drop_after_every_poll(|rt, cut| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(ms(10))
            .with_rule("still there", "yes")
            .with_answer("grape")
            .with_answer("apple");
        let branch = Branch::new(&rt, "b", model);
        let what = Select::new("Which?", Choices::texts(["apple", "banana"]));
        let ended = cut.apply(branch.select(what)).await;
        assert_eq!(branch.history().len(), if ended.is_some() { 2 } else { 0 });
        assert_usable(&branch, "still there").await;
    });
}
