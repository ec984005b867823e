//! An embedded model server with quotas and faults.
//!
//! [`MockServer`] speaks OpenAI's `POST /v1/chat/completions`, plain and streaming, over real HTTP on whatever network
//! it is given. Its answers depend on the seed and on what was asked, never on the order in which requests arrive; it
//! enforces a quota with a true 429, takes its time by the runtime's clock, and misbehaves where it is told to.
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

mod builder;
mod chat;
mod chat_request;
mod connection;
mod error;
mod fault;
mod quota;
mod reply;
mod server;
mod state;

pub use builder::MockServerBuilder;
pub use error::MockError;
pub use fault::Fault;
pub use server::MockServer;
