use std::error::Error;
use std::sync::Arc;

use fascine::branch::{
    Bound, Branch, BranchError, CallOptions, Communicate, DoesNotFit, History, Prune, TurnId,
};
use fascine::http::Net;
use fascine::message::{Message, Role};
use fascine::model::{
    EchoModel, EstimatedTokens, OutputFormat, Request, ScriptedModel, TokenCounter, ToolSpec,
};
use fascine::rt::Rt;
use fascine_mock::MockServer;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use proptest::prelude::*;
use serde_json::json;

use super::heard::Heard;
use super::histories::{any_history, assert_whole, ids, plain, turn_with_tool};
use crate::mock_service;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    over_http_too_the_bounds_hold,
    what_is_over_the_bounds_is_archived,
}

async fn over_http_too_the_bounds_hold(rt: Rt, net: Arc<dyn Net>) {
    let server = mock_service::start(&rt, &net, MockServer::builder()).await;
    let model = Heard::new(mock_service::service(&rt, &net, &server).build().unwrap());
    let history: History = (1..=10).map(|id| turn_with_tool(id, "x")).collect();
    let branch = Branch::builder(&rt, "b", model.clone())
        .system("Be brief.")
        .history(history)
        .prune(Prune::messages(11).with_tokens(300, EstimatedTokens))
        .build();
    for number in 0..5 {
        branch.communicate(number.to_string()).await.unwrap();
        assert!(
            model.last().len() <= 12,
            "the system prompt and 11 messages"
        );
        assert_whole(&branch.history());
    }
    assert_eq!(branch.history().turns().len() + branch.archive().len(), 15);
}

async fn what_is_over_the_bounds_is_archived(rt: Rt, _: Arc<dyn Net>) {
    let branch = Branch::builder(&rt, "b", EchoModel)
        .prune(Prune::turns(3))
        .build();
    for number in 0..10 {
        branch.communicate(number.to_string()).await.unwrap();
        assert_whole(&branch.history());
    }
    let texts: Vec<String> = branch
        .history()
        .turns()
        .map(|turn| turn.messages()[0].text())
        .collect();
    assert_eq!(texts, ["7", "8", "9"]);
    let archived: Vec<String> = branch
        .archive()
        .turns()
        .map(|turn| turn.messages()[0].text())
        .collect();
    assert_eq!(archived, ["0", "1", "2", "3", "4", "5", "6"]);
}

#[test]
fn twenty_messages_are_twenty_messages() {
    TestRuntime::run(|rt| async move {
        let model = Heard::new(EchoModel);
        let branch = Branch::builder(&rt, "b", model.clone())
            .system("s")
            .prune(Prune::messages(20))
            .build();
        for number in 0..50 {
            branch.communicate(number.to_string()).await.unwrap();
            assert!(branch.history().len() <= 20);
            assert!(
                model.last().len() <= 21,
                "the system prompt and 20 messages"
            );
            assert_eq!(model.last()[0], "s");
        }
        assert_eq!(branch.history().len(), 20);
    });
}

#[test]
fn a_turn_that_fails_archives_nothing() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt)
            .with_failure(503, "down")
            .with_answer("a");
        let branch = Branch::builder(&rt, "b", model)
            .history(plain(5))
            .prune(Prune::turns(2))
            .build();
        branch.communicate("x").await.unwrap_err();
        assert_eq!((branch.history(), branch.archive().len()), (plain(5), 0));
        branch.communicate("x").await.unwrap();
        assert_eq!(
            (branch.history().turns().len(), branch.archive().len()),
            (2, 4)
        );
    });
}

#[test]
fn a_turn_that_is_dropped_archives_nothing_and_one_that_is_not_archives_whole_turns() {
    drop_after_every_poll(|rt, cut| async move {
        let model = ScriptedModel::new(&rt)
            .with_delay(std::time::Duration::from_secs(1))
            .with_rule("", "a");
        let history: History = (1..=5).map(|id| turn_with_tool(id, "x")).collect();
        let branch = Branch::builder(&rt, "b", model)
            .history(history.clone())
            .prune(Prune::messages(10))
            .build();
        match cut.apply(branch.communicate("y")).await {
            None => assert_eq!((branch.history(), branch.archive().len()), (history, 0)),
            Some(_) => assert_eq!((branch.history().len(), branch.archive().len()), (10, 3)),
        }
        branch.communicate("z").await.unwrap();
        assert_whole(&branch.history());
    });
}

