//! HTTP/2: connections that are shared.

mod bodies;
mod broken;
mod cancelled;
mod connecting;
mod peer;
mod sharing;
mod timeouts;
#[cfg(feature = "rustls")]
mod tls;

use std::sync::Arc;

use fascine::http::{H1Transport, HyperIo, HyperTransport, Net};
use fascine::rt::Rt;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;

use super::server::Server;

/// Speaks HTTP/2 to everybody.
fn shared(rt: &Rt, net: impl Net) -> HyperTransport {
    HyperTransport::new(H1Transport::new(rt, net)).with_prior_knowledge()
}

/// A server of hyper that sends back every body, and takes so many requests at once on a connection.
async fn echo(rt: &Rt, net: &Arc<dyn Net>, streams: u32) -> Server {
    let executor = Executor(rt.clone());
    Server::start(rt, net, move |socket| {
        let mut builder = Builder::new(executor.clone());
        builder.max_concurrent_streams(streams);
        // Uploads that wait for their downloads must not stop the others: that is the client's to show.
        builder.initial_connection_window_size(1 << 30);
        let served = builder.serve_connection(HyperIo::new(socket), service_fn(send_back));
        async move { drop(served.await) }
    })
    .await
}

async fn send_back(request: Request<Incoming>) -> Result<Response<Incoming>, hyper::Error> {
    Ok(Response::new(request.into_body()))
}

/// Its tasks end with their connection.
#[derive(Clone)]
struct Executor(Rt);

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future).detach();
    }
}
