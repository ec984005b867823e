//! Everything of Fascine under one name; re-exports only.
//!
//! Small, runtime-agnostic crates for programs that make many calls to language models. Each module here is a crate of
//! its own, and says in its documentation what it is for.
//!
//! # Features
//!
//! None is on by default. Each adds types and changes nothing else; all together is a supported build.
//!
//! - `smol`: [`rt`]'s `Smol`, and sockets for it.
//! - `async-std`: [`rt`]'s `AsyncStd`, and sockets for it.
//! - `tokio`: [`rt`]'s `Tokio`, and sockets for it.
//! - `async-executor`: [`rt`]'s `Embedded`, and sockets for it.
//! - `rustls`: https in [`http`].
//! - `platform-roots`: trust in the authorities of the operating system.
//! - `gzip`: bodies in gzip.
//! - `brotli`: bodies in brotli.
//! - `mcp`: tools, resources and prompts of MCP servers, for [`branch`]; on every runtime.
//! - `moka`: [`model`]'s answers kept in memory.
//! - `redb`: [`model`]'s answers kept on disk.
//! - `sqlite`: [`flow`]'s journals of runs in SQLite, which is compiled in.
//! - `data`, `toml`, `yaml`: [`flow`]s from files in JSON, TOML and YAML.
//! - `hyper`: HTTP/2, by `HyperTransport`; of tokio it brings channels and traits, no runtime.
//! - `surf`: surf in front of the transport of [`http`], and behind it.
//! - `tiktoken`: tokens of the OpenAI families, counted by their own vocabularies
//! - `tower`: a pipeline of [`resilience`] as a layer of tower; no runtime comes with it.

pub use fascine_branch as branch;
pub use fascine_concurrency as concurrency;
pub use fascine_flow as flow;
pub use fascine_http as http;
pub use fascine_message as message;
pub use fascine_model as model;
pub use fascine_resilience as resilience;
pub use fascine_rt as rt;
pub use fascine_session as session;

/// The README's example compiles and runs.
#[cfg(all(doctest, feature = "smol"))]
#[doc = include_str!("../../../README.md")]
mod readme {}

/// The pages' examples compile and run.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../docs/from-atomic-agents.md")]
    mod from_atomic_agents {}
    #[doc = include_str!("../../../docs/from-linus.md")]
    mod from_linus {}
    #[doc = include_str!("../../../docs/from-lionagi.md")]
    mod from_lionagi {}
}
