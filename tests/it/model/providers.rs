//! Every provider against the mock server's form of its API.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use fascine::http::{H1Transport, MemoryNet, Net};
use fascine::message::Message;
use fascine::model::{
    Anthropic, ApiErrorKind, Gemini, Model, ModelFailure, ModelService, Ollama, OpenAi,
    OutputFormat, Provider, Request, Response, Responses, ToolSpec,
};
use fascine::resilience::Retry;
use fascine::rt::Rt;
use fascine_mock::{Answer, Api, Fault, MockServer, MockServerBuilder};
use fascine_testing::TestRuntime;
use serde_json::json;

use crate::runtimes::on_every_runtime;

on_every_runtime! {
    what_is_said_whole_is_said_in_pieces,
    calls_of_tools_get_their_results,
}

/// A server, and a service for each API on it that never tries twice.
async fn start(
    rt: &Rt,
    net: &Arc<dyn Net>,
    settings: MockServerBuilder,
) -> (MockServer, Vec<(Api, ModelService)>) {
    let address = "127.0.0.1:0".parse().unwrap();
    let server = settings.start(rt, Arc::clone(net), address).await.unwrap();
    let services = Api::ALL.map(|api| {
        let url = server.base_url_for(api);
        let service = match api {
            Api::Anthropic => build(rt, net, Anthropic::new(&url, "m").unwrap()),
            Api::Gemini => build(rt, net, Gemini::new(&url, "m").unwrap()),
            Api::Ollama => build(rt, net, Ollama::new(&url, "m").unwrap()),
            Api::OpenAi => build(rt, net, OpenAi::new(&url, "m").unwrap()),
            Api::OpenAiResponses => build(rt, net, Responses::new(&url, "m").unwrap()),
            other => panic!("no provider speaks {other:?}"),
        };
        (api, service)
    });
    (server, services.into())
}

fn build(rt: &Rt, net: &Arc<dyn Net>, provider: impl Provider) -> ModelService {
    let transport = H1Transport::new(rt, Arc::clone(net));
    ModelService::builder(rt, provider, transport)
        .retry(Retry::new(rt).with_attempts(NonZeroU32::MIN))
        .build()
        .unwrap()
}

fn ask(text: &str) -> Request {
    Request::new([Message::user(text)]).with_max_tokens(100)
}

/// Each answer has its own name.
fn but_its_name(mut response: Response) -> Response {
    assert!(response.attempts == 1 && !response.model.is_empty());
    response.id.clear();
    response
}

async fn in_pieces(service: &ModelService, request: Request) -> Response {
    let stream = service.stream(request).await.unwrap();
    stream.collect().await.unwrap()
}

fn answers() -> MockServerBuilder {
    let calls = Answer::new("Let me look.")
        .with_reasoning("Two cities are asked for.")
        .with_tool_call("weather", json!({ "city": "Oslo", "days": [1, 2] }))
        .with_tool_call("weather", json!({ "city": "Zürich" }));
    let thoughtful = Answer::new("It is blue.").with_reasoning("Skies are blue.");
    MockServer::builder()
        .with_answer("degrees", "It is warm.")
        .with_answer("weather", calls)
        .with_answer("sky", thoughtful)
}

async fn what_is_said_whole_is_said_in_pieces(rt: Rt, net: Arc<dyn Net>) {
    let (server, services) = start(&rt, &net, answers()).await;
    for (api, service) in services {
        for question in ["the sky?", "no rule has this"] {
            let whole = service.invoke(ask(question)).await.unwrap();
            let streamed = in_pieces(&service, ask(question)).await;
            assert_eq!(
                but_its_name(streamed),
                but_its_name(whole.clone()),
                "{api:?}"
            );
            assert!(whole.usage.completion_tokens > 0, "{api:?}");
        }
        let cut = ask("a question").with_max_tokens(2);
        let whole = service.invoke(cut.clone()).await.unwrap();
        assert_eq!(whole.finish_reason.as_str(), "length", "{api:?}");
        assert_eq!(
            in_pieces(&service, cut).await.message,
            whole.message,
            "{api:?}"
        );
    }
    assert_eq!(server.rejected(), 0);
    server.shutdown().await;
}

