//! Ask a language model, within its limits.
//!
//! [`Model`] is the one trait: ask, and get an answer, whole or in pieces. [`ModelService`] is the model behind an API:
//! a [`Provider`] that maps requests and answers as pure functions, a transport, limits that are kept by reservation,
//! and a retry policy that listens to `Retry-After`. [`EchoModel`], [`ScriptedModel`] and [`RecordedModel`] need neither.
//!
//! | around | there is |
//! |---|---|
//! | a model | [`CachedModel`], [`SingleFlightModel`], [`HedgedModel`], [`NamedModel`] |
//! | several | [`FallbackModel`], [`ModelSelector`], [`BalancedModel`] |
//! | many that are made as they are needed | [`ModelPool`] |
//!
//! Each is a model again, so they go around each other.
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
//! # Features
//!
//! None is on by default. Each adds a type and changes nothing else.
//!
//! - `moka`: [`MokaStore`], answers kept in memory.
//! - `redb`: [`RedbStore`], answers kept on disk.
//! - `tiktoken`: `OpenAiTokens`, with the vocabularies of the OpenAI families compiled in

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
