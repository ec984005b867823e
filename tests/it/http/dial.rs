use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fascine::http::{
    BoxSocket, H1Transport, Listener, MemoryNet, Net, Resolve, Transport, TransportError,
};
use fascine::rt::{BoxFuture, Rt};
use fascine_testing::TestRuntime;

use super::server::{Server, get, post, read_request};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_name_is_looked_up_and_its_addresses_tried,
}

/// A resolver that knows what it is told.
#[derive(Clone, Debug)]
struct Book(Vec<SocketAddr>);

impl Resolve for Book {
    fn resolve(&self, _: &str, _: u16) -> BoxFuture<io::Result<Vec<SocketAddr>>> {
        let found = self.0.clone();
        Box::pin(async move { Ok(found) })
    }
}

/// How an address behaves.
#[derive(Clone, Copy, Debug)]
enum Door {
    AnswersAfter(Duration),
    RefusesAfter(Duration),
    NeverAnswers,
}

/// A network whose addresses behave as they are told, and what was tried when.
#[derive(Clone, Debug)]
struct Street {
    rt: Rt,
    inner: MemoryNet,
    server: SocketAddr,
    doors: HashMap<SocketAddr, Door>,
    tried: Arc<Mutex<Vec<(SocketAddr, Instant)>>>,
    /// One for each dial that is under way, one for the transport's copy of this, and one for the test's.
    alive: Arc<()>,
}

impl Net for Street {
    fn connect(&self, address: SocketAddr) -> BoxFuture<io::Result<BoxSocket>> {
        let street = self.clone();
        self.tried.lock().unwrap().push((address, self.rt.now()));
        Box::pin(async move {
            match street.doors[&address] {
                Door::AnswersAfter(time) => {
                    street.rt.sleep(time).await;
                    street.inner.connect(street.server).await
                }
                Door::RefusesAfter(time) => {
                    street.rt.sleep(time).await;
                    Err(io::ErrorKind::ConnectionRefused.into())
                }
                Door::NeverAnswers => std::future::pending().await,
            }
        })
    }

