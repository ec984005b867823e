//! What our own policies refuse is no failure of the other side.

use super::*;

#[test]
fn what_our_own_policies_refuse_is_not_retried_and_spends_no_budget() {
    TestRuntime::run(|rt| async move {
        let (budget, bulkhead) = (RetryBudget::new(0.0, 1).unwrap(), Bulkhead::new(&rt, n(1)));
        let pipeline = Pipeline::new()
            .retry(retry(&rt).with_budget(budget.clone()), again::<()>)
            .bulkhead(bulkhead.clone());
        let inside = bulkhead.acquire().await.unwrap();
        let (started, calls) = (rt.now(), AtomicU32::new(0));
        let call = || async {
            calls.fetch_add(1, SeqCst);
            Ok::<_, ()>(())
        };
        let refused = pipeline.run(call).await.unwrap_err();
        let full = BulkheadError::Full {
            running: 1,
            waiting: 0,
        };
        assert_eq!(refused, PipelineError::Bulkhead(full));
        assert!(refused.is_refusal());
        assert_eq!((calls.load(SeqCst), rt.now()), (0, started));
        drop(inside);
        assert_eq!(pipeline.run(call).await, Ok(()));

        // The one retry that the budget holds is still there.
        let failing = || async { Err::<(), _>(()) };
        let Err(PipelineError::GaveUp(gave_up)) = pipeline.run(failing).await else {
            panic!("it does not give up")
        };
        assert_eq!((gave_up.attempts, gave_up.reason), (2, GaveUp::Budget));
    });
}

#[test]
fn what_was_not_made_is_given_back_to_the_limits_and_what_was_made_is_not() {
    TestRuntime::run(|rt| async move {
        let (limiter, bulkhead) = (limiter(&rt, 2, ms(1000)), Bulkhead::new(&rt, n(1)));
        let pipeline = Pipeline::new()
            .limiter(limiter.clone(), REQUEST)
            .bulkhead(bulkhead.clone())
            .timeout(&rt, ms(5));
        let (started, inside) = (rt.now(), bulkhead.acquire().await.unwrap());
        for _ in 0..10 {
            let refused = pipeline.run(|| async { Ok::<_, ()>(()) }).await;
            assert!(refused.unwrap_err().is_refusal());
        }
        drop(inside);
        // Nobody had to wait for the limits.
        assert_eq!(rt.now(), started);
        // Both of the quota are still there: one fails, one is cut.
        let failed = pipeline.run(|| async { Err::<(), _>(1) }).await;
        assert_eq!(failed, Err(PipelineError::Call(1)));
        assert!(pipeline.run(pending::<Result<(), ()>>).await.is_err());
        assert!(matches!(
            limiter.try_acquire(&REQUEST),
            Err(LimitError::WouldWait { .. })
        ));
    });
}

#[test]
fn the_breaker_counts_failures_of_the_other_side_and_no_refusals_of_ours() {
    TestRuntime::run(|rt| async move {
        let (breaker, bulkhead) = (
            CircuitBreaker::new(&rt, "other side"),
            Bulkhead::new(&rt, n(1)),
        );
        let pipeline = Pipeline::new()
            .retry(retry(&rt).with_attempts(NonZeroU32::MIN), again::<&str>)
            .breaker(breaker.clone(), |error: &&str| *error != "bad request")
            .bulkhead(bulkhead.clone())
            .timeout(&rt, ms(5));
        let inside = bulkhead.acquire().await.unwrap();
        for _ in 0..20 {
            let refused = pipeline.run(|| async { Ok::<_, &str>(()) }).await;
            assert!(matches!(refused, Err(PipelineError::Bulkhead(_))));
        }
        drop(inside);
        for _ in 0..20 {
            let failed = pipeline.run(|| async { Err::<(), _>("bad request") }).await;
            assert_eq!(failed.unwrap_err().call_error(), Some(&"bad request"));
        }
        assert_eq!(breaker.state(), CircuitState::Closed);
        // Five in a row open it: errors, and attempts that took too long.
        for _ in 0..3 {
            pipeline
                .run(|| async { Err::<(), _>("down") })
                .await
                .unwrap_err();
        }
        for _ in 0..2 {
            pipeline.run(pending::<Result<(), &str>>).await.unwrap_err();
        }
        assert_eq!(breaker.state(), CircuitState::Open);
        let refused = pipeline
            .run(|| async { Ok::<_, &str>(()) })
            .await
            .unwrap_err();
        assert!(matches!(refused, PipelineError::CircuitOpen(_)) && refused.is_refusal());
        assert_eq!(refused.retry_after(), Some(Duration::from_secs(30)));
    });
}

#[test]
fn a_patient_retry_waits_for_an_open_breaker_and_an_impatient_one_does_not() {
    TestRuntime::run(|rt| async move {
        let breaker = CircuitBreaker::new(&rt, "other side");
        breaker.trip();
        let counts = |(): &()| true;
        let call = || async { Ok::<_, ()>(()) };
        let started = rt.now();
        let impatient = Pipeline::new()
            .retry(retry(&rt), again::<()>)
            .breaker(breaker.clone(), counts);
        assert!(impatient.run(call).await.is_err());
        assert_eq!(rt.now(), started);
        let budget = RetryBudget::new(0.0, 0).unwrap();
        let patient = Pipeline::new()
            .retry_patiently(retry(&rt).with_budget(budget), again::<()>)
            .breaker(breaker.clone(), counts);
        assert_eq!(patient.run(call).await, Ok(()));
        assert!(rt.now() - started >= Duration::from_secs(30));
        assert_eq!(breaker.state(), CircuitState::Closed);
    });
}

#[test]
fn what_was_opened_by_hand_is_not_waited_for_and_knows_no_time() {
    TestRuntime::run(|rt| async move {
        let breaker = CircuitBreaker::new(&rt, "other side");
        breaker.force_open();
        let pipeline = Pipeline::new()
            .fallback(Fallback::<(), _>::new().or(|errors: &[PipelineError<()>]| {
                let again = errors[0].clone();
                async move { Err(again) }
            }))
            .retry_patiently(retry(&rt), again::<()>)
            .breaker(breaker, |(): &()| true);
        let started = rt.now();
        let refused = pipeline.run(|| async { Ok(()) }).await.unwrap_err();
        assert!(refused.is_refusal());
        assert_eq!((refused.retry_after(), rt.now()), (None, started));
    });
}

#[test]
fn an_adaptive_limit_learns_overload_from_timeouts_and_from_the_errors_that_say_so() {
    TestRuntime::run(|rt| async move {
        let limit_after = |answer: Option<Result<(), u32>>| {
            let rt = rt.clone();
            async move {
                let limit = AdaptiveLimit::new(&rt, Aimd::new(n(8), Bounds::default()));
                let pipeline = Pipeline::new()
                    .adaptive(limit.clone(), |status: &u32| [429, 503].contains(status))
                    .timeout(&rt, ms(5));
                let hangs_or = |answer| async move {
                    match answer {
                        Some(answer) => answer,
                        None => pending().await,
                    }
                };
                pipeline.run(|| hangs_or(answer)).await.unwrap_err();
                limit.limit()
            }
        };
        assert_eq!(limit_after(Some(Err(400))).await, 8);
        assert_eq!(limit_after(Some(Err(500))).await, 8);
        for overload in [
            limit_after(Some(Err(429))).await,
            limit_after(Some(Err(503))).await,
            limit_after(None).await,
        ] {
            assert!(overload < 8);
        }
    });
}
