use std::sync::Arc;

use fascine::http::{H1Transport, HyperIo, HyperTransport, Net, Transport, TransportError};
use fascine::rt::Rt;
use futures_lite::AsyncWriteExt;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;

use super::{Executor, send_back};
use crate::http::server::{Server, get, post, read_request};
use crate::http::tls::{Always, Authority, OK, address, trusting};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    over_https_the_server_chooses_the_version,
    a_server_that_nobody_trusts_is_an_error_for_all_who_ask_together,
}

/// Speaks HTTP/2 to those who have agreed on it, and HTTP/1.1 to the others.
async fn secure(rt: &Rt, net: &Arc<dyn Net>, authority: &Authority, versions: &[&str]) -> Server {
    let acceptor = authority.acceptor_of("a.example", versions);
    let executor = Executor(rt.clone());
    Server::start(rt, net, move |socket| {
        let (accepted, executor) = (acceptor.accept(socket), executor.clone());
        async move {
            let Ok(mut socket) = accepted.await else {
                return;
            };
            if socket.get_ref().1.alpn_protocol() == Some(b"h2") {
                let builder = Builder::new(executor);
                let served = builder.serve_connection(HyperIo::new(socket), service_fn(send_back));
                return drop(served.await);
            }
            while read_request(&mut socket).await.is_some() {
                let _ = socket.write_all(OK.as_bytes()).await;
                let _ = socket.flush().await;
            }
        }
    })
    .await
}

fn transport(
    rt: &Rt,
    net: &Arc<dyn Net>,
    server: &Server,
    authority: &Authority,
) -> HyperTransport {
    let http1 = H1Transport::new(rt, Arc::clone(net))
        .with_tls(trusting(authority).build().unwrap())
        .with_resolver(Always(address(server)));
    HyperTransport::new(http1)
}

async fn over_https_the_server_chooses_the_version(rt: Rt, net: Arc<dyn Net>) {
    let authority = Authority::new();
    for (versions, expected, connections) in [
        (&["h2", "http/1.1"][..], http::Version::HTTP_2, 1..=1),
        (&["http/1.1"], http::Version::HTTP_11, 2..=20),
        (&[], http::Version::HTTP_11, 2..=20),
    ] {
        let server = secure(&rt, &net, &authority, versions).await;
        let transport = transport(&rt, &net, &server, &authority);
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let sent = transport.send(post("https://a.example/", "ok"));
                rt.spawn(async move {
                    let response = sent.await.unwrap();
                    let version = response.version();
                    (version, response.into_body().collect(10).await.unwrap())
                })
            })
            .collect();
        for task in tasks {
            let (version, body) = task.await.unwrap();
            assert_eq!((version, &body[..]), (expected, &b"ok"[..]));
        }
        let accepted = server.accepted();
        assert!(connections.contains(&accepted), "{accepted}, {versions:?}");
    }
}

async fn a_server_that_nobody_trusts_is_an_error_for_all_who_ask_together(
    rt: Rt,
    net: Arc<dyn Net>,
) {
    let server = secure(&rt, &net, &Authority::new(), &["h2"]).await;
    let transport = transport(&rt, &net, &server, &Authority::new());
    let tasks: Vec<_> = (0..10)
        .map(|_| rt.spawn(transport.send(get("https://a.example/"))))
        .collect();
    for task in tasks {
        let error = task.await.unwrap().unwrap_err();
        assert!(
            matches!(&error, TransportError::Tls { host, .. } if host == "a.example"),
            "{error}"
        );
        assert!(!error.is_retryable());
    }
}
