//! Embeddings go the way of answers: by the same limits, repeated and settled.

use bytes::Bytes;
use fascine::message::Usage;
use fascine::model::{
    ApiError, ChunkDecoder, Delivery, EmbedRequest, Embeddings, ModelFailure, ModelService, OpenAi,
    Provider, Request, Response,
};
use fascine_testing::{TestRuntime, drop_after_every_poll};

use super::script::{Act, Script, kind, ms, secs};

/// A provider that has embeddings.
#[derive(Debug)]
struct Embedder(OpenAi);

impl Provider for Embedder {
    fn name(&self) -> &str {
        "embedder"
    }

    fn model(&self) -> &str {
        "e"
    }

    fn request(
        &self,
        request: &Request,
        delivery: Delivery,
    ) -> Result<http::Request<Bytes>, ModelFailure> {
        self.0.request(request, delivery)
    }

    fn response(&self, body: &[u8]) -> Result<Response, ModelFailure> {
        self.0.response(body)
    }

    fn error(&self, head: &http::response::Parts, body: Bytes) -> ApiError {
        self.0.error(head, body)
    }

    fn decoder(&self) -> Box<dyn ChunkDecoder> {
        self.0.decoder()
    }

    fn embed_request(&self, request: &EmbedRequest) -> Result<http::Request<Bytes>, ModelFailure> {
        Ok(http::Request::new(request.inputs.concat().into()))
    }

    fn embeddings(&self, body: &[u8]) -> Result<Embeddings, ModelFailure> {
        let mut embeddings = Embeddings::new(vec![vec![f32::from(body[0])]]);
        embeddings.usage = Usage::new(5, 0);
        Ok(embeddings)
    }
}

#[test]
fn embeddings_go_by_the_same_limits_and_are_repeated_and_settled_like_answers() {
    TestRuntime::run_seeds(4, |rt| async move {
        let acts = [Act::refusal(500), Act::new(200, "a")];
        let script = Script::new(&rt, acts, Act::new(200, "b"));
        let provider = Embedder(OpenAi::new("http://127.0.0.1/v1", "m").unwrap());
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
        let provider = Embedder(OpenAi::new("http://127.0.0.1/v1", "m").unwrap());
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
