//! Ask a language model, within its limits.
//!
//! [`Model`] is the one trait: ask, and get an answer, whole or in pieces. [`ModelService`] is the model behind an API:
//! a [`Provider`] that maps requests and answers as pure functions, a transport, limits that are kept by reservation,
//! and a retry policy that listens to `Retry-After`.
//!
//! ```
//! use fascine_message::Message;
//! use fascine_model::{Model, Request, ScriptedModel};
//! # fascine_testing::TestRuntime::run(|rt| async move {
//!
//! let model = ScriptedModel::new(&rt).with_answer("A spider has eight legs.");
//! let request = Request::new([Message::user("How many legs has a spider?")]);
//! let response = model.invoke(request).await.unwrap();
//! assert_eq!(response.message.text(), "A spider has eight legs.");
//! # });
//! ```
//!
//! # Whom to ask
//!
//! | | |
//! |---|---|
//! | OpenAI's Chat Completions API, at OpenAI, Azure or wherever it is spoken | [`OpenAi`] |
//! | a well-known server that speaks it: Groq, OpenRouter, vLLM and others | [`OpenAi::compatible`], [`Compatible`] |
//! | OpenAI's Responses API | [`Responses`] |
//! | Anthropic's Messages API | [`Anthropic`] |
//! | Gemini's `generateContent` | [`Gemini`] |
//! | Ollama's own API | [`Ollama`] |
//! | another API | [`Provider`], to be implemented |
//! | nobody: tests and demonstrations | [`EchoModel`], [`ScriptedModel`], [`RecordedModel`] |
//!
//! # What you may want
//!
//! Most of it is a setting of the service; what is round a model is a model again, and goes round any other.
//!
//! | to | of a service | round any model |
//! |---|---|---|
//! | stay within limits, one account's for several services | [`limit_requests`], [`limit_tokens`], [`limiter`] | |
//! | find the limits out | [`adapt_to_headers`] | |
//! | have only so many on their way, and only so many waiting | [`concurrency_limit`], [`queue_capacity`] | |
//! | repeat what failed in passing, and leave alone what is down | [`retry`], [`circuit_breaker`] | |
//! | wait only so long | [`timeout`] | [`fail_after`](fascine_concurrency::fail_after) |
//! | keep answers, and ask once for all who ask the same | [`cache`] | [`CachedModel`], [`SingleFlightModel`] |
//! | ask another model when one cannot answer | [`fallback`] | [`FallbackModel`] |
//! | ask once more when it takes long | [`hedge`] | [`HedgedModel`] |
//! | spend only so much | [`max_cost`], [`prices`] | |
//! | be told, be asked, measure | [`hooks`], [`metrics`] | |
//! | choose the model by the request | | [`ModelSelector`], [`NamedModel`] |
//! | spread calls over several | | [`BalancedModel`] |
//! | make services as they are needed | | [`ModelPool`] |
//! | record answers once, and play them again | | [`RecordedModel`] |
//!
//! [`adapt_to_headers`]: ModelServiceBuilder::adapt_to_headers
//! [`cache`]: ModelServiceBuilder::cache
//! [`circuit_breaker`]: ModelServiceBuilder::circuit_breaker
//! [`concurrency_limit`]: ModelServiceBuilder::concurrency_limit
//! [`fallback`]: ModelServiceBuilder::fallback
//! [`hedge`]: ModelServiceBuilder::hedge
//! [`hooks`]: ModelServiceBuilder::hooks
//! [`limit_requests`]: ModelServiceBuilder::limit_requests
//! [`limit_tokens`]: ModelServiceBuilder::limit_tokens
//! [`limiter`]: ModelServiceBuilder::limiter
//! [`max_cost`]: ModelServiceBuilder::max_cost
//! [`metrics`]: ModelServiceBuilder::metrics
//! [`prices`]: ModelServiceBuilder::prices
//! [`queue_capacity`]: ModelServiceBuilder::queue_capacity
//! [`retry`]: ModelServiceBuilder::retry
//! [`timeout`]: ModelServiceBuilder::timeout
//!
//! A service with everything on:
//!
//! ```
//! use fascine_http::{H1Transport, MemoryNet, Timeouts};
//! use fascine_model::{Anthropic, ModelService, OpenAi};
//! use fascine_resilience::{CircuitBreaker, Hedge, HedgeDelay, Retry};
//! use std::num::NonZeroU32;
//! use std::time::Duration;
//! # #[cfg(feature = "moka")]
//! # fascine_testing::TestRuntime::run(|rt| async move {
//! use fascine_model::{MokaStore, PriceTable, ResponseCache};
//!
//! let transport = H1Transport::new(&rt, MemoryNet::new());
//! let other = Anthropic::new("http://127.0.0.1:8081", "careful").unwrap();
//! let other = ModelService::builder(&rt, other, transport.clone()).build().unwrap();
//!
//! let provider = OpenAi::new("http://127.0.0.1:8080/v1", "small").unwrap();
//! let service = ModelService::builder(&rt, provider, transport)
//!     .limit_requests(500)
//!     .limit_tokens(200_000)
//!     .capacity_refresh_time(Duration::from_secs(60))
//!     .adapt_to_headers()
//!     .queue_capacity(1000)
//!     .concurrency_limit(64)
//!     .retry(Retry::new(&rt).with_attempts(NonZeroU32::new(5).unwrap()))
//!     .circuit_breaker(CircuitBreaker::new(&rt, "small"))
//!     .timeout(Timeouts::default().with_total(Duration::from_secs(120)))
//!     .cache(ResponseCache::new(MokaStore::new(&rt, 64 * 1024 * 1024)))
//!     .fallback(other)
//!     .hedge(Hedge::new(&rt, HedgeDelay::percentile(95).unwrap()))
//!     .prices(PriceTable::builtin())
//!     .max_cost(25.0)
//!     .build()
//!     .unwrap();
//! assert_eq!(service.spent(), 0.0);
//! # });
//! ```
//!
//! # Features
//!
//! None is on by default. Each adds a type and changes nothing else.
//!
//! - `moka`: [`MokaStore`], answers kept in memory.
//! - `redb`: [`RedbStore`], answers kept on disk.
//! - `tiktoken`: [`OpenAiTokens`], with the vocabularies of the OpenAI families compiled in.

