use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use fascine::http::{H1Transport, Net, Proxies, Tls};
use fascine::model::{ApiKey, ModelService, OpenAi};
use fascine::resilience::{Backoff, Retry};
use fascine::rt::Rt;
use fascine_mock::{MockError, MockServer, MockServerBuilder};

use crate::answers::ANSWERS;
use crate::args::ModelArgs;

/// Why the job could not begin: an argument that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{argument} cannot be used")]
pub(crate) struct SetupError {
    pub(crate) argument: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl SetupError {
    /// The job itself is no job: that would be a mistake in this program.
    pub(crate) fn job(source: fascine::session::SessionError) -> Self {
        Self::new("the job", source)
    }

    pub(crate) fn new(
        argument: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            argument: argument.into(),
            source: source.into(),
        }
    }
}

/// The settings of the embedded server: it takes its time, and refuses what comes too fast.
#[must_use]
pub fn embedded_server() -> MockServerBuilder {
    const THREE: NonZeroU32 = NonZeroU32::new(3).unwrap();
    let server = MockServer::builder()
        .with_seed(7)
        .with_latency(Duration::from_millis(80)..=Duration::from_millis(260))
        .with_quota(THREE, Duration::from_millis(700));
    ANSWERS.iter().fold(server, |server, (when, answer)| {
        server.with_answer(*when, *answer)
    })
}

/// Starts the embedded server.
async fn start_server(rt: &Rt, net: &Arc<dyn Net>, port: u16) -> Result<MockServer, SetupError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let started = embedded_server().start(rt, Arc::clone(net), address).await;
    started.map_err(|error: MockError| SetupError::new(format!("--mock-port {port}"), error))
}

/// Opens whom to ask: the embedded server, or another.
pub(crate) async fn open_model(
    args: &ModelArgs,
    rt: &Rt,
    net: &Arc<dyn Net>,
) -> Result<(Option<MockServer>, ModelService), SetupError> {
    // An empty variable is what many shells make of an unset one.
    let key = || {
        std::env::var("OPENAI_API_KEY")
            .ok()
            .filter(|key| !key.is_empty())
    };
    let mut proxies = Proxies::default();
    let (server, base_url, model, key) = match (&args.base_url, &args.model) {
        (Some(url), Some(model)) => {
            // The embedded server is in this process: no proxy leads there.
            proxies = self::proxies()?;
            (None, url.clone(), model.clone(), key())
        }
        _ => {
            let server = start_server(rt, net, args.mock_port).await?;
            let url = server.base_url();
            (Some(server), url, "embedded".to_owned(), None)
        }
    };
    let service = service(rt, net, &base_url, &model, args.timeout, key, proxies)?;
    Ok((server, service))
}

/// The proxies that the environment names.
fn proxies() -> Result<Proxies, SetupError> {
    Proxies::from_env().map_err(|error| SetupError::new("the proxy in the environment", error))
}

/// Builds the model service: 60 requests and 60,000 tokens a second, a queue, retries, a time-out.
pub(crate) fn service(
    rt: &Rt,
    net: &Arc<dyn Net>,
    base_url: &str,
    model: &str,
    timeout: Duration,
    key: Option<String>,
    proxies: Proxies,
) -> Result<ModelService, SetupError> {
    const FIVE: NonZeroU32 = NonZeroU32::new(5).unwrap();
    let unusable = |error: Box<dyn std::error::Error + Send + Sync>| {
        SetupError::new(format!("--base-url {base_url}"), error)
    };
    let mut provider = OpenAi::new(base_url, model).map_err(|error| unusable(error.into()))?;
    if let Some(key) = key {
        provider = provider
            .with_api_key(&ApiKey::new(key))
            .map_err(|error| SetupError::new("OPENAI_API_KEY", error))?;
    }
    let tls = Tls::new().map_err(|error| unusable(error.into()))?;
    // The service's time-out is the one that counts.
    let transport = H1Transport::new(rt, Arc::clone(net))
        .with_tls(tls)
        .with_proxies(proxies)
        .with_connect_timeout(timeout)
        .with_first_byte_timeout(Duration::MAX)
        .with_idle_timeout(Duration::MAX);
    let backoff = Backoff::exponential(Duration::from_millis(200)).with_max(Duration::from_secs(5));
    // A server that never answers is asked twice, not until the attempts run out.
    let retry = Retry::new(rt)
        .with_attempts(FIVE)
        .with_backoff(backoff)
        .with_max_elapsed(timeout.saturating_mul(2));
    ModelService::builder(rt, provider, transport)
        .limit_requests(60)
        .limit_tokens(60_000)
        .capacity_refresh_time(Duration::from_secs(1))
        .queue_capacity(100)
        .retry(retry)
        .timeout(timeout)
        .build()
        .map_err(|error| SetupError::new(format!("--timeout {timeout:?}"), error))
}
