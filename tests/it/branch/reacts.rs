//! Reasoning and acting: rounds, checks, limits, and that runs share nothing.

use std::sync::Arc;

use fascine::branch::{
    AnswerOptions, Branch, BranchError, Interpret, LimitReached, OnLimit, React, ReactItem,
    Remember, TurnLimits, TurnOptions, Validation,
};
use fascine::http::Net;
use fascine::message::Usage;
use fascine::model::{ApiError, Line, OutputFormat, ScriptedModel, ToolChoice};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future;
use serde_json::json;

use crate::branch::calculator::{Add, adding, assert_usable, assert_whole, said};
use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_run_reasons_acts_answers_and_checks,
}

fn found(what: &str, more: bool) -> String {
    json!({ "analysis": what, "extension_needed": more }).to_string()
}

fn answer(what: &str) -> String {
    json!({ "answer": what }).to_string()
}

fn checked(is_complete: bool) -> String {
    let missing: &[&str] = if is_complete { &[] } else { &["the units"] };
    json!({ "is_complete": is_complete, "reasoning": "r", "missing_steps": missing }).to_string()
}

async fn a_run_reasons_acts_answers_and_checks(rt: Rt, _: Arc<dyn Net>) {
    let model = ScriptedModel::new(&rt)
        .with_line(adding("1", 2, 3).with_usage(Usage::new(1, 1)))
        .with_line(Line::answer(found("five", true)).with_usage(Usage::new(1, 1)))
        .with_line(adding("2", 5, 4).with_usage(Usage::new(1, 1)))
        .with_line(Line::answer(found("nine", false)).with_usage(Usage::new(1, 1)))
        .with_line(Line::answer(answer("9")).with_usage(Usage::new(1, 1)))
        .with_line(Line::answer(checked(true)).with_usage(Usage::new(1, 1)));
    let branch = Branch::builder(&rt, "b", model.clone());
    let branch = branch.tools(Add::alone()).build();
    let report = branch.react::<String>("2 + 3 + 4?").await.unwrap();
    assert_eq!(report.value, "9");
    let steps: Vec<_> = report
        .steps
        .iter()
        .map(|step| {
            (
                step.analysis.analysis.as_str(),
                step.actions.len(),
                step.requests.len(),
            )
        })
        .collect();
    assert_eq!(steps, [("five", 1, 2), ("nine", 1, 2)]);
    assert_eq!(report.steps[1].actions[0].1.text, "9");
    let metrics = &report.metrics;
    assert_eq!((metrics.iterations, metrics.llm_calls), (2, 6));
    assert_eq!((metrics.reasoning_calls, metrics.completion_checks), (4, 1));
    assert_eq!(
        (metrics.tool_executions, metrics.successful_tool_calls),
        (2, 2)
    );
    assert_eq!(
        (metrics.usage, report.reply.usage),
        (Usage::new(6, 6), Usage::new(6, 6))
    );
    assert!(metrics.task_completed && report.completion.unwrap().is_complete);
    assert_eq!(metrics.iterations_to_completion, Some(2));
    assert_eq!(
        (metrics.success_rate(), metrics.avg_tokens_per_llm_call()),
        (1.0, 2.0)
    );
    // One turn: the question, what was done, the answer.
    let stored = [
        "user: 2 + 3 + 4?",
        "assistant: 1?",
        "tool: 1=5",
        "assistant: 2?",
        "tool: 2=9",
        "assistant: {\"answer\":\"9\"}",
    ];
    assert_eq!(said(&branch), stored);
    assert_eq!(branch.history().turns().len(), 1);
    assert_eq!(model.requests()[4].tool_choice, Some(ToolChoice::None));
}

#[test]
fn a_failed_check_has_the_run_go_on_while_there_are_rounds() {
    TestRuntime::run(|rt| async move {
        let script = || {
            ScriptedModel::new(&rt)
                .with_answer(found("a", false))
                .with_answer(answer("eight"))
                .with_answer(checked(false))
                .with_answer(found("b", false))
                .with_answer(answer("eight legs"))
                .with_answer(checked(true))
        };
        let model = script();
        let branch = Branch::new(&rt, "b", model.clone());
        let report = branch.react::<String>("?").await.unwrap();
        assert_eq!(
            (report.value.as_str(), report.metrics.iterations),
            ("eight legs", 2)
        );
        let heard = model.requests()[3].messages.last().unwrap().text();
        assert!(heard.contains("the units"), "{heard}");

        let branch = Branch::new(&rt, "b", script());
        let what = React::new("?").with_max_extensions(0);
        let report = branch.react::<String>(what).await.unwrap();
        assert_eq!(
            (report.value.as_str(), report.metrics.iterations),
            ("eight", 1)
        );
        assert!(!report.metrics.task_completed);
        assert_eq!(report.metrics.iterations_to_completion, None);

        let branch = Branch::new(&rt, "b", script());
        let what = React::new("?").with_validation(Validation::None);
        let report = branch.react::<String>(what).await.unwrap();
        assert_eq!((report.metrics.llm_calls, report.completion), (2, None));
    });
}

