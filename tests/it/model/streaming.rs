use std::sync::Arc;

use fascine::http::{MemoryNet, Net};
use fascine::message::Message;
use fascine::model::{
    Chunk, EchoModel, FinishReason, Model, ModelFailure, ModelService, OpenAi, Provider, Request,
    ScriptedModel,
};
use fascine::rt::Rt;
use fascine_mock::{Fault, MockServer, MockServerBuilder};
use fascine_testing::{TestRuntime, drop_after_every_poll};

use crate::mock_service;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_stream_collects_to_what_invoke_gives,
}

async fn start(
    rt: &Rt,
    net: &Arc<dyn Net>,
    server: MockServerBuilder,
) -> (MockServer, ModelService) {
    let server = mock_service::start(rt, net, server).await;
    let service = mock_service::service(rt, net, &server).limit_tokens(10_000);
    (server, service.build().unwrap())
}

fn question() -> Request {
    Request::new([Message::user("the sky?")])
}

async fn a_stream_collects_to_what_invoke_gives(rt: Rt, net: Arc<dyn Net>) {
    let server = MockServer::builder().with_answer("sky", "It is blue today.");
    let (server, service) = start(&rt, &net, server).await;
    let whole = service.invoke(question()).await.unwrap();
    let streamed = service
        .stream(question())
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert_eq!(streamed, whole);
    assert_eq!(service.stats().usage, whole.usage + whole.usage);
    for model in [
        &EchoModel as &dyn Model,
        &ScriptedModel::new(&rt).with_rule("sky", "Blue, mostly."),
    ] {
        let whole = model.invoke(question()).await.unwrap();
        assert_eq!(
            model
                .stream(question())
                .await
                .unwrap()
                .collect()
                .await
                .unwrap(),
            whole
        );
    }
    server.shutdown().await;
}

#[test]
fn a_stream_that_breaks_off_gives_what_came_and_then_an_error() {
    TestRuntime::run_seeds(4, |rt| async move {
        let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let server = MockServer::builder()
            .with_answer("sky", "one two three four five six")
            .with_fault_when("sky", Fault::CloseMidBody);
        let (server, service) = start(&rt, &net, server).await;
        let mut stream = service.stream(question()).await.unwrap();
        let mut text = String::new();
        let error = loop {
            match stream.chunk().await {
                Ok(Some(Chunk::Text(more))) => text.push_str(&more),
                Ok(Some(_)) => {}
                Ok(None) => panic!("a broken answer was taken for a whole one"),
                Err(error) => break error,
            }
        };
        assert!(
            !text.is_empty() && "one two three four five six".starts_with(&text),
            "{text}"
        );
        match error.failure() {
            ModelFailure::Interrupted(broken) => {
                assert_eq!(broken.partial.text(), text);
                assert!(broken.resumable);
                assert!(matches!(broken.cause, Some(ModelFailure::Transport(_))));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(stream.chunk().await.unwrap(), None);
        assert_eq!(
            (service.stats().requests, service.stats().failed),
            (1, 1),
            "not restarted"
        );
        server.shutdown().await;
    });
}

const EVENTS: &str = concat!(
    "data: {\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Gr\u{fc}n\",\"novel\":1}}],\"novel\":[]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"n\\\":1}\"}}]}}]}\n\n",
    "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"another answer\"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n",
    "data: [DONE]\n\n",
);

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Chunk>, bool) {
    let mut decoder = OpenAi::new("https://example.com", "m").unwrap().decoder();
    let mut chunks = Vec::new();
    for piece in pieces {
        decoder.push(piece, &mut chunks).unwrap();
    }
    (chunks, decoder.is_complete())
}

#[test]
fn a_stream_means_the_same_however_it_is_split() {
    let bytes = EVENTS.as_bytes();
    let (whole, complete) = decode([bytes]);
    assert!(complete);
    assert_eq!(whole[1], Chunk::Text("Gr\u{fc}n".into()));
    assert_eq!(
        whole
            .iter()
            .filter(|chunk| matches!(chunk, Chunk::ToolCall { .. }))
            .count(),
        3
    );
    assert!(whole.contains(&Chunk::Finish(FinishReason::ToolCalls)));
    assert_eq!(decode(bytes.chunks(1)).0, whole);
    for cut in 0..bytes.len() {
        assert_eq!(
            decode([&bytes[..cut], &bytes[cut..]]).0,
            whole,
            "cut at {cut}"
        );
    }
    let finish = EVENTS.find("finish_reason").unwrap();
    for end in 0..finish {
        assert!(!decode([&bytes[..end]]).1, "taken for whole at {end}");
    }
}

#[test]
fn an_error_inside_a_stream_is_an_error() {
    let mut decoder = OpenAi::new("https://example.com", "m").unwrap().decoder();
    let error = decoder
        .push(
            b"data: {\"error\": {\"message\": \"overloaded\", \"code\": 7}}\n\n",
            &mut Vec::new(),
        )
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the provider answered 500 (7): overloaded"
    );
    let mut decoder = OpenAi::new("https://example.com", "m").unwrap().decoder();
    assert!(
        decoder
            .push(b"data: {\"choices\": \n\n", &mut Vec::new())
            .is_err()
    );
}

#[test]
fn dropping_a_stream_at_any_poll_leaves_nothing_behind() {
    drop_after_every_poll(|rt, cut| async move {
        let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let server = MockServer::builder().with_answer("sky", "one two three");
        let (server, service) = start(&rt, &net, server).await;
        cut.apply(async {
            service
                .stream(question())
                .await
                .unwrap()
                .collect()
                .await
                .unwrap()
        })
        .await;
        let again = service.invoke(question()).await.unwrap();
        assert_eq!(again.message.text(), "one two three");
        server.shutdown().await;
    });
}
