//! What a service may cost, with calls on their way.

use fascine::concurrency::gather_all;
use fascine::message::{Message, Usage};
use fascine::model::{
    EstimatedTokens, Model, ModelError, ModelFailure, ModelService, Request, Response, TokenCounter,
};
use fascine_testing::{TestRuntime, drop_after_every_poll};

use super::script::{Act, Script, kind, ms, question, secs};

/// A token sent costs nothing, one answered a quarter. `Act::answer` has three of them.
fn price(_: &str, usage: Usage) -> Option<f64> {
    Some(usage.completion_tokens as f64 * 0.25)
}

fn of_three(text: &str) -> Request {
    question(text).with_max_tokens(3)
}

async fn ask(service: &ModelService) -> Result<Response, ModelError> {
    service.invoke(of_three("x")).await
}

#[track_caller]
fn amounts(error: &ModelError) -> (f64, f64, f64) {
    match error.failure() {
        ModelFailure::CostExceeded {
            spent,
            reserved,
            max,
            ..
        } => (*spent, *reserved, *max),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_service_costs_no_more_than_it_may() {
    TestRuntime::run_seeds(4, |rt| async move {
        let script = Script::new(&rt, [], Act::answer("x"));
        let service = script.service(|service| service.prices(price).max_cost(2.5));
        for answered in 1..=3 {
            ask(&service).await.unwrap();
            assert_eq!(service.spent(), 0.75 * f64::from(answered));
        }
        let error = ask(&service).await.unwrap_err();
        assert_eq!(amounts(&error), (2.25, 0.75, 2.5));
        assert_eq!(
            service.stream(of_three("x")).await.unwrap_err().to_string(),
            error.to_string()
        );
        assert_eq!(script.sent().len(), 3);
        assert_eq!(service.metrics().snapshot().cost, 2.25);
        // A smaller one still fits.
        let small = question("x").with_max_tokens(1);
        service.invoke(small).await.unwrap();
        assert_eq!(service.spent(), 3.0, "its estimate was wrong by two tokens");
        let none = question("x").with_max_tokens(0);
        let error = service.invoke(none).await.unwrap_err();
        assert_eq!(amounts(&error), (3.0, 0.0, 2.5));
    });
}

#[test]
fn calls_at_the_same_time_do_not_pass_it_together() {
    TestRuntime::run_seeds(16, |rt| async move {
        let script = Script::new(&rt, [], Act::answer("x").after(secs(1)));
        let service = script.service(|service| service.prices(price).max_cost(7.5));
        let calls = (0..100).map(|_| ask(&service));
        let settled = gather_all(calls).await;
        let answered = settled.iter().filter(|call| call.is_ok()).count();
        assert_eq!((answered, service.spent()), (10, 7.5));
        for error in settled.into_iter().filter_map(Result::err) {
            let (spent, reserved, _) = amounts(&error);
            assert!(spent + reserved > 7.5, "{error}");
        }
        assert_eq!(script.peak(), 10);
    });
}

#[test]
fn what_was_reserved_and_not_used_is_there_again() {
    TestRuntime::run_seeds(4, |rt| async move {
        let acts = [Act::refusal(400), Act::refusal(503)];
        let script = Script::new(&rt, acts, Act::answer("x").after(secs(1)));
        let service = script.service(|service| service.prices(price).max_cost(1.5));
        ask(&service).await.unwrap_err();
        // One that is repeated reserves once.
        let repeated = rt.spawn({
            let service = service.clone();
            async move { ask(&service).await }
        });
        rt.sleep(ms(1)).await;
        let streamed = service.stream(of_three("x"));
        let mut streamed = Box::pin(streamed);
        assert!(
            futures_lite::future::poll_once(&mut streamed)
                .await
                .is_none()
        );
        let error = ask(&service).await.unwrap_err();
        assert_eq!(amounts(&error), (0.0, 2.25, 1.5));
        drop(streamed);
        repeated.await.unwrap().unwrap();
        assert_eq!(service.spent(), 0.75);
        ask(&service).await.unwrap();
        assert_eq!(service.spent(), 1.5);
    });
}

#[test]
fn a_call_that_is_dropped_anywhere_leaves_nothing_reserved() {
    drop_after_every_poll(|rt, cut| async move {
        let acts = [Act::refusal(503), Act::answer("x").after(ms(1))];
        let script = Script::new(&rt, acts, Act::answer("x"));
        let service =
            script.service(|service| service.prices(price).max_cost(1.5).limit_requests(100));
        cut.apply(async {
            let _ = ask(&service).await;
        })
        .await;
        // All that is not spent can be.
        let rest = (1.5 - service.spent()) / 0.75;
        for _ in 0..rest as u32 {
            let call = ask(&service).await;
            let refused = call.is_err_and(|error| kind(&error) == "cost_exceeded");
            assert!(!refused);
        }
    });
}

#[test]
fn prompts_count_and_models_without_a_price_cost_nothing() {
    TestRuntime::run(|rt| async move {
        let script = Script::new(&rt, [], Act::answer("x"));
        let by_name = |model: &str, usage: Usage| (model == "m").then(|| usage.total() as f64);
        let service = script.service(|service| service.prices(by_name).max_cost(100.0));
        let long = Request::new([Message::user("x".repeat(1000))]).with_max_tokens(1);
        let tokens = EstimatedTokens.count_request(&long) + 1;
        let error = service.invoke(long.clone()).await.unwrap_err();
        assert_eq!(amounts(&error), (0.0, tokens as f64, 100.0));
        service.invoke(long.with_model("free")).await.unwrap();
        assert_eq!(service.spent(), 0.0);
    });
}