#[test]
fn a_model_that_always_wants_more_gets_so_many_rounds() {
    TestRuntime::run(|rt| async move {
        for rounds in 0..4 {
            let model = ScriptedModel::new(&rt)
                .with_rule("Now give", answer("enough"))
                .with_rule("", found("more", true));
            let branch = Branch::new(&rt, "b", model);
            let what = React::new("?")
                .with_max_extensions(rounds)
                .with_validation(Validation::None);
            let report = branch.react::<String>(what).await.unwrap();
            assert_eq!(report.metrics.iterations, rounds + 1);
            assert_eq!(report.value, "enough");
            assert!(!report.metrics.task_completed);
        }
    });
}

#[test]
fn a_run_keeps_to_the_limits_of_its_turn() {
    TestRuntime::run(|rt| async move {
        for on_limit in [OnLimit::Fail, OnLimit::Answer] {
            let line = |text: String| Line::answer(text).with_usage(Usage::new(10, 0));
            let model = ScriptedModel::new(&rt)
                .with_line(line(found("a", true)))
                .with_line(line(found("b", true)))
                .with_line(line(answer("c")));
            let branch = Branch::new(&rt, "b", model);
            let limits = TurnLimits::default().with_tokens(20).on_limit(on_limit);
            let what = React::new("?").with_turn(TurnOptions::default().with_limits(limits));
            match (on_limit, branch.react::<String>(what).await) {
                (OnLimit::Fail, Err(BranchError::Limit { source, .. })) => {
                    assert_eq!(source, LimitReached::Tokens { spent: 20, max: 20 });
                    assert!(branch.history().is_empty());
                }
                (OnLimit::Answer, Ok(report)) => {
                    assert_eq!((report.value.as_str(), report.metrics.iterations), ("c", 2));
                    assert_eq!(report.completion, None, "a check would cost more");
                }
                (_, other) => panic!("{other:?}"),
            }
        }
    });
}

#[test]
fn tools_that_fail_are_counted_as_failed() {
    TestRuntime::run(|rt| async move {
        let calls = [
            fascine::message::ToolCall::new("1", "add", r#"{"a": "x"}"#),
            fascine::message::ToolCall::new("2", "subtract", "{}"),
            fascine::message::ToolCall::new("3", "add", r#"{"a": 1, "b": 2}"#),
        ];
        let model = ScriptedModel::new(&rt)
            .with_line(Line::tool_calls(calls))
            .with_answer(found("a", false))
            .with_answer(answer("3"))
            .with_answer(checked(true));
        let branch = Branch::builder(&rt, "b", model).tools(Add::alone()).build();
        let metrics = branch.react::<String>("?").await.unwrap().metrics;
        assert_eq!(metrics.tool_executions, 3);
        assert_eq!(
            (metrics.successful_tool_calls, metrics.failed_tool_calls),
            (1, 2)
        );
        assert_whole(&branch);
    });
}

#[test]
fn runs_at_once_share_nothing() {
    TestRuntime::run_seeds(16, |rt| async move {
        let line = |text: String| Line::answer(text).with_usage(Usage::new(5, 5));
        let model = ScriptedModel::new(&rt)
            .with_delay(ms(10))
            .with_rule_line("Now give", line(answer("a")))
            .with_rule_line("Check your", line(checked(true)))
            .with_rule_line("", line(found("f", false)));
        let branch = Branch::new(&rt, "b", model);
        let runs = (0..3).map(|n| {
            let fork = branch.fork(format!("{n}"));
            async move { fork.react::<String>("?").await }
        });
        let reports = fascine::concurrency::gather(runs).await.unwrap();
        for report in reports {
            assert_eq!(
                (report.metrics.llm_calls, report.metrics.usage.total()),
                (3, 30)
            );
            assert_eq!(report.metrics.elapsed, ms(30));
        }
        assert!(branch.history().is_empty());
        let both = future::zip(branch.react::<String>("?"), branch.react::<String>("?"));
        let (one, two) = both.await;
        assert_eq!(one.unwrap().metrics.llm_calls, 3);
        assert_eq!(two.unwrap().metrics.llm_calls, 3);
        assert_eq!(branch.history().turns().len(), 2);
    });
}

#[test]
fn a_run_can_be_followed_round_by_round() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(ms(10))
            .with_answer(found("a", true))
            .with_answer(found("b", false))
            .with_answer(answer("c"))
            .with_answer(checked(true));
        let branch = Branch::new(&rt, "b", model);
        let started = rt.now();
        let mut run = branch.react_stream::<String>("?");
        let mut seen = Vec::new();
        while let Some(item) = run.item().await.unwrap() {
            let what = match item {
                ReactItem::Step(step) => step.analysis.analysis,
                ReactItem::Report(report) => report.value,
            };
            seen.push((what, rt.now() - started));
        }
        let expected = [("a", 10), ("b", 20), ("c", 40)];
        let expected = expected.map(|(what, at)| (what.to_owned(), ms(at)));
        assert_eq!(seen, expected);
    });
}

