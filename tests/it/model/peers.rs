//! Against servers of models and of tools that nobody here wrote. `cargo xtask peers` installs them, starts them and runs this.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

#[path = "peers/aimock.rs"]
mod aimock;
#[allow(dead_code, reason = "others use more of it")]
#[path = "../branch/calculator.rs"]
mod calculator;
#[path = "peers/mcp_everything.rs"]
mod mcp_everything;
#[path = "peers/mock_ai_api.rs"]
mod mock_ai_api;
#[allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "only real runtimes are of use here"
)]
#[path = "../runtimes.rs"]
mod runtimes;
#[path = "peers/turns.rs"]
mod turns;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use fascine::http::{H1Transport, Net};
use fascine::message::Message;
use fascine::model::{
    Anthropic, Gemini, Model, ModelService, Ollama, OpenAi, Provider, Request, Responses,
};
use fascine::resilience::{Backoff, Jitter, Retry};
use fascine::rt::Rt;

/// Makes one test of each async function for the real runtimes of this build, where there are sockets.
macro_rules! on_real_runtimes {
    ($($name:ident,)*) => {
        $(mod $name {
            #[cfg(feature = "smol")]
            #[test]
            fn smol() {
                crate::runtimes::on(crate::runtimes::SmolHost, super::$name);
            }

            #[cfg(feature = "tokio")]
            #[test]
            fn tokio() {
                crate::runtimes::on(crate::runtimes::TokioHost::multi_thread(), super::$name);
            }
        })*
    };
}
use on_real_runtimes;

/// An API, as one of these servers speaks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spoken {
    Anthropic,
    Gemini,
    Ollama,
    OpenAi,
    Responses,
}

/// Where a server is.
fn url(variable: &str) -> String {
    match std::env::var(variable) {
        Ok(url) => url,
        Err(_) => panic!("{variable} is not set: `cargo xtask peers` runs these tests"),
    }
}

/// A service that tries twice and waits for no answer longer than two seconds.
fn service(rt: &Rt, net: &Arc<dyn Net>, spoken: Spoken, root: &str, model: &str) -> ModelService {
    let versioned = format!("{root}/v1");
    match spoken {
        Spoken::Anthropic => build(rt, net, Anthropic::new(&versioned, model).unwrap()),
        Spoken::Gemini => build(rt, net, Gemini::new(root, model).unwrap()),
        Spoken::Ollama => build(rt, net, Ollama::new(root, model).unwrap()),
        Spoken::OpenAi => build(rt, net, OpenAi::new(&versioned, model).unwrap()),
        Spoken::Responses => build(rt, net, Responses::new(&versioned, model).unwrap()),
    }
}

fn build(rt: &Rt, net: &Arc<dyn Net>, provider: impl Provider) -> ModelService {
    let backoff = Backoff::exponential(Duration::from_millis(10)).with_jitter(Jitter::None);
    let retry = Retry::new(rt)
        .with_attempts(NonZeroU32::new(2).unwrap())
        .with_backoff(backoff);
    let transport = H1Transport::new(rt, Arc::clone(net)).with_idle_timeout(PATIENCE);
    ModelService::builder(rt, provider, transport)
        .retry(retry)
        .timeout(PATIENCE)
        .build()
        .unwrap()
}

fn ask(text: &str) -> Request {
    Request::new([Message::user(text)]).with_max_tokens(100)
}

/// What is said is the same whole and in pieces.
async fn said(service: &ModelService, request: Request) -> fascine::model::Response {
    let whole = service.invoke(request.clone()).await.unwrap();
    let stream = service.stream(request).await.unwrap();
    let streamed = stream.collect().await.unwrap();
    assert_eq!(streamed.message.text(), whole.message.text());
    assert_eq!(streamed.finish_reason, whole.finish_reason);
    whole
}

const PATIENCE: Duration = Duration::from_secs(2);
