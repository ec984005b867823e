//! What a run takes, and that it leaves nothing behind.

use super::*;

#[test]
fn a_cancelled_probe_gives_its_place_back() {
    drop_after_every_poll(|rt, cut| async move {
        let breaker = CircuitBreaker::new(&rt, "other side");
        let pipeline = Pipeline::new()
            .breaker(breaker.clone(), |(): &()| true)
            .timeout(&rt, ms(50));
        breaker.trip();
        rt.sleep(Duration::from_secs(31)).await;
        let call = || async {
            rt.sleep(ms(1)).await;
            rt.sleep(ms(1)).await;
            Ok::<_, ()>(())
        };
        cut.apply(pipeline.run(call)).await;
        assert_eq!(pipeline.run(call).await, Ok(()));
    });
}

#[test]
fn a_ready_call_goes_through_without_a_box() {
    let rt = TestRuntime::new().rt();
    block_on(async {});
    let pipeline = Pipeline::new()
        .hedge(Idempotent(Hedge::new(&rt, HedgeDelay::Fixed(ms(10)))))
        .retry(retry(&rt), again::<()>)
        .bulkhead(Bulkhead::new(&rt, n(1)))
        .timeout(&rt, ms(30));
    let info = measure(|| {
        block_on(pipeline.run(|| async { Ok::<_, ()>(()) })).unwrap();
    });
    assert_eq!(info.count_total, 0);
}

#[test]
fn a_ready_call_through_one_policy_allocates_nothing_whichever_it_is() {
    let rt = TestRuntime::new().rt();
    block_on(async {});
    macro_rules! allocations {
        ($($policy:ident: $pipeline:expr,)*) => {[$({
            let pipeline = $pipeline;
            let run = || block_on(pipeline.run(|| async { Ok::<_, ()>(()) })).unwrap();
            // What is kept from the first call on is no cost of a call.
            run();
            (stringify!($policy), measure(run).count_total)
        },)*]};
    }
    let new = Pipeline::new;
    let counts = |(): &()| true;
    let allocations = allocations! {
        deadline: new().deadline(&rt, ms(1000)),
        fallback: new().fallback(Fallback::new().or_value(())),
        shed: new().shed(LoadShed::new(n(1)), Priority::Normal),
        hedge: new().hedge(Idempotent(Hedge::new(&rt, HedgeDelay::Fixed(ms(10))))),
        retry: new().retry(retry(&rt), again::<()>),
        breaker: new().breaker(CircuitBreaker::new(&rt, "other side"), counts),
        limiter: new().limiter(limiter(&rt, 9, ms(1000)), REQUEST),
        bulkhead: new().bulkhead(Bulkhead::new(&rt, n(1))),
        adaptive: new().adaptive(AdaptiveLimit::new(&rt, Aimd::new(n(1), Bounds::default())), counts),
        timeout: new().timeout(&rt, ms(30)),
    };
    for (policy, count) in allocations {
        assert_eq!(count, 0, "{policy}");
    }
}

#[test]
fn a_ready_call_through_all_policies_allocates_once_if_one_scope_is_in_another() {
    let rt = TestRuntime::new().rt();
    block_on(async {});
    let run = |pipeline: &dyn Fn()| {
        pipeline();
        measure(pipeline).count_total
    };
    let call = || async { Ok::<_, ()>(()) };
    let alone = Pipeline::new()
        .fallback(Fallback::new().or_value(()))
        .shed(LoadShed::new(n(1)), Priority::Normal)
        .hedge(Idempotent(Hedge::new(&rt, HedgeDelay::Fixed(ms(10)))))
        .retry(retry(&rt), again::<()>)
        .breaker(CircuitBreaker::new(&rt, "other side"), |(): &()| true)
        .limiter(limiter(&rt, 9, ms(1000)), REQUEST)
        .bulkhead(Bulkhead::new(&rt, n(1)))
        .adaptive(
            AdaptiveLimit::new(&rt, Aimd::new(n(1), Bounds::default())),
            |(): &()| false,
        )
        .timeout(&rt, ms(30));
    assert_eq!(run(&|| block_on(alone.run(call)).unwrap()), 0);
    // The scope of the timeout has to know the one it is in, which is then made before anybody waits.
    let nested = Pipeline::new().deadline(&rt, ms(1000)).timeout(&rt, ms(30));
    assert_eq!(run(&|| block_on(nested.run(call)).unwrap()), 1);
}

