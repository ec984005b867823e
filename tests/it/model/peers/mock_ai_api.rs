//! `mock-ai-api`, which chooses its answer by the name of the model.

use fascine::model::ModelFailure;

use super::*;

on_real_runtimes! {
    it_answers_whole_and_in_pieces,
    calls_of_tools_are_read_even_if_their_arguments_are_no_json,
    errors_keep_their_status_and_are_retried_where_that_makes_sense,
    pieces_that_come_late_are_waited_for,
}

fn named(rt: &Rt, net: &Arc<dyn Net>, scenario: &str) -> ModelService {
    let root = url("FASCINE_MOCK_AI_OPENAI");
    service(
        rt,
        net,
        Spoken::OpenAi,
        &root,
        &format!("gpt-4.1:{scenario}"),
    )
}

async fn it_answers_whole_and_in_pieces(rt: Rt, net: Arc<dyn Net>) {
    let answer = said(&named(&rt, &net, "mock-text"), ask("hello")).await;
    assert!(!answer.message.text().is_empty());
    assert!(answer.usage.completion_tokens > 0);
}

async fn calls_of_tools_are_read_even_if_their_arguments_are_no_json(rt: Rt, net: Arc<dyn Net>) {
    let whole = named(&rt, &net, "mock-tool-call")
        .invoke(ask("hello"))
        .await
        .unwrap();
    let call = whole.message.tool_calls().next().unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&call.arguments).is_ok());
    let stream = named(&rt, &net, "mock-tool-stream")
        .stream(ask("hello"))
        .await
        .unwrap();
    let streamed = stream.collect().await.unwrap();
    let call = streamed.message.tool_calls().next().unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&call.arguments).is_ok());
    // What the model wrote is given out as it is: whoever runs the tool can tell it so.
    let broken = named(&rt, &net, "mock-bad-tool-json")
        .invoke(ask("hello"))
        .await
        .unwrap();
    let call = broken.message.tool_calls().next().unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&call.arguments).is_err());
}

async fn errors_keep_their_status_and_are_retried_where_that_makes_sense(
    rt: Rt,
    net: Arc<dyn Net>,
) {
    for (status, attempts) in [(400, 1), (401, 1), (429, 2), (500, 2), (503, 2)] {
        let service = named(&rt, &net, &format!("mock-{status}"));
        let error = service.invoke(ask("hello")).await.unwrap_err();
        let ModelFailure::Api(api) = error.failure() else {
            panic!("{status}: {error:?}")
        };
        assert_eq!((api.status, error.attempts()), (status, attempts));
        assert!(!api.message.is_empty());
    }
}

async fn pieces_that_come_late_are_waited_for(rt: Rt, net: Arc<dyn Net>) {
    let service = named(&rt, &net, "mock-delay");
    let stream = service.stream(ask("hello")).await.unwrap();
    assert!(!stream.collect().await.unwrap().message.text().is_empty());
}