    fn listen(&self, address: SocketAddr) -> BoxFuture<io::Result<Box<dyn Listener>>> {
        self.inner.listen(address)
    }
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Asks a server behind those doors: what came of it, after how long, and when each door was tried.
fn ask(
    doors: &[(&str, Door)],
) -> (
    Result<(), TransportError>,
    Duration,
    Vec<(String, Duration)>,
) {
    let doors: Vec<(SocketAddr, Door)> = doors
        .iter()
        .map(|(address, door)| (address.parse().unwrap(), *door))
        .collect();
    let seen = Arc::new(Mutex::new(None));
    TestRuntime::run_seeds(4, |rt| {
        let (doors, seen) = (doors.clone(), Arc::clone(&seen));
        async move {
            let inner = MemoryNet::new();
            let net: Arc<dyn Net> = Arc::new(inner.clone());
            let server = Server::start(&rt, &net, |mut socket| async move {
                read_request(&mut socket).await;
                let ok = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                let _ = futures_lite::AsyncWriteExt::write_all(&mut socket, ok).await;
            })
            .await;
            let authority = server
                .url
                .trim_start_matches("http://")
                .trim_end_matches('/');
            let street = Street {
                rt: rt.clone(),
                inner,
                server: authority.parse().unwrap(),
                doors: doors.iter().copied().collect(),
                tried: Arc::default(),
                alive: Arc::default(),
            };
            let addresses = doors.iter().map(|(address, _)| *address).collect();
            let transport = H1Transport::new(&rt, street.clone()).with_resolver(Book(addresses));
            let started = rt.now();
            let result = transport.send(get("http://many.example/")).await.map(drop);
            assert_eq!(
                Arc::strong_count(&street.alive),
                2,
                "a dial was left behind"
            );
            let tried = street.tried.lock().unwrap().clone();
            let tried = tried
                .into_iter()
                .map(|(address, at)| (address.ip().to_string(), at - started))
                .collect::<Vec<_>>();
            *seen.lock().unwrap() = Some((result, rt.now() - started, tried));
        }
    });
    seen.lock().unwrap().take().unwrap()
}

fn tried(expected: &[(&str, u64)]) -> Vec<(String, Duration)> {
    expected
        .iter()
        .map(|(address, at)| ((*address).to_owned(), ms(*at)))
        .collect()
}

#[test]
fn the_families_take_turns_and_a_silent_address_costs_a_quarter_of_a_second() {
    let (result, took, order) = ask(&[
        ("[::1]:1", Door::NeverAnswers),
        ("[::2]:1", Door::NeverAnswers),
        ("1.1.1.1:1", Door::AnswersAfter(ms(10))),
    ]);
    result.unwrap();
    assert_eq!(took, ms(260));
    assert_eq!(order, tried(&[("::1", 0), ("1.1.1.1", 250)]));
}

#[test]
fn an_address_that_refuses_costs_no_head_start() {
    let (result, took, order) = ask(&[
        ("[::1]:1", Door::RefusesAfter(ms(3))),
        ("1.1.1.1:1", Door::RefusesAfter(ms(4))),
        ("[::2]:1", Door::AnswersAfter(ms(5))),
    ]);
    result.unwrap();
    assert_eq!(took, ms(12));
    assert_eq!(order, tried(&[("::1", 0), ("1.1.1.1", 3), ("::2", 7)]));
}

#[test]
fn the_first_connection_wins_even_if_it_was_begun_first() {
    let (result, took, order) = ask(&[
        ("[::1]:1", Door::AnswersAfter(ms(300))),
        ("1.1.1.1:1", Door::AnswersAfter(ms(300))),
    ]);
    result.unwrap();
    assert_eq!(took, ms(300));
    assert_eq!(order, tried(&[("::1", 0), ("1.1.1.1", 250)]));
}

#[test]
fn if_all_refuse_the_error_says_so_and_if_all_are_silent_it_is_late() {
    let (result, took, _) = ask(&[
        ("[::1]:1", Door::RefusesAfter(ms(400))),
        ("1.1.1.1:1", Door::RefusesAfter(ms(1))),
    ]);
    let error = result.unwrap_err();
    assert!(
        matches!(&error, TransportError::Connect { host, port: 80, source }
        if host == "many.example" && source.kind() == io::ErrorKind::ConnectionRefused)
    );
    assert_eq!(took, ms(400));

    let silent: Vec<_> = (1..=100).map(|n| format!("10.0.0.{n}:1")).collect();
    let silent: Vec<_> = silent
        .iter()
        .map(|address| (address.as_str(), Door::NeverAnswers))
        .collect();
    let (result, took, order) = ask(&silent);
    assert!(matches!(result, Err(TransportError::Timeout { .. })));
    assert_eq!(took, Duration::from_secs(10));
    assert_eq!(order.len(), 16, "there is a bound to what is tried");
}

#[test]
fn a_name_without_addresses_is_an_error_of_its_own() {
    TestRuntime::run(|rt| async move {
        let transport = H1Transport::new(&rt, MemoryNet::new()).with_resolver(Book(Vec::new()));
        let error = transport
            .send(get("http://nobody.example/"))
            .await
            .unwrap_err();
        assert!(
            matches!(&error, TransportError::Resolve { host, .. } if host == "nobody.example"),
            "{error}"
        );
    });
}

async fn a_name_is_looked_up_and_its_addresses_tried(rt: Rt, net: Arc<dyn Net>) {
    let server = super::server::echo(&rt, &net).await;
    let address: SocketAddr = server.url[7..].trim_end_matches('/').parse().unwrap();
    // Nobody listens at the first one.
    let closed = net.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let refused = closed.local_addr().unwrap();
    drop(closed);
    let transport = H1Transport::new(&rt, net).with_resolver(Book(vec![refused, address]));
    let response = transport
        .send(post("http://named.example/", "hello"))
        .await
        .unwrap();
    assert_eq!(response.into_body().collect(10).await.unwrap(), "hello");
}
