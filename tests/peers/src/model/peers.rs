//! The clients people use today, each with its own documented defaults.

use async_openai::types::chat::{
    ChatCompletionRequestUserMessageArgs, CreateChatCompletionRequest,
    CreateChatCompletionRequestArgs,
};
use futures_util::StreamExt;

use super::server::Server;

pub(super) enum Peer {
    AsyncOpenAi(async_openai::Client<async_openai::config::OpenAIConfig>),
    Genai(Box<genai::Client>),
    Rig(rig_core::providers::openai::OpenAI),
}

impl Peer {
    pub(super) fn all(server: &Server) -> Vec<Self> {
        let base = server.base_url();
        let config = async_openai::config::OpenAIConfig::new()
            .with_api_base(&base)
            .with_api_key("k");
        let rig = rig_core::providers::openai::OpenAIConfig::new("k").with_base_url(&base);
        vec![
            Self::AsyncOpenAi(async_openai::Client::with_config(config)),
            Self::Genai(Box::new(genai(base))),
            Self::Rig(rig.client()),
        ]
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::AsyncOpenAi(_) => "async-openai",
            Self::Genai(_) => "genai",
            Self::Rig(_) => "rig-core",
        }
    }

    /// Asks once, and reads the text.
    pub(super) async fn call(&self) -> usize {
        match self {
            Self::AsyncOpenAi(client) => {
                let answer = client.chat().create(openai_question()).await;
                let answer = answer.expect("an answer");
                answer.choices[0]
                    .message
                    .content
                    .as_ref()
                    .map_or(0, String::len)
            }
            Self::Genai(client) => {
                let answer = client.exec_chat("gpt-4o", genai_question(), None).await;
                answer.expect("an answer").first_text().map_or(0, str::len)
            }
            Self::Rig(client) => {
                let asked = rig_core::completion::CompletionRequest::new("Hello!");
                let answer = client.chat("gpt-4o").call(asked).await;
                answer.expect("an answer").text().len()
            }
        }
    }

    /// Reads a streamed answer; gives the number of its pieces of text.
    pub(super) async fn stream(&self) -> usize {
        let mut pieces = 0;
        match self {
            Self::AsyncOpenAi(client) => {
                let stream = client.chat().create_stream(openai_question()).await;
                let mut stream = stream.expect("an answer");
                while let Some(event) = stream.next().await {
                    let choices = event.expect("a whole answer").choices;
                    pieces += choices
                        .iter()
                        .filter(|choice| choice.delta.content.is_some())
                        .count();
                }
            }
            Self::Genai(client) => {
                let stream = client
                    .exec_chat_stream("gpt-4o", genai_question(), None)
                    .await;
                let mut stream = stream.expect("an answer").stream;
                while let Some(event) = stream.next().await {
                    let event = event.expect("a whole answer");
                    pieces += usize::from(matches!(event, genai::chat::ChatStreamEvent::Chunk(_)));
                }
            }
            Self::Rig(client) => {
                use rig_core::streaming::{Item, StreamEvent};
                let asked = rig_core::completion::CompletionRequest::new("Hello!");
                let mut stream = client.chat("gpt-4o").stream(asked).expect("an answer");
                while let Some(item) = stream.next().await {
                    let item = item.expect("a whole answer");
                    pieces += usize::from(matches!(item, Item::Event(StreamEvent::Text { .. })));
                }
            }
        }
        pieces
    }
}

pub(super) fn openai_question() -> CreateChatCompletionRequest {
    let message = ChatCompletionRequestUserMessageArgs::default()
        .content("Hello!")
        .build();
    CreateChatCompletionRequestArgs::default()
        .model("gpt-4o")
        .messages([message.expect("a message").into()])
        .build()
        .expect("a question")
}

fn genai_question() -> genai::chat::ChatRequest {
    genai::chat::ChatRequest::new(vec![genai::chat::ChatMessage::user("Hello!")])
}

fn genai(base: String) -> genai::Client {
    use genai::resolver::{AuthData, Endpoint, Error, ServiceTargetResolver};
    let base = format!("{base}/");
    let resolver = ServiceTargetResolver::from_resolver_fn(
        move |target: genai::ServiceTarget| -> Result<genai::ServiceTarget, Error> {
            Ok(genai::ServiceTarget {
                endpoint: Endpoint::from_owned(base.clone()),
                auth: AuthData::from_single("k"),
                model: genai::ModelIden::new(
                    genai::adapter::AdapterKind::OpenAI,
                    target.model.model_name,
                ),
            })
        },
    );
    let client = genai::Client::builder().with_service_target_resolver(resolver);
    client.build().expect("a client")
}
