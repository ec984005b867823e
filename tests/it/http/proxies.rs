use std::sync::{Arc, Mutex};

use fascine::http::{BoxSocket, H1Transport, MemoryNet, Net, Proxies, Transport};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use futures_lite::AsyncWriteExt;

use super::server::{Server, get, post, read_request};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_request_for_http_goes_to_the_proxy_as_it_is,
}

/// A proxy that answers itself, and the heads of what it was asked.
async fn proxy(rt: &Rt, net: &Arc<dyn Net>) -> (Server, Arc<Mutex<Vec<String>>>) {
    let heads = Arc::<Mutex<Vec<String>>>::default();
    let server = Server::start(rt, net, {
        let heads = Arc::clone(&heads);
        move |mut socket: BoxSocket| {
            let heads = Arc::clone(&heads);
            async move {
                while let Some((head, _)) = read_request(&mut socket).await {
                    heads.lock().unwrap().push(head);
                    let ok = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                    let _ = socket.write_all(ok).await;
                }
            }
        }
    })
    .await;
    (server, heads)
}

async fn a_request_for_http_goes_to_the_proxy_as_it_is(rt: Rt, net: Arc<dyn Net>) {
    let (server, heads) = proxy(&rt, &net).await;
    let url = server.url.replace("http://", "http://user:p%40ss@");
    let proxies = Proxies::all(&url).unwrap().with_exceptions("127.0.0.1");
    let transport = H1Transport::new(&rt, net).with_proxies(proxies);
    for target in ["http://far.example/a?b=c", "http://far.example:8080?d"] {
        let response = transport.send(post(target, "body")).await.unwrap();
        assert_eq!(response.into_body().collect(10).await.unwrap(), "ok");
    }
    // Not everything.
    transport.send(get(&server.url)).await.unwrap();
    let heads = heads.lock().unwrap();
    assert!(
        heads[0].starts_with("POST http://far.example/a?b=c HTTP/1.1\r\n"),
        "{}",
        heads[0]
    );
    assert!(heads[0].contains("host: far.example\r\n"), "{}", heads[0]);
    assert!(
        heads[0].contains("proxy-authorization: Basic dXNlcjpwQHNz"),
        "{}",
        heads[0]
    );
    assert!(
        heads[1].starts_with("POST http://far.example:8080/?d HTTP/1.1\r\n"),
        "{}",
        heads[1]
    );
    assert!(heads[2].starts_with("GET / HTTP/1.1\r\n"), "{}", heads[2]);
    assert!(!heads[2].contains("proxy-authorization"), "{}", heads[2]);
}

#[test]
fn connections_through_a_proxy_and_past_it_are_kept_apart() {
    TestRuntime::run(|rt| async move {
        let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let (server, heads) = proxy(&rt, &net).await;
        let through = Proxies::all(&server.url).unwrap();
        let transport = H1Transport::new(&rt, Arc::clone(&net)).with_proxies(through);
        for _ in 0..2 {
            let response = transport.send(get("http://far.example/")).await.unwrap();
            response.into_body().collect(10).await.unwrap();
        }
        assert_eq!(server.accepted(), 1, "a connection to a proxy is kept too");
        let response = transport.send(get("http://other.example/")).await.unwrap();
        response.into_body().collect(10).await.unwrap();
        assert_eq!(heads.lock().unwrap().len(), 3);
    });
}
