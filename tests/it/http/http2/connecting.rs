use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use fascine::http::{
    BoxSocket, H1Transport, HyperTransport, Listener, MemoryNet, Net, PoolConfig, Transport,
    TransportError,
};
use fascine::rt::{BoxFuture, Rt};
use fascine_testing::TestRuntime;
use futures_lite::future;
use http::HeaderValue;

use super::{echo, shared};
use crate::durations::seconds;
use crate::http::server::{get, post};

/// A network that takes its time to connect, counts, and may refuse.
#[derive(Clone, Debug)]
struct SlowNet {
    rt: Rt,
    net: Arc<dyn Net>,
    refuses: bool,
    dials: Arc<AtomicUsize>,
}

impl SlowNet {
    fn new(rt: &Rt, net: &Arc<dyn Net>) -> Self {
        Self {
            rt: rt.clone(),
            net: Arc::clone(net),
            refuses: false,
            dials: Arc::default(),
        }
    }
}

impl Net for SlowNet {
    fn connect(&self, address: SocketAddr) -> BoxFuture<io::Result<BoxSocket>> {
        self.dials.fetch_add(1, SeqCst);
        let this = self.clone();
        Box::pin(async move {
            this.rt.sleep(seconds(1)).await;
            if this.refuses {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            this.net.connect(address).await
        })
    }

    fn listen(&self, address: SocketAddr) -> BoxFuture<io::Result<Box<dyn Listener>>> {
        self.net.listen(address)
    }
}

#[test]
fn a_host_that_cannot_be_reached_is_tried_once_for_all_who_ask_together() {
    TestRuntime::run_seeds(8, |rt| async move {
        let memory: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let mut net = SlowNet::new(&rt, &memory);
        net.refuses = true;
        let transport = shared(&rt, net.clone());
        let started = rt.now();
        let tasks: Vec<_> = (0..50)
            .map(|_| rt.spawn(transport.send(get("http://127.0.0.1/"))))
            .collect();
        for task in tasks {
            let error = task.await.unwrap().unwrap_err();
            match error {
                TransportError::Connect { host, port, source } => {
                    assert_eq!((host.as_str(), port), ("127.0.0.1", 80));
                    assert_eq!(source.kind(), io::ErrorKind::ConnectionRefused);
                }
                other => panic!("{other}"),
            }
        }
        assert_eq!(rt.now() - started, seconds(1));
        assert_eq!(net.dials.load(SeqCst), 1);
        // Who asks later tries again.
        transport.send(get("http://127.0.0.1/")).await.unwrap_err();
        assert_eq!(net.dials.load(SeqCst), 2);
    });
}

#[test]
fn who_waits_goes_on_when_whoever_connects_gives_up() {
    TestRuntime::run_seeds(8, |rt| async move {
        let memory: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let server = echo(&rt, &memory, 100).await;
        let net = SlowNet::new(&rt, &memory);
        let transport = shared(&rt, net.clone());
        let mut first = transport.send(post(&server.url, "first"));
        assert!(future::poll_once(&mut first).await.is_none());
        let second = rt.spawn(transport.send(post(&server.url, "second")));
        rt.sleep(seconds(1) / 2).await;
        drop(first);
        let body = second.await.unwrap().unwrap().into_body();
        assert_eq!(body.collect(10).await.unwrap(), "second");
        assert_eq!((net.dials.load(SeqCst), server.accepted()), (2, 1));
    });
}

#[test]
fn a_connection_that_nobody_uses_is_closed_in_time() {
    TestRuntime::run_seeds(8, |rt| async move {
        let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let server = echo(&rt, &net, 100).await;
        let mut pool = PoolConfig::default();
        pool.idle_timeout = seconds(30);
        let http1 = H1Transport::new(&rt, net).with_pool(pool);
        let transport = HyperTransport::new(http1).with_prior_knowledge();
        for _ in 0..5 {
            transport.send(post(&server.url, "x")).await.unwrap();
            rt.sleep(seconds(29)).await;
        }
        assert_eq!((server.accepted(), server.ended()), (1, 0));
        // Nobody has to ask for it.
        rt.sleep(seconds(2)).await;
        assert_eq!(server.ended(), 1);
        transport.send(post(&server.url, "x")).await.unwrap();
        assert_eq!(server.accepted(), 2);
    });
}

#[test]
fn without_prior_knowledge_plain_http_is_http_1_1() {
    TestRuntime::run(|rt| async move {
        let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let server = crate::http::server::echo(&rt, &net).await;
        let transport = HyperTransport::new(H1Transport::new(&rt, net));
        let response = transport.send(post(&server.url, "x")).await.unwrap();
        assert_eq!(response.version(), http::Version::HTTP_11);
    });
}

#[test]
fn a_key_goes_to_another_machine_over_https_alone() {
    TestRuntime::run(|rt| async move {
        let transport = shared(&rt, MemoryNet::new());
        let mut request = get("http://10.0.0.1/");
        let key = HeaderValue::from_static("Bearer abc");
        request.headers_mut().insert("authorization", key);
        let error = transport.send(request).await.unwrap_err();
        assert!(
            matches!(error, TransportError::PlaintextCredentials { .. }),
            "{error}"
        );
    });
}
