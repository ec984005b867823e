//! How calls end that have a cache, other models and a hedge round them.

use fascine::concurrency::{gather, join_all};
use fascine::model::{CloseMode, Model, ModelFailure, ScriptedModel};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::{StreamExt, future};

use super::script::{Act, Piece, Script, events, kind, ms, question, secs};
use super::service_layers::{ask, assert_at_rest, cache, hedge, read};

#[test]
fn closing_covers_what_is_round_the_requests_and_reopening_works() {
    TestRuntime::run_seeds(8, |rt| async move {
        let script = Script::new(&rt, [Act::answer("yes").after(secs(1))], Act::silence());
        let other = ScriptedModel::new(&rt).with_rule("", "other");
        let service = script.service(|service| {
            service
                .cache(cache(&rt))
                .fallback(other.clone())
                .hedge(hedge(&rt))
        });
        let first = rt.spawn(service.invoke(question("x")));
        rt.sleep(ms(1)).await;
        service.close(CloseMode::Drain).await;
        assert_eq!(first.await.unwrap().unwrap().text(), "yes", "drained");
        for error in [
            ask(&service, "x").await.unwrap_err(),
            read(&service, "x").await.unwrap_err(),
        ] {
            assert_eq!(kind(&error), "closed", "known answers as well");
        }
        service.reopen();
        assert!(ask(&service, "x").await.unwrap().is_reused());
        let calls: Vec<_> = (0..5)
            .map(|_| rt.spawn(service.invoke(question("y"))))
            .collect();
        let mut stream = Box::pin(service.stream(question("y")));
        assert!(future::poll_once(stream.as_mut()).await.is_none());
        rt.sleep(secs(2)).await;
        assert!(script.open() >= 2);
        service.close(CloseMode::Cancel).await;
        assert_eq!(kind(&stream.await.unwrap_err()), "closed");
        for call in calls {
            assert_eq!(kind(&call.await.unwrap().unwrap_err()), "closed");
        }
        service.close(CloseMode::Drain).await;
        assert!(other.requests().is_empty());
        assert_at_rest(&service, &script, 8);
    });
}

#[test]
fn closing_breaks_off_a_stream_that_others_share() {
    TestRuntime::run_seeds(4, |rt| async move {
        let mut pieces = events(&["a"]);
        pieces.truncate(2);
        pieces.push(Piece::Hang);
        let script = Script::new(&rt, [], Act::pieces(200, pieces));
        let service = script.service(|service| service.cache(cache(&rt)));
        let streams = (0..3).map(|_| service.stream(question("x")));
        let mut streams = gather(streams).await.unwrap();
        for stream in &mut streams {
            while let Some(Some(Ok(_))) = future::poll_once(stream.next()).await {}
        }
        service.close(CloseMode::Cancel).await;
        let ends = join_all(streams.into_iter().map(|stream| stream.collect())).await;
        for end in ends {
            match end.unwrap_err().failure() {
                ModelFailure::Interrupted(broken) => assert_eq!(broken.partial.text(), "a"),
                other => panic!("{other:?}"),
            }
        }
        assert_at_rest(&service, &script, 3);
    });
}

#[test]
fn dropping_a_layered_call_anywhere_leaves_everything_at_rest() {
    drop_after_every_poll(|rt, cut| async move {
        let acts = [Act::refusal(500), Act::silence()];
        let script = Script::new(&rt, acts, Act::pieces(200, events(&["a", "b"])));
        let other = ScriptedModel::new(&rt).with_rule("", "other");
        let service = script.service(|service| {
            service
                .cache(cache(&rt))
                .fallback(other.clone())
                .hedge(hedge(&rt))
                .limit_requests(2)
                .concurrency_limit(2)
                .timeout(secs(30))
        });
        let both = async {
            let read = async {
                let whole = read(&service, "x").await.map(|response| response.text());
                assert!(whole.is_ok(), "{whole:?}");
            };
            future::zip(read, service.call(question("y"))).await
        };
        cut.apply(both).await;
        let stats = service.stats();
        let ended = stats.answered + stats.failed + stats.cancelled + stats.deadline;
        assert_eq!(stats.calls, ended, "{stats:?}");
        assert_eq!(service.metrics().snapshot().calls, ended);
        assert_eq!((script.open(), other.in_flight()), (0, 0));
        assert_eq!(
            (service.waiting(), service.limiter().limiter().waiting()),
            (0, 0)
        );
        service.close(CloseMode::Drain).await;
    });
}