async fn calls_of_tools_get_their_results(rt: Rt, net: Arc<dyn Net>) {
    let (server, services) = start(&rt, &net, answers()).await;
    for (api, service) in services {
        let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
        let mut request = ask("weather").with_tool(ToolSpec::new("weather", "Tells it.", schema));
        let answer = service.invoke(request.clone()).await.unwrap();
        let streamed = in_pieces(&service, request.clone()).await;
        assert_eq!(streamed.message, answer.message, "{api:?}");
        let calls: Vec<_> = answer.message.tool_calls().cloned().collect();
        let cities: Vec<_> = calls
            .iter()
            .map(|call| serde_json::from_str::<serde_json::Value>(&call.arguments).unwrap())
            .map(|arguments| arguments["city"].clone())
            .collect();
        assert_eq!(cities, ["Oslo", "Zürich"], "{api:?}");
        request.messages.push(answer.message);
        for call in &calls {
            request.messages.push(Message::tool(&call.id, "21 degrees"));
        }
        // A request with a call that has no result, or the other way round, would be refused.
        let last = service.invoke(request.clone()).await.unwrap();
        assert_eq!(last.message.text(), "It is warm.", "{api:?}");
        assert_eq!(
            in_pieces(&service, request).await.message,
            last.message,
            "{api:?}"
        );
    }
    server.shutdown().await;
}

fn on_memory<F: Future<Output = ()>>(test: impl Fn(Rt, Arc<dyn Net>) -> F) {
    TestRuntime::run(|rt| test(rt, Arc::new(MemoryNet::new())));
}

#[test]
fn a_document_fits_its_schema_in_each_providers_own_way() {
    on_memory(|rt, net| async move {
        let (_server, services) = start(&rt, &net, MockServer::builder()).await;
        for (api, service) in services {
            let schema = json!({
                "type": "object",
                "properties": { "unit": { "type": "string", "enum": ["c", "f"] } },
                "required": ["unit"],
                "additionalProperties": false,
            });
            let request = ask("which unit?").with_output(OutputFormat::schema("unit", schema));
            let answer = service.invoke(request).await.unwrap();
            assert_eq!(answer.text(), r#"{"unit":"c"}"#, "{api:?}");
        }
    });
}

#[test]
fn errors_mean_the_same_in_every_form() {
    on_memory(|rt, net| async move {
        let retry_after = Duration::from_millis(2000);
        let settings = MockServer::builder()
            .with_fault_when("slow down", Fault::TooManyRequests { retry_after })
            .with_fault_when("overloaded", Fault::Status(529))
            .with_fault_when("broken", Fault::Status(500))
            .with_fault_when("unknown", Fault::Status(404))
            .with_fault_when("stranger", Fault::Status(401));
        let (_server, services) = start(&rt, &net, settings).await;
        for (api, service) in services {
            for (question, kind, is_retryable) in [
                ("slow down", ApiErrorKind::RateLimited, true),
                ("overloaded", ApiErrorKind::Overloaded, true),
                ("broken", ApiErrorKind::Server, true),
                ("unknown", ApiErrorKind::NotFound, false),
                ("stranger", ApiErrorKind::Authentication, false),
            ] {
                let error = service.invoke(ask(question)).await.unwrap_err();
                let ModelFailure::Api(api_error) = error.failure() else {
                    panic!("{api:?}: {error:?}")
                };
                assert_eq!(api_error.kind, kind, "{api:?}: {api_error:?}");
                assert_eq!(api_error.is_retryable(), is_retryable, "{api:?} {question}");
                let hint = (question == "slow down").then_some(retry_after);
                assert_eq!(api_error.retry_after, hint, "{api:?} {question}");
            }
        }
    });
}

#[test]
fn a_stream_that_ends_anywhere_but_at_its_end_is_no_success() {
    on_memory(|rt, net| async move {
        for fault in [Fault::CutAtEvent, Fault::EndAtEvent, Fault::ErrorAtEvent] {
            for api in Api::ALL {
                let whole = events_of(&rt, &net, api).await;
                for at in 0..whole {
                    let settings = answers().with_fault_when("sky", fault(at));
                    let (_server, services) = start(&rt, &net, settings).await;
                    let (_, service) = services.into_iter().find(|(of, _)| *of == api).unwrap();
                    let ended = match service.stream(ask("the sky?")).await {
                        Ok(stream) => stream.collect().await,
                        Err(error) => Err(error),
                    };
                    // Behind the last thing that matters there is nothing to be lost.
                    match ended {
                        Ok(answer) => assert!(
                            answer.text() == "It is blue." && at + 3 >= whole,
                            "{api:?} {:?} of {whole}: {answer:?}",
                            fault(at)
                        ),
                        Err(error) => assert!(
                            error.failure().is_retryable(),
                            "{api:?} {:?} of {whole}: {error:?}",
                            fault(at)
                        ),
                    }
                }
            }
        }
    });
}

/// How many events the answer about the sky has in this API.
async fn events_of(rt: &Rt, net: &Arc<dyn Net>, api: Api) -> usize {
    let pause = Duration::from_secs(1);
    let settings = answers().with_event_delay(pause);
    let (_server, services) = start(rt, net, settings).await;
    let (_, service) = services.into_iter().find(|(of, _)| *of == api).unwrap();
    let started = rt.now();
    in_pieces(&service, ask("the sky?")).await;
    // As long as it takes, so many pauses were in it.
    1 + (rt.now() - started).as_secs() as usize
}
