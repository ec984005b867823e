//! `mock-ai-api`, which chooses its answer by the name of the model.

#[path = "mock_ai_api_turns.rs"]
mod turns;

use fascine::model::ModelFailure;

use super::*;

on_real_runtimes! {
    it_answers_whole_and_in_pieces,
    calls_of_tools_are_read_even_if_their_arguments_are_no_json,
    errors_keep_their_status_and_are_retried_where_that_makes_sense,
    pieces_that_come_late_are_waited_for,
    an_error_in_the_middle_of_a_stream_is_no_success,
}

fn named(rt: &Rt, net: &Arc<dyn Net>, spoken: Spoken, scenario: &str) -> ModelService {
    let (root, model) = match spoken {
        Spoken::Anthropic => ("FASCINE_MOCK_AI_ANTHROPIC", "claude-sonnet-4-20250514"),
        _ => ("FASCINE_MOCK_AI_OPENAI", "gpt-4.1"),
    };
    service(rt, net, spoken, &url(root), &format!("{model}:{scenario}"))
}

/// The call of a tool in the whole answer of one model, or in the stream of another.
async fn arguments(service: &ModelService, is_stream: bool) -> String {
    let answer = if is_stream {
        let stream = service.stream(ask("hello")).await.unwrap();
        stream.collect().await.unwrap()
    } else {
        service.invoke(ask("hello")).await.unwrap()
    };
    let call = answer.message.tool_calls().next().unwrap();
    assert!(!call.name.is_empty() && !call.id.is_empty());
    call.arguments.clone()
}

async fn it_answers_whole_and_in_pieces(rt: Rt, net: Arc<dyn Net>) {
    for spoken in [Spoken::OpenAi, Spoken::Responses, Spoken::Anthropic] {
        let answer = said(&named(&rt, &net, spoken, "mock-text"), ask("hello")).await;
        assert!(!answer.message.text().is_empty(), "{spoken:?}");
        assert!(answer.usage.completion_tokens > 0, "{spoken:?}");
    }
}

async fn calls_of_tools_are_read_even_if_their_arguments_are_no_json(rt: Rt, net: Arc<dyn Net>) {
    let is_json = |text: &str| serde_json::from_str::<serde_json::Value>(text).is_ok();
    for (spoken, scenario, is_stream) in [
        (Spoken::OpenAi, "mock-tool-call", false),
        (Spoken::OpenAi, "mock-tool-stream", true),
        (Spoken::Anthropic, "mock-tool-use", false),
        (Spoken::Anthropic, "mock-tool-stream", true),
    ] {
        let service = named(&rt, &net, spoken, scenario);
        assert!(
            is_json(&arguments(&service, is_stream).await),
            "{spoken:?} {scenario}"
        );
    }
    // What the model wrote is given out as it is: whoever runs the tool can tell it so.
    let service = named(&rt, &net, Spoken::OpenAi, "mock-bad-tool-json");
    assert!(!is_json(&arguments(&service, false).await));
}

async fn errors_keep_their_status_and_are_retried_where_that_makes_sense(
    rt: Rt,
    net: Arc<dyn Net>,
) {
    for spoken in [Spoken::OpenAi, Spoken::Anthropic] {
        for (status, attempts) in [(400, 1), (401, 1), (429, 2), (500, 2), (503, 2)] {
            let service = named(&rt, &net, spoken, &format!("mock-{status}"));
            let error = service.invoke(ask("hello")).await.unwrap_err();
            let ModelFailure::Api(api) = error.failure() else {
                panic!("{spoken:?} {status}: {error:?}")
            };
            assert_eq!(
                (api.status, error.attempts()),
                (status, attempts),
                "{spoken:?}"
            );
            assert!(!api.message.is_empty());
        }
    }
}

async fn pieces_that_come_late_are_waited_for(rt: Rt, net: Arc<dyn Net>) {
    for spoken in [Spoken::OpenAi, Spoken::Anthropic] {
        let service = named(&rt, &net, spoken, "mock-delay");
        let stream = service.stream(ask("hello")).await.unwrap();
        let answer = stream.collect().await.unwrap();
        assert!(!answer.message.text().is_empty(), "{spoken:?}");
    }
}

async fn an_error_in_the_middle_of_a_stream_is_no_success(rt: Rt, net: Arc<dyn Net>) {
    let service = named(&rt, &net, Spoken::Anthropic, "mock-stream-error");
    let ended = match service.stream(ask("hello")).await {
        Ok(stream) => stream.collect().await,
        Err(error) => Err(error),
    };
    let error = ended.unwrap_err();
    let is_told = matches!(
        error.failure(),
        ModelFailure::Api(_) | ModelFailure::Interrupted(_)
    );
    assert!(is_told, "{error:?}");
}