#[test]
fn pinned_turns_stay_and_the_next_oldest_go() {
    TestRuntime::run(|rt| async move {
        let branch = Branch::builder(&rt, "b", EchoModel)
            .history(plain(5))
            .prune(Prune::turns(3))
            .build();
        branch.pin(TurnId::from_u128(1)).await.unwrap();
        branch.communicate("x").await.unwrap();
        let history = branch.history();
        assert_eq!(ids(&history)[..2], [1, 5]);
        assert!(history.turns().next().unwrap().is_pinned());
        branch.unpin(TurnId::from_u128(1)).await.unwrap();
        branch.communicate("x").await.unwrap();
        assert_eq!(ids(&branch.history())[0], 5);
    });
}

fn options(request: Request) -> Communicate {
    Communicate::new("x".repeat(40)).with_call(CallOptions::default().with_request(request))
}

/// What a request costs by the counter that says what a service would reserve.
fn tokens(request: &Request) -> u64 {
    EstimatedTokens.count_request(request)
}

#[test]
fn tokens_count_the_whole_request_as_it_is_sent() {
    TestRuntime::run(|rt| async move {
        let schema = json!({"type": "object", "description": "y".repeat(400)});
        let request = Request::default()
            .with_max_tokens(50)
            .with_tool(ToolSpec::new("look", "Looks.".repeat(20), schema.clone()))
            .with_output(OutputFormat::schema("answer", schema));
        for window in (400..1200).step_by(7) {
            let model = Heard::new(EchoModel);
            let branch = Branch::builder(&rt, "b", model.clone())
                .system("s".repeat(200))
                .history(plain(60))
                .prune(Prune::tokens(window, EstimatedTokens).with_reserve(20))
                .build();
            branch.communicate(options(request.clone())).await.unwrap();
            let sent = model.requests().pop().unwrap();
            assert!(
                tokens(&sent) + 50 <= window,
                "{} in {window}",
                tokens(&sent)
            );
            assert_eq!(sent.messages[0].role(), Role::System);
            assert_eq!(sent.messages.last().unwrap().text(), "x".repeat(40));
            // One turn more would have been too much.
            let mut more = sent.clone();
            let archive = branch.archive();
            more.messages
                .extend(archive.turns().next_back().unwrap().messages().to_vec());
            assert!(tokens(&more) + 50 > window, "{} in {window}", tokens(&more));
        }
    });
}

#[test]
fn the_reserve_is_what_is_set_or_what_the_request_allows() {
    TestRuntime::run(|rt| async move {
        let sent = |reserve, request: Request| {
            let rt = rt.clone();
            async move {
                let model = Heard::new(EchoModel);
                let prune = Prune::tokens(500, EstimatedTokens).with_reserve(reserve);
                let branch = Branch::builder(&rt, "b", model.clone())
                    .history(plain(100))
                    .prune(prune)
                    .build();
                branch.communicate(options(request)).await.unwrap();
                tokens(&model.requests()[0])
            }
        };
        let turn = 2 * (3 + 4);
        for (reserve, max, room) in [
            (0, None, 0),
            (200, None, 200),
            (0, Some(200), 200),
            (300, Some(200), 300),
        ] {
            let mut request = Request::default();
            request.max_tokens = max;
            let sent = sent(reserve, request).await;
            assert!(
                sent <= 500 - room && sent > 500 - room - turn,
                "{sent} with {room}"
            );
        }
    });
}

fn does_not_fit(error: &BranchError) -> DoesNotFit {
    *error
        .source()
        .unwrap()
        .downcast_ref::<DoesNotFit>()
        .unwrap()
}

#[test]
fn a_turn_that_cannot_fit_is_refused_by_the_name_of_the_bound() {
    TestRuntime::run(|rt| async move {
        let model = Heard::new(EchoModel);
        let prune = Prune::tokens(100, EstimatedTokens).with_reserve(30);
        let branch = Branch::builder(&rt, "b", model.clone())
            .history(plain(3))
            .prune(prune)
            .build();
        let error = branch.communicate("x".repeat(268)).await.unwrap_err();
        assert_eq!(error.to_string(), "branch `b` cannot send the turn");
        let source = does_not_fit(&error);
        assert_eq!(
            source.to_string(),
            "the bound on tokens is 100, and 101 cannot be left out, 30 for the answer among them"
        );
        assert_eq!(
            source.bound,
            Bound::Tokens {
                needed: 101,
                limit: 100
            }
        );
        assert_eq!(
            (error.attempts(), error.is_retryable(), error.retry_after()),
            (0, false, None)
        );
        assert_eq!((branch.history(), branch.archive().len()), (plain(3), 0));
        assert!(model.requests().is_empty(), "nobody was asked");
        branch.communicate("x".repeat(264)).await.unwrap();
    });
}