#[test]
fn an_instruction_can_be_interpreted_first() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_answer("How many legs has a spider?")
            .with_answer(found("a", false))
            .with_answer(answer("8"));
        let branch = Branch::new(&rt, "b", model.clone());
        let what = React::new("spider legs??")
            .with_interpretation(Interpret::new(""))
            .with_validation(Validation::None);
        let report = branch.react::<String>(what).await.unwrap();
        assert_eq!((report.metrics.llm_calls, report.reply.attempts), (3, 3));
        let asked = model.requests()[1].messages[0].text();
        assert!(
            asked.starts_with("spider legs??\n\nIn other words:\nHow many legs"),
            "{asked}"
        );
        assert_eq!(model.requests()[0].temperature, Some(0.1));
    });
}

#[test]
fn everything_of_a_run_is_remembered_if_asked() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_answer(found("a", false))
            .with_answer(answer("b"))
            .with_answer(checked(true));
        let branch = Branch::new(&rt, "b", model);
        let all = AnswerOptions::default().with_remember(Remember::Everything);
        branch
            .react::<String>(React::new("?").with_answer(all))
            .await
            .unwrap();
        let lines = said(&branch);
        assert_eq!(lines.len(), 7, "{lines:?}");
        assert!(lines[6].contains("\"b\""), "the answer comes last");
    });
}

#[test]
fn a_provider_without_schemas_is_found_out_once() {
    TestRuntime::run(|rt| async move {
        let refused = ApiError::new(400, "unknown field response_format");
        let model = ScriptedModel::new(&rt)
            .with_line(Line::api_error(refused))
            .with_answer(found("a", false))
            .with_answer(answer("b"))
            .with_answer(checked(true));
        let branch = Branch::new(&rt, "b", model.clone());
        branch.react::<String>("?").await.unwrap();
        let native = |output: &OutputFormat| matches!(output, OutputFormat::Schema(_));
        let asked = model.requests();
        assert_eq!(
            asked.iter().filter(|asked| native(&asked.output)).count(),
            1
        );
    });
}

#[test]
fn dropping_a_run_at_any_poll_leaves_no_trace() {
    let polls = drop_after_every_poll(|rt, cut| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(ms(10))
            .with_rule("still there", "yes")
            .with_line(adding("1", 1, 1))
            .with_answer(found("a", true))
            .with_answer(found("b", false))
            .with_answer(answer("c"))
            .with_answer(checked(true));
        let branch = Branch::builder(&rt, "b", model.clone()).tools(Add::alone());
        let branch = branch.build();
        let ended = cut.apply(branch.react::<String>("1 + 1?")).await;
        assert_eq!(branch.history().len(), if ended.is_some() { 4 } else { 0 });
        assert_eq!(model.in_flight(), 0);
        assert_usable(&branch, "still there").await;
    });
    assert!(polls > 4, "{polls}");
}

#[test]
fn dropping_a_run_that_is_followed_at_any_poll_leaves_no_trace() {
    drop_after_every_poll(|rt, cut| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(ms(10))
            .with_rule("still there", "yes")
            .with_answer(found("a", true))
            .with_answer(found("b", false))
            .with_answer(answer("c"))
            .with_answer(checked(true));
        let branch = Branch::new(&rt, "b", model.clone());
        let mut run = branch.react_stream::<String>("?");
        let items = async { while let Ok(Some(_)) = run.item().await {} };
        let ended = cut.apply(items).await.is_some();
        drop(run);
        assert_eq!(branch.history().len(), if ended { 2 } else { 0 });
        assert_eq!(model.in_flight(), 0);
        assert_usable(&branch, "still there").await;
    });
}
