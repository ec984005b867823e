//! A mock server on a port of its own, and a service that asks it.

use std::sync::Arc;

use fascine::http::{H1Transport, Net};
use fascine::model::{ModelService, ModelServiceBuilder, OpenAi};
use fascine::rt::Rt;
use fascine_mock::{MockServer, MockServerBuilder};

pub(crate) async fn start(rt: &Rt, net: &Arc<dyn Net>, server: MockServerBuilder) -> MockServer {
    let address = "127.0.0.1:0".parse().unwrap();
    server.start(rt, Arc::clone(net), address).await.unwrap()
}

/// The service has the settings that it has by itself.
pub(crate) fn service(rt: &Rt, net: &Arc<dyn Net>, server: &MockServer) -> ModelServiceBuilder {
    let provider = OpenAi::new(&server.base_url(), "any").unwrap();
    ModelService::builder(rt, provider, H1Transport::new(rt, Arc::clone(net)))
}