#[test]
fn pinned_turns_may_leave_no_room() {
    TestRuntime::run(|rt| async move {
        let history: History = plain(3)
            .turns()
            .map(|turn| turn.clone().with_pinned(true))
            .collect();
        let branch = |prune| {
            Branch::builder(&rt, "b", EchoModel)
                .history(history.clone())
                .prune(prune)
                .build()
        };
        let error = branch(Prune::turns(3)).communicate("x").await.unwrap_err();
        assert_eq!(
            does_not_fit(&error).bound,
            Bound::Turns {
                needed: 4,
                limit: 3
            }
        );
        let error = branch(Prune::messages(6))
            .communicate("x")
            .await
            .unwrap_err();
        assert_eq!(
            does_not_fit(&error).bound,
            Bound::Messages {
                needed: 7,
                limit: 6
            }
        );
        assert_eq!(
            does_not_fit(&error).to_string(),
            "the bound on messages is 6, and 7 cannot be left out"
        );
        branch(Prune::messages(7).with_turns(4))
            .communicate("x")
            .await
            .unwrap();
    });
}

#[test]
fn an_archive_can_be_bounded() {
    TestRuntime::run(|rt| async move {
        let builder = || Branch::builder(&rt, "b", EchoModel).prune(Prune::turns(1));
        let (small, none) = (
            builder().max_archived(2).build(),
            builder().max_archived(0).build(),
        );
        for branch in [&small, &none] {
            for number in 0..5 {
                branch.communicate(number.to_string()).await.unwrap();
            }
        }
        let kept: Vec<String> = small
            .archive()
            .turns()
            .map(|turn| turn.messages()[0].text())
            .collect();
        assert_eq!(kept, ["2", "3"], "the first that came have gone");
        assert!(none.archive().is_empty());
        assert_eq!(small.fork("f").archive(), small.archive());
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn pruning_keeps_its_laws(
        history in any_history(1, 30),
        messages in proptest::option::of(0..60_usize),
        turns in proptest::option::of(0..20_usize),
        window in proptest::option::of(0..800_u64),
        reserve in 0..100_u64,
    ) {
        TestRuntime::run_seeds(1, |rt| {
            let history = history.clone();
            async move {
                let mut prune = Prune::default().with_reserve(reserve);
                prune = messages.into_iter().fold(prune, Prune::with_messages);
                prune = turns.into_iter().fold(prune, Prune::with_turns);
                prune = window.into_iter().fold(prune, |prune, window| prune.with_tokens(window, EstimatedTokens));
                let model = Heard::new(EchoModel);
                let branch = Branch::builder(&rt, "b", model.clone())
                    .system("Be brief.")
                    .history(history.clone())
                    .prune(prune)
                    .build();
                let said = branch.communicate("hello").await;
                let is_over = |sent: &Request| {
                    let said = sent.messages.len() - 1;
                    let turns_sent = sent.messages.iter().filter(|message| message.role() == Role::User).count();
                    messages.is_some_and(|max| said > max)
                        || turns.is_some_and(|max| turns_sent > max)
                        || window.is_some_and(|max| tokens(sent) + reserve > max)
                };
                let pinned: Vec<u128> = history.turns().filter(|turn| turn.is_pinned()).map(|turn| turn.id().as_u128()).collect();
                let request = |kept: &[u128]| {
                    let kept = history.turns().filter(|turn| kept.contains(&turn.id().as_u128()));
                    let kept = kept.flat_map(|turn| turn.messages().to_vec());
                    let said = [Message::user("hello")];
                    Request::new([Message::system("Be brief.")].into_iter().chain(kept).chain(said))
                };
                if said.is_err() {
                    assert!(is_over(&request(&pinned)), "what is pinned leaves no room");
                    assert_eq!((branch.history(), branch.archive().len()), (history, 0));
                    return;
                }
                let sent = model.requests().pop().unwrap();
                assert!(!is_over(&sent));
                let after = branch.history();
                assert_whole(&after);
                let kept = &ids(&after)[..after.turns().len() - 1];
                // What went are the oldest that were not pinned, in their order, and no more than had to.
                let gone: Vec<u128> = branch.archive().turns().map(|turn| turn.id().as_u128()).collect();
                let free: Vec<u128> = ids(&history).into_iter().filter(|id| !pinned.contains(id)).collect();
                assert_eq!(gone, free[..gone.len()]);
                assert!(pinned.iter().all(|id| kept.contains(id)));
                assert_eq!(kept.len() + gone.len(), history.turns().len());
                if let Some(last) = gone.last() {
                    let mut more = kept.to_vec();
                    more.push(*last);
                    let mut more = request(&more);
                    let with_answer = messages.is_some_and(|max| more.messages.len() > max);
                    more.messages.sort_by_key(|message| message.role() != Role::System);
                    assert!(is_over(&more) || with_answer, "one more would have fitted");
                }
            }
        });
    }
}
