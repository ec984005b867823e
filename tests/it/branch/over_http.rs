//! Operations over HTTP, against the mock server and its strict reading of each API.

use std::sync::Arc;

use fascine::branch::{Branch, Choices, Communicate, OnLimit, Select, TurnLimits, TurnOptions};
use fascine::http::{H1Transport, Net};
use fascine::model::{
    Anthropic, FinishReason, Gemini, Model, ModelService, Ollama, OpenAi, Provider, Responses,
};
use fascine::rt::Rt;
use fascine_mock::{Answer, Api, Fault, MockServer};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::branch::calculator::{Add, assert_whole, said};
use crate::mock_service;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    tools_are_called_over_every_api,
    data_is_asked_for_over_every_api,
    an_empty_answer_does_not_spoil_the_next_turn,
    a_turn_at_its_limit_is_brought_to_an_answer_over_every_api,
    a_stream_that_breaks_leaves_nothing,
}

/// A model behind each API of the server.
fn models(rt: &Rt, net: &Arc<dyn Net>, server: &MockServer) -> Vec<Arc<dyn Model>> {
    let url = |api| server.base_url_for(api);
    vec![
        service(rt, net, OpenAi::new(&url(Api::OpenAi), "any").unwrap()),
        service(
            rt,
            net,
            Responses::new(&url(Api::OpenAiResponses), "any").unwrap(),
        ),
        service(
            rt,
            net,
            Anthropic::new(&url(Api::Anthropic), "any").unwrap(),
        ),
        service(rt, net, Gemini::new(&url(Api::Gemini), "any").unwrap()),
        service(rt, net, Ollama::new(&url(Api::Ollama), "any").unwrap()),
    ]
}

fn service(rt: &Rt, net: &Arc<dyn Net>, provider: impl Provider) -> Arc<dyn Model> {
    let transport = H1Transport::new(rt, Arc::clone(net));
    Arc::new(
        ModelService::builder(rt, provider, transport)
            .build()
            .unwrap(),
    )
}

fn adding() -> Answer {
    Answer::new("").with_tool_call("add", json!({ "a": 19, "b": 23 }))
}

async fn tools_are_called_over_every_api(rt: Rt, net: Arc<dyn Net>) {
    let server = MockServer::builder()
        .with_answer("19 + 23", adding())
        .with_answer("42", "Forty-two.");
    let server = mock_service::start(&rt, &net, server).await;
    for model in models(&rt, &net, &server) {
        let name = model.name().to_owned();
        let branch = Branch::builder(&rt, "b", model).system("Count.");
        let branch = branch.tools(Add::alone()).build();
        let reply = branch.communicate("19 + 23?").await.unwrap();
        assert_eq!(
            (reply.text().as_str(), reply.attempts),
            ("Forty-two.", 2),
            "{name}"
        );
        assert!(reply.usage.total() > 0 && reply.requests.len() == 2);
        let streamed = branch.stream("19 + 23?").reply().await.unwrap();
        assert_eq!(streamed.text(), "Forty-two.", "{name}");
        assert_whole(&branch);
        assert_eq!(branch.history().len(), 8);
    }
    server.shutdown().await;
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Animal {
    /// What it is called.
    name: String,
    legs: u32,
    parts: Vec<Part>,
    note: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Part {
    name: String,
}

async fn data_is_asked_for_over_every_api(rt: Rt, net: Arc<dyn Net>) {
    let server = MockServer::builder()
        .with_answer("a spider", r#"{"name": "spider"}"#)
        .with_answer(
            "does not fit",
            r#"{"name": "spider", "legs": 8, "parts": [{"name": "web"}]}"#,
        );
    let server = mock_service::start(&rt, &net, server).await;
    for model in models(&rt, &net, &server) {
        let name = model.name().to_owned();
        let branch = Branch::builder(&rt, "b", model).tools(Add::alone()).build();
        // The server makes up what fits the schema that it was sent.
        let answer = branch.operate::<Animal>("Whatever.").await.unwrap();
        assert_eq!(answer.re_asked, 0, "{name}: {answer:?}");
        let answer = branch
            .operate::<Animal>("Describe a spider.")
            .await
            .unwrap();
        let animal = answer.value;
        assert_eq!((answer.re_asked, animal.legs), (1, 8), "{name}");
        assert_eq!((animal.name.as_str(), animal.note), ("spider", None));
        assert_eq!(animal.parts[0].name, "web");
        let what = Select::new("Which?", Choices::texts(["one", "two"]));
        assert_eq!(
            branch.select(what).await.unwrap().selected.len(),
            1,
            "{name}"
        );
        assert_eq!(branch.history().turns().len(), 3);
    }
    server.shutdown().await;
}

async fn an_empty_answer_does_not_spoil_the_next_turn(rt: Rt, net: Arc<dyn Net>) {
    let server = MockServer::builder()
        .with_answer("and now", "Sound.")
        .with_answer("silence", "");
    let server = mock_service::start(&rt, &net, server).await;
    for model in models(&rt, &net, &server) {
        let name = model.name().to_owned();
        let branch = Branch::new(&rt, "b", model);
        let reply = branch.communicate("silence").await.unwrap();
        assert_eq!(reply.text(), "", "{name}");
        assert_eq!(reply.finish_reason, FinishReason::Stop);
        let next = branch.communicate("and now?").await;
        assert_eq!(next.expect(&name).text(), "Sound.");
        assert_eq!(said(&branch).len(), 4);
    }
    server.shutdown().await;
}

async fn a_turn_at_its_limit_is_brought_to_an_answer_over_every_api(rt: Rt, net: Arc<dyn Net>) {
    let server = MockServer::builder()
        .with_answer("was not called", "Forty-two, I think.")
        .with_answer("", adding());
    let server = mock_service::start(&rt, &net, server).await;
    for model in models(&rt, &net, &server) {
        let name = model.name().to_owned();
        let branch = Branch::builder(&rt, "b", model).tools(Add::alone()).build();
        let limits = TurnLimits::default()
            .with_tool_rounds(1)
            .on_limit(OnLimit::Answer);
        let turn = TurnOptions::default().with_limits(limits);
        let what = Communicate::new("19 + 23?").with_turn(turn);
        let reply = branch.communicate(what).await;
        assert_eq!(reply.expect(&name).text(), "Forty-two, I think.");
        assert_whole(&branch);
    }
    server.shutdown().await;
}

async fn a_stream_that_breaks_leaves_nothing(rt: Rt, net: Arc<dyn Net>) {
    let server = MockServer::builder()
        .with_answer("still there", "yes")
        .with_fault_when("19 + 23", Fault::CutAtEvent(2));
    let server = mock_service::start(&rt, &net, server).await;
    for model in models(&rt, &net, &server) {
        let branch = Branch::new(&rt, "b", model);
        branch.stream("What is 19 + 23?").reply().await.unwrap_err();
        assert!(branch.history().is_empty());
        assert_eq!(
            branch.stream("still there").reply().await.unwrap().text(),
            "yes"
        );
    }
    server.shutdown().await;
}
