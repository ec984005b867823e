//! An embedded model server with quotas and faults.
//!
//! [`MockServer`] speaks OpenAI's Chat Completions and Responses, Anthropic's Messages, Gemini's `generateContent` and
//! Ollama's `/api/chat`, plain and streaming, with embeddings and lists of models, over real HTTP on whatever network it
//! is given. Its answers depend on the seed and on what was asked, never on the order in which requests arrive; it
//! checks requests as strictly as the providers do, enforces quotas with a true 429, takes its time by the runtime's
//! clock, and misbehaves where it is told to.
//!
//! ```
//! use bytes::Bytes;
//! use fascine_http::{H1Transport, MemoryNet, Transport};
//! use fascine_mock::MockServer;
//! # fascine_testing::TestRuntime::run(|rt| async move {
//!
//! let net = MemoryNet::new();
//! let server = MockServer::builder()
//!     .with_answer("capital of France", "Paris.")
//!     .start(&rt, net.clone(), "127.0.0.1:0".parse().unwrap())
//!     .await
//!     .unwrap();
//!
//! let question = r#"{"model": "any", "messages":
//!     [{"role": "user", "content": "What is the capital of France?"}]}"#;
//! let request = http::Request::post(format!("{}/chat/completions", server.base_url()))
//!     .body(Bytes::from(question))
//!     .unwrap();
//! let response = H1Transport::new(&rt, net).send(request).await.unwrap();
//! let answer = response.into_body().collect(4096).await.unwrap();
//! let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
//! assert_eq!(answer["choices"][0]["message"]["content"], "Paris.");
//! server.shutdown().await;
//! # });
//! ```

mod api;

mod builder;
mod server;

mod answer;
mod fault;
mod fault_name;
mod script;

mod error;
mod log;

mod connection;
mod delivery;
mod framing;
mod state;

mod clock;
mod endpoint;
mod keys;
mod ledger;
mod quota;
mod quota_headers;

mod ask;
mod embeddings;
mod fields;
mod hash;
mod models;
mod picture;
mod said;
mod sample;
mod speech;
mod tool_turns;

mod api_fault;
mod error_shape;
mod problem;
mod reply;

mod anthropic;
mod gemini;
mod ollama;
mod openai;
mod responses;

pub use answer::Answer;
pub use api::Api;
pub use builder::MockServerBuilder;
pub use error::MockError;
pub use fault::Fault;
pub use fault_name::UnknownFault;
pub use log::{Outcome, Peak, Served};
pub use script::{Arrival, Script};
pub use server::MockServer;
