//! `@copilotkit/aimock`; its answers are in `tests/it/peers/aimock.json`.

#[path = "aimock_answers.rs"]
mod answers;
#[path = "aimock_manners.rs"]
mod manners;
#[path = "aimock_turns.rs"]
mod turns;

use fascine::model::{ModelFailure, ToolSpec};

use super::*;

on_real_runtimes! {
    it_answers_whole_and_in_pieces,
    calls_of_tools_come_in_parallel_and_their_results_go_back,
    errors_are_told_apart_and_retried_where_that_makes_sense,
    a_refusal_says_when_to_come_back,
    a_stream_that_is_cut_off_is_no_success,
    what_is_no_answer_is_an_error,
    silence_runs_into_the_time_limit,
    slow_pieces_are_waited_for,
}

const ALL: [Spoken; 5] = [
    Spoken::Anthropic,
    Spoken::Gemini,
    Spoken::Ollama,
    Spoken::OpenAi,
    Spoken::Responses,
];

fn services(rt: &Rt, net: &Arc<dyn Net>) -> impl Iterator<Item = (Spoken, ModelService)> {
    let root = url("FASCINE_AIMOCK");
    ALL.map(|spoken| (spoken, service(rt, net, spoken, &root, "some-model")))
        .into_iter()
}

async fn it_answers_whole_and_in_pieces(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, service) in services(&rt, &net) {
        let answer = said(&service, ask("say hello")).await;
        assert_eq!(answer.message.text(), "Hello there, friend.", "{spoken:?}");
    }
}

async fn calls_of_tools_come_in_parallel_and_their_results_go_back(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, service) in services(&rt, &net) {
        let mut request = ask("weather in two cities");
        let parameters = serde_json::json!({ "type": "object", "properties": {} });
        request = request.with_tool(ToolSpec::new("get_weather", "Tells it.", parameters));
        let answer = service.invoke(request.clone()).await.unwrap();
        let calls: Vec<_> = answer.message.tool_calls().cloned().collect();
        assert_eq!(calls.len(), 2, "{spoken:?}");
        let arguments: serde_json::Value = serde_json::from_str(&calls[1].arguments).unwrap();
        assert_eq!(
            (calls[1].name.as_str(), &arguments["city"]),
            ("get_weather", &"Zürich".into())
        );
        let streamed = service.stream(request.clone()).await.unwrap();
        let streamed = streamed.collect().await.unwrap();
        let pieces: Vec<_> = streamed
            .message
            .tool_calls()
            .map(|call| (&call.name, &call.arguments))
            .collect();
        let whole: Vec<_> = calls
            .iter()
            .map(|call| (&call.name, &call.arguments))
            .collect();
        assert_eq!(pieces, whole, "{spoken:?}");

        request.messages.push(answer.message.clone());
        for call in &calls {
            request.messages.push(Message::tool(&call.id, "21 degrees"));
        }
        let last = said(&service, request).await;
        assert_eq!(last.message.text(), "It is 21 degrees.", "{spoken:?}");
    }
}

async fn errors_are_told_apart_and_retried_where_that_makes_sense(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, service) in services(&rt, &net) {
        for (question, status, message, attempts) in [
            ("meet error 400", 400, "That makes no sense.", 1),
            ("meet error 503", 503, "Not today.", 2),
        ] {
            let error = service.invoke(ask(question)).await.unwrap_err();
            let ModelFailure::Api(api) = error.failure() else {
                panic!("{spoken:?}: {error:?}")
            };
            assert_eq!(
                (api.status, api.message.as_str()),
                (status, message),
                "{spoken:?}"
            );
            assert_eq!(error.attempts(), attempts, "{spoken:?}");
        }
    }
}

async fn a_refusal_says_when_to_come_back(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, service) in services(&rt, &net) {
        let started = rt.now();
        let error = service.invoke(ask("meet error 429")).await.unwrap_err();
        assert_eq!(
            error.failure().retry_after(),
            Some(Duration::from_secs(1)),
            "{spoken:?}"
        );
        // It waited as long as it was told before it tried again.
        assert_eq!(error.attempts(), 2, "{spoken:?}");
        assert!(rt.now() - started >= Duration::from_secs(1), "{spoken:?}");
    }
}

async fn a_stream_that_is_cut_off_is_no_success(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, service) in services(&rt, &net) {
        // Before its first content it was asked for again; after that it was not.
        let ended = match service.stream(ask("be truncated")).await {
            Ok(stream) => stream.collect().await,
            Err(error) => Err(error),
        };
        let error = ended.unwrap_err();
        assert!(error.failure().is_retryable(), "{spoken:?}: {error:?}");
    }
}

async fn what_is_no_answer_is_an_error(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, service) in services(&rt, &net) {
        let error = service.invoke(ask("be malformed")).await.unwrap_err();
        let is_malformed = matches!(error.failure(), ModelFailure::Malformed { .. });
        assert!(is_malformed, "{spoken:?}: {error:?}");
        let error = service.invoke(ask("hang up")).await.unwrap_err();
        let is_broken = matches!(error.failure(), ModelFailure::Transport(_));
        assert!(is_broken, "{spoken:?}: {error:?}");
    }
}

async fn silence_runs_into_the_time_limit(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, service) in services(&rt, &net) {
        let started = rt.now();
        let ended = match service.stream(ask("be silent")).await {
            Ok(stream) => stream.collect().await,
            Err(error) => Err(error),
        };
        let error = ended.unwrap_err();
        assert!(error.failure().is_retryable(), "{spoken:?}: {error:?}");
        assert!(rt.now() - started < 10 * PATIENCE, "{spoken:?}");
    }
}

async fn slow_pieces_are_waited_for(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, service) in services(&rt, &net) {
        let stream = service.stream(ask("be slow")).await.unwrap();
        let answer = stream.collect().await.unwrap();
        assert_eq!(
            answer.message.text(),
            "One word after the other.",
            "{spoken:?}"
        );
    }
}