mod model;

mod effort;
mod output;
mod request;
mod tool_spec;

mod accumulator;
mod chunk;
mod chunk_stream;
mod response;

mod embed;

mod api_error;
mod error;
mod failure;
mod failure_kind;
mod interrupted;

mod limit_hint;
mod provider;
mod secret;
mod wire;

mod anthropic;
mod compatible;
mod gemini;
mod ollama;
mod openai;
mod responses;

mod hooks;
mod metrics;
mod prices;
mod spans;
mod tokens;

mod attempt;
mod builder;
mod estimate;
mod service;
mod stats;
mod stream;

mod echo;
mod recorded;
mod scripted;

mod begun;
mod fallback;
mod hedged;

mod cache;
mod cache_use;
mod canonical;
mod single_flight;

mod pool;
mod selector;

pub use accumulator::Accumulator;
pub use anthropic::Anthropic;
pub use api_error::{ApiError, ApiErrorKind};
pub use builder::{BuildError, ModelServiceBuilder};
#[cfg(feature = "moka")]
pub use cache::MokaStore;
#[cfg(feature = "redb")]
pub use cache::RedbStore;
pub use cache::{CacheError, CacheStats, CacheStore, CachedModel, ResponseCache};
pub use cache_use::CacheUse;
pub use canonical::{CanonicalRequest, RequestKey};
pub use chunk::Chunk;
pub use chunk_stream::ChunkStream;
pub use compatible::{Compatible, UnknownServer};
pub use echo::EchoModel;
pub use effort::Effort;
pub use embed::{EmbedRequest, Embeddings};
pub use error::ModelError;
pub use failure::ModelFailure;
pub use fallback::FallbackModel;
pub use gemini::Gemini;
pub use hedged::HedgedModel;
pub use hooks::{Call, Hooks};
pub use interrupted::Interrupted;
pub use limit_hint::{LimitHint, LimitedQuota};
pub use metrics::{CallRecord, Distribution, Metrics, MetricsSnapshot, Outcome};
pub use model::Model;
pub use ollama::Ollama;
pub use openai::{MaxTokensField, OpenAi, ReasoningField, StreamEnd};
pub use output::{OutputFormat, OutputSchema};
pub use pool::{Balance, BalancedModel, ModelPool, PoolError, PooledModel};
pub use prices::{Price, PriceTable, Prices};
pub use provider::{ChunkDecoder, Delivery, Provider, ProviderError};
pub use recorded::{RecordError, RecordedModel};
pub use request::Request;
pub use response::{FinishReason, Response};
pub use responses::Responses;
pub use scripted::{Line, ScriptedModel};
pub use secret::{ApiKey, ApiKeyError};
pub use selector::{Complexity, ComplexityRules, ModelSelector, NamedModel, max_tokens_for};
pub use service::{CloseMode, Invocation, ModelService, SharedLimiter, Waiting, WaitingCall};
pub use single_flight::SingleFlightModel;
pub use stats::Stats;
#[cfg(feature = "tiktoken")]
pub use tokens::OpenAiTokens;
pub use tokens::{EstimatedTokens, TokenCounter};
pub use tool_spec::{ToolChoice, ToolSpec};

/// The page's examples compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/models.md")]
mod page {}