#[test]
fn the_future_of_a_run_holds_the_call_once_however_many_policies_there_are() {
    let rt = TestRuntime::new().rt();
    let pipeline = Pipeline::new()
        .deadline(&rt, ms(1000))
        .fallback(Fallback::new().or_value(()))
        .shed(LoadShed::new(n(1)), Priority::Normal)
        .hedge(Idempotent(Hedge::new(&rt, HedgeDelay::Fixed(ms(10)))))
        .retry(retry(&rt), again::<u32>)
        .breaker(CircuitBreaker::new(&rt, "other side"), |_: &u32| true)
        .limiter(limiter(&rt, 9, ms(1000)), REQUEST)
        .bulkhead(Bulkhead::new(&rt, n(1)))
        .adaptive(
            AdaptiveLimit::new(&rt, Aimd::new(n(1), Bounds::default())),
            |_: &u32| false,
        )
        .timeout(&rt, ms(30));
    let small = size_of_val(&pipeline.run(|| async { Ok::<_, u32>(()) }));
    let large = size_of_val(&pipeline.run(|| async {
        let buffer = [1_u8; 10_000];
        yield_now().await;
        if buffer.contains(&0) { Err(1) } else { Ok(()) }
    }));
    assert!(large - small < 10_100, "{small} {large}");
    assert!(small < 5_000, "{small}");
}

#[test]
fn a_dropped_run_of_a_boxed_pipeline_drops_the_call() {
    drop_after_every_poll(|rt, cut| async move {
        let held = Arc::new(());
        let bulkhead = Bulkhead::new(&rt, n(1));
        let pipeline = Pipeline::new()
            .retry(retry(&rt), again::<()>)
            .bulkhead(bulkhead.clone())
            .timeout(&rt, ms(30))
            .boxed::<(), ()>();
        let call = || {
            let (held, rt) = (Arc::clone(&held), &rt);
            async move {
                rt.sleep(ms(20)).await;
                drop(held);
                Err(())
            }
        };
        cut.apply(pipeline.run(call)).await;
        assert_eq!((Arc::strong_count(&held), bulkhead.running()), (1, 0));
    });
}

#[test]
fn a_call_that_panics_leaves_nothing_behind() {
    TestRuntime::run(|rt| async move {
        let (bulkhead, door) = (Bulkhead::new(&rt, n(1)), LoadShed::new(n(1)));
        let breaker = CircuitBreaker::new(&rt, "other side");
        let pipeline = Pipeline::new()
            .deadline(&rt, ms(1000))
            .shed(door.clone(), Priority::High)
            .retry(retry(&rt), again::<()>)
            .breaker(breaker.clone(), |(): &()| true)
            .bulkhead(bulkhead.clone())
            .timeout(&rt, ms(30));
        let task = rt.spawn({
            let pipeline = pipeline.clone();
            async move {
                let call = || async { panic!("on purpose") };
                pipeline.run::<(), (), _, _>(call).await
            }
        });
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!((bulkhead.running(), door.inside()), (0, 0));
        assert_eq!(pipeline.run(|| async { Ok::<_, ()>(()) }).await, Ok(()));
    });
}

#[test]
fn a_dropped_run_leaves_nothing_behind() {
    let longest = drop_after_every_poll(|rt, cut| async move {
        let held = Arc::new(());
        let (limiter, bulkhead) = (
            limiter(&rt, 2, ms(1000)),
            Bulkhead::new(&rt, n(1)).with_queue(1),
        );
        let door = LoadShed::new(n(1));
        let pipeline = Pipeline::new()
            .deadline(&rt, Duration::from_secs(60))
            .shed(door.clone(), Priority::High)
            .hedge(Idempotent(Hedge::new(&rt, HedgeDelay::Fixed(ms(10)))))
            .retry(retry(&rt), again::<()>)
            .limiter(limiter.clone(), REQUEST)
            .bulkhead(bulkhead.clone())
            .timeout(&rt, ms(30));
        let calls = AtomicU32::new(0);
        let call = || {
            let held = Arc::clone(&held);
            let (rt, calls) = (&rt, &calls);
            async move {
                calls.fetch_add(1, SeqCst);
                rt.sleep(ms(20)).await;
                rt.sleep(ms(5)).await;
                drop(held);
                Err::<(), _>(())
            }
        };
        cut.apply(pipeline.run(call)).await;
        assert_eq!(Arc::strong_count(&held), 1);
        assert_eq!((bulkhead.running(), bulkhead.waiting()), (0, 0));
        assert_eq!((limiter.waiting(), door.inside()), (0, 0));
    });
    assert!(longest > 10);
}
