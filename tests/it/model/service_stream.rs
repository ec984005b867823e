use fascine::http::{Phase, Timeouts, TransportError};
use fascine::model::{
    Chunk, CloseMode, Interrupted, Model, ModelError, ModelFailure, ModelService,
};
use fascine_testing::{TestRuntime, drop_after_every_poll};

use super::script::{Act, Piece, Script, events, kind, ms, question, secs};

const WORDS: [&str; 4] = ["one ", "two ", "three ", "four"];
const ANSWER: &str = "one two three four";

/// Reads a stream to its end: the text, and the error if it broke off.
async fn read(service: &ModelService) -> (String, Option<ModelError>) {
    let mut text = String::new();
    let mut stream = match service.stream(question("x")).await {
        Ok(stream) => stream,
        Err(error) => return (text, Some(error)),
    };
    loop {
        match stream.chunk().await {
            Ok(Some(Chunk::Text(more))) => text.push_str(&more),
            Ok(Some(_)) => {}
            Ok(None) => return (text, None),
            Err(error) => {
                assert_eq!(
                    stream.chunk().await.unwrap(),
                    None,
                    "an error is the last item"
                );
                return (text, Some(error));
            }
        }
    }
}

fn interrupted(error: &ModelError) -> &Interrupted {
    match error.failure() {
        ModelFailure::Interrupted(broken) => broken,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_server_killed_at_any_event_loses_and_doubles_no_text() {
    let all = events(&WORDS);
    for (broken, index) in [true, false]
        .into_iter()
        .flat_map(|broken| (0..=all.len()).map(move |index| (broken, index)))
    {
        TestRuntime::run_seeds(2, |rt| async move {
            let all = events(&WORDS);
            let mut pieces = all[..index].to_vec();
            pieces.extend(broken.then_some(Piece::Break));
            let script = Script::new(
                &rt,
                [Act::pieces(200, pieces)],
                Act::pieces(200, all.clone()),
            );
            let service = script.service(|service| service);
            let (text, error) = read(&service).await;
            let at = format!("event {index}, broken: {broken}");
            // The first event has no content, and without the last there was more to come.
            let whole = index == all.len();
            let words = index.saturating_sub(1).min(WORDS.len());
            if index <= 1 {
                assert_eq!((text.as_str(), error.is_none()), (ANSWER, true), "{at}");
                assert_eq!(
                    script.sent().len(),
                    2,
                    "{at}: begun again, for nobody had seen any"
                );
            } else if whole {
                assert_eq!((text.as_str(), error.is_none()), (ANSWER, true), "{at}");
                assert_eq!(script.sent().len(), 1, "{at}");
            } else {
                let error = error.expect(&at);
                let broken_off = interrupted(&error);
                assert_eq!(text, WORDS[..words].concat(), "{at}");
                assert_eq!(broken_off.partial.text(), text, "{at}");
                assert!(broken_off.resumable, "{at}");
                assert_eq!(broken_off.cause.is_some(), broken, "{at}");
                assert_eq!(script.sent().len(), 1, "{at}: never begun again");
            }
            assert_eq!(script.open(), 0);
            let stats = service.stats();
            assert_eq!((stats.calls, stats.answered + stats.failed), (1, 1), "{at}");
        });
    }
}

#[test]
fn a_stream_ends_with_the_providers_word_even_if_the_connection_does_not() {
    TestRuntime::run_seeds(4, |rt| async move {
        let mut pieces = events(&WORDS);
        pieces.push(Piece::Hang);
        let script = Script::new(&rt, [], Act::pieces(200, pieces));
        let service = script.service(|service| service.limit_tokens(10_000));
        let started = rt.now();
        let mut stream = service.stream(question("x")).await.unwrap();
        while let Some(chunk) = stream.chunk().await.unwrap() {
            if let Chunk::Usage(usage) = chunk {
                assert_eq!(
                    (usage.total(), rt.now()),
                    (10, started),
                    "nothing is held back"
                );
            }
        }
        assert_eq!(
            rt.now() - started,
            secs(1),
            "the connection had a moment to end"
        );
        assert_eq!((script.open(), service.stats().answered), (0, 1));
        assert_eq!(service.limiter().limiter().available("tokens"), Some(9990));
    });
}

#[test]
fn a_connection_that_breaks_after_the_providers_word_is_no_failure() {
    TestRuntime::run_seeds(4, |rt| async move {
        let mut pieces = events(&WORDS);
        pieces.push(Piece::Break);
        let script = Script::new(&rt, [], Act::pieces(200, pieces));
        let (text, error) = read(&script.service(|service| service)).await;
        assert_eq!((text.as_str(), error.is_none()), (ANSWER, true));
    });
}

#[test]
fn a_pause_between_two_pieces_is_held_against_the_idle_time_and_a_reader_that_is_slow_is_not() {
    TestRuntime::run_seeds(4, |rt| async move {
        let mut pieces = events(&WORDS);
        pieces.insert(2, Piece::Wait(ms(900)));
        pieces.insert(4, Piece::Wait(secs(60)));
        let script = Script::new(&rt, [], Act::pieces(200, pieces));
        let times = Timeouts::none().with_idle(secs(1));
        let service = script.service(|service| service.timeout(times));
        let mut stream = service.stream(question("x")).await.unwrap();
        rt.sleep(secs(30)).await;
        let started = rt.now();
        let error = loop {
            match stream.chunk().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it paused for a minute"),
                Err(error) => break error,
            }
        };
        assert_eq!(rt.now() - started, ms(1900));
        let broken = interrupted(&error);
        assert_eq!(broken.partial.text(), "one two ");
        let cause = broken.cause.as_ref().unwrap();
        assert!(
            matches!(
                cause,
                ModelFailure::Transport(TransportError::Timeout { phase: Phase::Body, after })
                    if *after == secs(1)
            ),
            "{cause:?}"
        );
    });
}

#[test]
fn the_whole_time_holds_for_all_of_a_stream() {
    TestRuntime::run_seeds(4, |rt| async move {
        let pieces = events(&WORDS).into_iter();
        let slow = pieces.flat_map(|piece| [Piece::Wait(secs(1)), piece]);
        let script = Script::new(&rt, [], Act::pieces(200, slow));
        let service = script.service(|service| service.timeout(ms(3500)));
        let (text, error) = read(&service).await;
        assert_eq!(text, "one two ");
        let error = error.unwrap();
        let cause = interrupted(&error).cause.as_ref().unwrap();
        assert!(matches!(cause, ModelFailure::Timeout { after } if *after == ms(3500)));
    });
}

#[test]
fn all_pieces_together_are_no_larger_than_they_may_be() {
    TestRuntime::run_seeds(4, |rt| async move {
        let endless = (0..1000).flat_map(|_| events(&["word "])[1..2].to_vec());
        let script = Script::new(&rt, [], Act::pieces(200, endless));
        let service = script.service(|service| service.max_response_bytes(2000));
        let (text, error) = read(&service).await;
        assert!(text.len() < 2000 && text.starts_with("word "));
        let error = error.unwrap();
        let cause = interrupted(&error).cause.as_ref().unwrap();
        assert!(
            matches!(
                cause,
                ModelFailure::Transport(TransportError::TooLarge { limit: 2000, .. })
            ),
            "{cause:?}"
        );
        assert_eq!(script.open(), 0);
    });
}

#[test]
fn who_does_not_read_holds_the_server_up() {
    TestRuntime::run_seeds(4, |rt| async move {
        let endless = (0..1000).flat_map(|_| events(&["word "])[1..2].to_vec());
        let script = Script::new(&rt, [], Act::pieces(200, endless));
        let service = script.service(|service| service);
        let mut stream = service.stream(question("x")).await.unwrap();
        rt.sleep(secs(3600)).await;
        assert_eq!(script.read(), 1);
        for read in 1..30 {
            assert!(matches!(stream.chunk().await, Ok(Some(_))));
            assert!(script.read() <= read, "one piece at a time");
        }
    });
}

#[test]
fn a_stream_that_is_dropped_midway_is_aborted_and_settled_by_what_was_said() {
    TestRuntime::run_seeds(4, |rt| async move {
        let mut pieces = events(&WORDS);
        let usage = pieces.remove(6);
        pieces.insert(1, usage);
        pieces.push(Piece::Hang);
        let unsaid = [events(&WORDS)[..3].to_vec(), vec![Piece::Hang]].concat();
        let acts = [Act::pieces(200, pieces), Act::pieces(200, unsaid)];
        let script = Script::new(&rt, acts, Act::refusal(500));
        let service = script.service(|service| service.limit_tokens(10_000));
        let available = || service.limiter().limiter().available("tokens").unwrap();
        let mut stream = service.stream(question("x")).await.unwrap();
        for _ in 0..3 {
            stream.chunk().await.unwrap();
        }
        assert_eq!(script.open(), 1);
        drop(stream);
        assert_eq!(
            (script.open(), available()),
            (0, 9990),
            "the provider said 10"
        );
        drop(service.stream(question("x")).await.unwrap());
        assert_eq!(script.open(), 0);
        assert!(
            available() < 9990 - 256,
            "nobody said anything: the estimate stays"
        );
        let stats = service.stats();
        assert_eq!(
            (stats.calls, stats.cancelled, stats.usage.total()),
            (2, 2, 10)
        );
    });
}

#[test]
fn an_error_event_before_any_content_is_retried_as_a_refusal_is() {
    TestRuntime::run_seeds(4, |rt| async move {
        let overloaded = "data: {\"error\":{\"message\":\"overloaded\",\"code\":529}}\n\n";
        let wrong = "data: {\"error\":{\"message\":\"bad\",\"code\":400}}\n\n";
        let acts = [Act::new(200, overloaded), Act::new(200, wrong)];
        let script = Script::new(&rt, acts, Act::pieces(200, events(&WORDS)));
        let service = script.service(|service| service);
        let error = service.stream(question("x")).await.unwrap_err();
        assert_eq!((kind(&error), error.attempts()), ("invalid_request", 2));
        assert_eq!(read(&service).await.0, ANSWER);
    });
}

#[test]
fn closing_breaks_streams_off_with_what_had_come() {
    TestRuntime::run_seeds(8, |rt| async move {
        let pieces = [events(&WORDS)[..3].to_vec(), vec![Piece::Hang]].concat();
        let script = Script::new(&rt, [], Act::pieces(200, pieces));
        let service = script.service(|service| service);
        let reading = rt.spawn({
            let service = service.clone();
            async move { read(&service).await }
        });
        let mut idle = service.stream(question("x")).await.unwrap();
        rt.sleep(ms(10)).await;
        service.close(CloseMode::Cancel).await;
        let (text, error) = reading.await.unwrap();
        let error = error.unwrap();
        let broken = interrupted(&error);
        assert_eq!(
            (text.as_str(), broken.partial.text().as_str()),
            ("one two ", "one two ")
        );
        assert!(matches!(broken.cause, Some(ModelFailure::Closed)));
        let error = idle.chunk().await.unwrap_err();
        assert_eq!(interrupted(&error).partial.text(), "one ");
        assert_eq!(idle.chunk().await.unwrap(), None);
        assert_eq!((script.open(), service.stats().failed), (0, 2));
    });
}

#[test]
fn dropping_a_stream_anywhere_leaves_room_limits_and_counts_as_they_were() {
    drop_after_every_poll(|rt, cut| async move {
        let pieces = events(&WORDS).into_iter();
        let slow = pieces.flat_map(|piece| [Piece::Wait(ms(1)), piece]);
        let acts = [Act::lost(), Act::pieces(200, slow)];
        let script = Script::new(&rt, acts, Act::answer("again"));
        let service = script.service(|service| {
            service
                .concurrency_limit(1)
                .limit_tokens(1000)
                .timeout(secs(5))
        });
        let read = async {
            let stream = service.stream(question("x")).await.unwrap();
            stream.collect().await.unwrap().text()
        };
        if let Some(text) = cut.apply(read).await {
            assert_eq!(text, ANSWER);
        }
        let stats = service.stats();
        assert_eq!(stats.answered + stats.cancelled, 1);
        assert_eq!((script.open(), service.waiting()), (0, 0));
        service.close(CloseMode::Drain).await;
        service.reopen();
        rt.sleep(secs(60)).await;
        assert_eq!(service.limiter().limiter().available("tokens"), Some(1000));
        let left = service.limiter().limiter().try_acquire(&[("tokens", 1000)]);
        drop(left.unwrap());
    });
}
