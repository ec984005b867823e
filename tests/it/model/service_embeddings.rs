//! Embeddings go the way of answers: by the same limits, repeated and settled.

use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use fascine::model::{
    Call, CallRecord, EmbedRequest, Embeddings, Hooks, ModelError, ModelService, Response,
};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::script::{Act, Script, kind, ms, secs};
use super::stand_in::StandIn;

#[test]
fn embeddings_go_by_the_same_limits_and_are_repeated_and_settled_like_answers() {
    TestRuntime::run_seeds(4, |rt| async move {
        let acts = [Act::refusal(500), Act::new(200, "a")];
        let script = Script::new(&rt, acts, Act::new(200, "b"));
        let provider = StandIn::new("embedder", "e");
        let service = ModelService::builder(&rt, provider, script.clone())
            .limit_requests(2)
            .limit_tokens(100)
            .build()
            .unwrap();
        let started = rt.now();
        let embedded = service
            .embed(EmbedRequest::new(["some text"]))
            .await
            .unwrap();
        assert_eq!(embedded.vectors, [[97.0]]);
        assert_eq!(service.limiter().limiter().available("tokens"), Some(92));
        service.embed(EmbedRequest::new(["more"])).await.unwrap();
        assert!(
            rt.now() - started >= secs(60),
            "two requests in a minute were made"
        );
        let large = EmbedRequest::new(["x".repeat(1000)]);
        assert_eq!(kind(&service.embed(large).await.unwrap_err()), "limited");
        let stats = service.stats();
        assert_eq!((stats.calls, stats.answered, stats.requests), (3, 2, 3));
    });
}

#[test]
fn dropping_a_request_for_embeddings_anywhere_leaves_the_limits_at_rest() {
    let polls = drop_after_every_poll(|rt, cut| async move {
        let acts = [Act::refusal(503).after(ms(1)), Act::lost().after(ms(1))];
        let script = Script::new(&rt, acts, Act::new(200, "b").after(ms(1)));
        let provider = StandIn::new("embedder", "e");
        let service = ModelService::builder(&rt, provider, script.clone())
            .concurrency_limit(1)
            .limit_requests(1)
            .limit_tokens(100)
            .capacity_refresh_time(ms(500))
            .build()
            .unwrap();
        cut.apply(service.embed(EmbedRequest::new(["some text"])))
            .await;
        assert_eq!((script.open(), service.waiting()), (0, 0));
        let stats = service.stats();
        let ended = stats.answered + stats.failed + stats.cancelled;
        assert_eq!(stats.calls, ended, "{stats:?}");
        rt.sleep(ms(600)).await;
        let limiter = service.limiter().limiter();
        assert_eq!(limiter.available("requests"), Some(1));
        assert_eq!(limiter.available("tokens"), Some(100));
        service.embed(EmbedRequest::new(["more"])).await.unwrap();
    });
    assert!(polls > 3, "it has waited for each attempt: {polls}");
}

/// Writes down what it is told, and fields of spans; refuses what is forbidden.
#[derive(Clone, Debug, Default)]
struct Diary(Arc<Mutex<String>>);

impl Diary {
    fn note(&self, what: std::fmt::Arguments<'_>) {
        writeln!(self.0.lock().unwrap(), "{what}").unwrap();
    }

    fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Hooks for Diary {
    fn before_embedding<'a>(
        &'a self,
        call: &'a Call<'a>,
        request: &'a mut EmbedRequest,
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>> {
        self.note(format_args!("before {} of {}", call.id, call.model));
        Box::pin(async move {
            if request.inputs[0] == "forbidden" {
                return Err("not that".to_owned());
            }
            request.inputs.push("added".to_owned());
            Ok(())
        })
    }

    fn attempt(&self, _: &Call<'_>, number: u32) {
        self.note(format_args!("attempt {number}"));
    }

    fn embedded(&self, _: &Call<'_>, embeddings: &Embeddings) {
        self.note(format_args!("embedded {:?}", embeddings.vectors));
    }

    fn ended(
        &self,
        _: &Call<'_>,
        record: &CallRecord,
        result: Option<Result<&Response, &ModelError>>,
    ) {
        let error = result.map(|result| kind(result.unwrap_err()));
        self.note(format_args!("ended {:?} {error:?}", record.outcome));
    }
}

#[test]
fn hooks_are_asked_and_told_of_embeddings_too() {
    TestRuntime::run(|rt| async move {
        let acts = [Act::refusal(500), Act::new(200, "a")];
        let script = Script::new(&rt, acts, Act::silence());
        let diary = Diary::default();
        let provider = StandIn::new("embedder", "e");
        let service = ModelService::builder(&rt, provider, script.clone())
            .hooks(diary.clone())
            .build()
            .unwrap();
        service.embed(EmbedRequest::new(["text"])).await.unwrap();
        assert_eq!(
            diary.take(),
            "before 1 of e\nattempt 1\nattempt 2\nembedded [[97.0]]\nended Answered None\n"
        );
        let forbidden = EmbedRequest::new(["forbidden"]).with_model("f");
        let error = service.embed(forbidden).await.unwrap_err();
        assert_eq!(kind(&error), "refused");
        assert_eq!(
            diary.take(),
            "before 2 of f\nended Failed(\"refused\") Some(\"refused\")\n"
        );
        assert_eq!(script.sent().len(), 2);
    });
}

impl Visit for Diary {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.note(format_args!("{}={value:?}", field.name()));
    }
}

impl Subscriber for Diary {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.name() == "embeddings"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, fields: &Record<'_>) {
        fields.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn embeddings_have_a_span_without_their_texts() {
    let diary = Diary::default();
    tracing::subscriber::with_default(diary.clone(), || {
        TestRuntime::run(|rt| async move {
            let answer = r#"{"model":"e-1","data":[{"index":0,"embedding":[1]}],"usage":{"prompt_tokens":3,"total_tokens":3}}"#;
            let script = Script::new(&rt, [Act::new(200, answer)], Act::refusal(400));
            let service = script.service(|service| service.trace_content());
            let request = EmbedRequest::new(["a secret"])
                .with_model("e")
                .with_dimensions(1);
            service.embed(request).await.unwrap();
            service.embed(EmbedRequest::new(["x"])).await.unwrap_err();
        });
    });
    let fields = diary.take();
    for expected in [
        "gen_ai.operation.name=\"embeddings\"",
        "otel.name=\"embeddings e\"",
        "gen_ai.request.model=\"e\"",
        "gen_ai.embeddings.dimension.count=1",
        "gen_ai.response.model=\"e-1\"",
        "gen_ai.usage.input_tokens=3",
        "server.address=\"127.0.0.1\"",
        "error.type=\"invalid_request\"",
    ] {
        assert!(fields.contains(expected), "{expected}: {fields}");
    }
    assert!(!fields.contains("secret"), "{fields}");
}
