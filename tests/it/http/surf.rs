use std::sync::Arc;

use fascine::http::{H1Transport, Net, SurfBackend, SurfTransport, Transport, TransportError};
use fascine::rt::Rt;
use futures_lite::AsyncWriteExt;

use super::server::{Server, post, read_request};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    surf_sends_through_our_transport,
    a_cut_body_is_an_error_through_surf_too,
}

async fn surf_sends_through_our_transport(rt: Rt, net: Arc<dyn Net>) {
    let server = Server::start(&rt, &net, |mut socket| async move {
        while let Some((head, body)) = read_request(&mut socket).await {
            assert!(head.contains("content-type: application/json"), "{head}");
            let length = body.len();
            let head =
                format!("HTTP/1.1 201 Created\r\nx-mine: yes\r\ncontent-length: {length}\r\n\r\n");
            socket
                .write_all(&[head.as_bytes(), &body].concat())
                .await
                .unwrap();
        }
    })
    .await;
    let backend = SurfBackend::new(H1Transport::new(&rt, net));
    let transport = SurfTransport::new(surf::Client::with_http_client(backend));
    for _ in 0..3 {
        let mut request = post(&server.url, "{}");
        request
            .headers_mut()
            .insert("content-type", "application/json".parse().unwrap());
        let response = transport.send(request).await.unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["x-mine"], "yes");
        assert_eq!(response.into_body().collect(10).await.unwrap(), "{}");
    }
    assert_eq!(server.accepted(), 1);
}

async fn a_cut_body_is_an_error_through_surf_too(rt: Rt, net: Arc<dyn Net>) {
    let server = Server::start(&rt, &net, |mut socket| async move {
        read_request(&mut socket).await;
        let _ = socket
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
            .await;
    })
    .await;
    let backend = SurfBackend::new(H1Transport::new(&rt, net));
    let transport = SurfTransport::new(surf::Client::with_http_client(backend));
    let response = transport.send(post(&server.url, "")).await.unwrap();
    let error = response.into_body().collect(100).await.unwrap_err();
    assert!(
        matches!(error, TransportError::ClosedInBody { received: 4 }),
        "{error}"
    );
}
