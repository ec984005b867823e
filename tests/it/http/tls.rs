use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use fascine::http::{
    BoxSocket, H1Transport, MemoryNet, Net, Proxies, Resolve, Tls, TlsBuilder, Transport,
    TransportError,
};
use fascine::rt::{BoxFuture, Rt};
use fascine_testing::TestRuntime;
use futures_lite::io::copy;
use futures_lite::{AsyncReadExt, AsyncWriteExt, future};
use futures_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use futures_rustls::rustls::server::WebPkiClientVerifier;
use futures_rustls::rustls::{RootCertStore, ServerConfig, crypto};
use futures_rustls::{TlsAcceptor, rustls};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

use super::server::{Server, get, read_request};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    an_authority_of_our_own_is_trusted_and_connections_are_kept,
    a_client_shows_its_certificate_where_one_is_asked_for,
    https_goes_through_a_tunnel_of_the_proxy,
}

/// An authority for one test.
pub(super) struct Authority {
    pem: String,
    der: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            pem: certificate.pem(),
            der: certificate.der().to_vec(),
            issuer: Issuer::new(params, key),
        }
    }

    /// A certificate for a name, and its key.
    fn certify(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    fn acceptor(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> TlsAcceptor {
        let (certificate, key) = self.certify(name, change);
        let config = server_config().with_no_client_auth();
        acceptor(config, &certificate, &key)
    }

    /// Speaks these versions of HTTP, the first that a client offers; none is whatever comes.
    #[cfg(feature = "hyper")]
    pub(super) fn acceptor_of(&self, name: &str, versions: &[&str]) -> TlsAcceptor {
        let (certificate, key) = self.certify(name, |_| {});
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = server_config().with_no_client_auth();
        let config = config.with_single_cert(vec![certificate.der().clone()], key);
        let mut config = config.unwrap();
        config.alpn_protocols = versions.iter().map(|&name| name.into()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    /// Takes only clients that this authority has certified.
    fn strict_acceptor(&self, name: &str) -> TlsAcceptor {
        let (certificate, key) = self.certify(name, |_| {});
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.der.clone())).unwrap();
        let provider = Arc::new(crypto::ring::default_provider());
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let config = server_config().with_client_cert_verifier(clients.build().unwrap());
        acceptor(config, &certificate, &key)
    }
}

fn server_config() -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
}

fn acceptor(
    config: rustls::ConfigBuilder<ServerConfig, rustls::server::WantsServerCert>,
    certificate: &rcgen::Certificate,
    key: &KeyPair,
) -> TlsAcceptor {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = config.with_single_cert(vec![certificate.der().clone()], key);
    TlsAcceptor::from(Arc::new(config.unwrap()))
}

/// Answers every request with `answer`, and ends the connection without a goodbye after `requests`.
async fn secure(
    rt: &Rt,
    net: &Arc<dyn Net>,
    acceptor: TlsAcceptor,
    answer: &'static str,
    requests: usize,
) -> Server {
    Server::start(rt, net, move |socket| {
        let accepted = acceptor.accept(socket);
        async move {
            let Ok(socket) = accepted.await else { return };
            let mut socket: BoxSocket = Box::new(socket);
            for _ in 0..requests {
                if read_request(&mut socket).await.is_none() {
                    return;
                }
                let _ = socket.write_all(answer.as_bytes()).await;
                let _ = socket.flush().await;
            }
        }
    })
    .await
}

pub(super) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Every name is that one address.
#[derive(Debug)]
pub(super) struct Always(pub(super) SocketAddr);

impl Resolve for Always {
    fn resolve(&self, _: &str, _: u16) -> BoxFuture<io::Result<Vec<SocketAddr>>> {
        let found = vec![self.0];
        Box::pin(async { Ok(found) })
    }
}

pub(super) fn address(server: &Server) -> SocketAddr {
    server.url[7..].trim_end_matches('/').parse().unwrap()
}

pub(super) fn trusting(authority: &Authority) -> TlsBuilder {
    Tls::builder()
        .without_bundled_roots()
        .authorities_pem(authority.pem.as_str())
}

/// Asks for `url` from whoever listens at the server's address.
async fn ask(
    rt: &Rt,
    net: &Arc<dyn Net>,
    server: &Server,
    tls: TlsBuilder,
    url: &str,
) -> Result<String, TransportError> {
    let transport = H1Transport::new(rt, Arc::clone(net))
        .with_tls(tls.build().unwrap())
        .with_resolver(Always(address(server)));
    let body = transport
        .send(get(url))
        .await?
        .into_body()
        .collect(100)
        .await?;
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

async fn an_authority_of_our_own_is_trusted_and_connections_are_kept(rt: Rt, net: Arc<dyn Net>) {
    let authority = Authority::new();
    let server = secure(&rt, &net, authority.acceptor("a.example", |_| {}), OK, 10).await;
    for tls in [
        trusting(&authority),
        Tls::builder().authority_der(authority.der.clone()),
    ] {
        let before = server.accepted();
        let transport = H1Transport::new(&rt, Arc::clone(&net))
            .with_tls(tls.build().unwrap())
            .with_resolver(Always(address(&server)));
        for _ in 0..3 {
            let mut request = get("https://a.example/");
            let key = http::HeaderValue::from_static("Bearer abc");
            request.headers_mut().insert("authorization", key);
            let response = transport.send(request).await.unwrap();
            assert_eq!(response.into_body().collect(10).await.unwrap(), "ok");
        }
        assert_eq!(server.accepted() - before, 1);
    }
}

async fn a_client_shows_its_certificate_where_one_is_asked_for(rt: Rt, net: Arc<dyn Net>) {
    let authority = Authority::new();
    let server = secure(&rt, &net, authority.strict_acceptor("a.example"), OK, 1).await;
    let (certificate, key) = authority.certify("me", |_| {});
    let known = trusting(&authority).client_certificate_pem(certificate.pem(), key.serialize_pem());
    assert_eq!(
        ask(&rt, &net, &server, known, "https://a.example/")
            .await
            .unwrap(),
        "ok"
    );
    let unknown = ask(
        &rt,
        &net,
        &server,
        trusting(&authority),
        "https://a.example/",
    )
    .await;
    assert!(unknown.is_err());
}

/// A proxy that opens tunnels to the server, or says no.
async fn tunnels(rt: &Rt, net: &Arc<dyn Net>, to: SocketAddr, answer: &'static str) -> Server {
    let inner = Arc::clone(net);
    Server::start(rt, net, move |mut near| {
        let net = Arc::clone(&inner);
        async move {
            // Byte by byte: what comes after the head is the tunnel's.
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                near.read_exact(&mut byte).await.unwrap();
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).unwrap();
            assert!(
                head.starts_with("CONNECT a.example:443 HTTP/1.1\r\n"),
                "{head}"
            );
            assert!(
                head.contains("proxy-authorization: Basic dTpw\r\n"),
                "{head}"
            );
            near.write_all(answer.as_bytes()).await.unwrap();
            let far = net.connect(to).await.unwrap();
            let (near_reads, near_writes) = futures_lite::io::split(near);
            let (far_reads, far_writes) = futures_lite::io::split(far);
            let forth = copy(near_reads, far_writes);
            let _ = future::or(forth, copy(far_reads, near_writes)).await;
        }
    })
    .await
}

async fn https_goes_through_a_tunnel_of_the_proxy(rt: Rt, net: Arc<dyn Net>) {
    let authority = Authority::new();
    let server = secure(&rt, &net, authority.acceptor("a.example", |_| {}), OK, 10).await;
    for (answer, expected) in [
        ("HTTP/1.1 200 Connection established\r\n\r\n", None),
        (
            "HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n",
            Some(407),
        ),
    ] {
        let proxy = tunnels(&rt, &net, address(&server), answer).await;
        let proxies = Proxies::all(&proxy.url.replace("//", "//u:p@")).unwrap();
        let transport = H1Transport::new(&rt, Arc::clone(&net))
            .with_tls(trusting(&authority).build().unwrap())
            .with_proxies(proxies);
        for _ in 0..2 {
            let sent = transport.send(get("https://a.example/")).await;
            match (sent, expected) {
                (Ok(response), None) => {
                    assert_eq!(response.into_body().collect(10).await.unwrap(), "ok");
                }
                (Err(TransportError::Proxy { status, .. }), Some(expected)) => {
                    assert_eq!(status, expected);
                }
                (other, _) => panic!("{other:?}"),
            }
        }
        if expected.is_none() {
            assert_eq!(proxy.accepted(), 1, "the tunnel is kept");
        }
    }
}

fn on_memory<F: Future<Output = ()>>(test: impl Fn(Rt, Arc<dyn Net>) -> F) {
    TestRuntime::run_seeds(4, |rt| test(rt, Arc::new(MemoryNet::new())));
}

#[test]
fn a_certificate_that_proves_nothing_is_refused() {
    on_memory(|rt, net| async move {
        let authority = Authority::new();
        let check = async |acceptor: TlsAcceptor, trusted: &Authority, words: &str| {
            let server = secure(&rt, &net, acceptor, OK, 1).await;
            let tls = trusting(trusted);
            let error = ask(&rt, &net, &server, tls, "https://a.example/")
                .await
                .unwrap_err();
            let TransportError::Tls { host, source } = &error else {
                panic!("{error}");
            };
            assert_eq!(host, "a.example");
            assert!(source.to_string().contains(words), "{source}");
            assert!(error.is_before_request() && !error.is_retryable());
        };
        check(authority.acceptor("b.example", |_| {}), &authority, "name").await;
        let long_ago = |params: &mut CertificateParams| {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        };
        check(
            authority.acceptor("a.example", long_ago),
            &authority,
            "xpired",
        )
        .await;
        let stranger = Authority::new();
        check(
            stranger.acceptor("a.example", |_| {}),
            &authority,
            "certificate",
        )
        .await;
    });
}

#[test]
fn a_body_that_ends_without_a_goodbye_may_have_been_cut() {
    on_memory(|rt, net| async move {
        let authority = Authority::new();
        let acceptor = authority.acceptor("a.example", |_| {});
        let until_close = "HTTP/1.1 200 OK\r\n\r\nhalf";
        let server = secure(&rt, &net, acceptor.clone(), until_close, 1).await;
        let tls = trusting(&authority);
        let error = ask(&rt, &net, &server, tls, "https://a.example/")
            .await
            .unwrap_err();
        assert!(
            matches!(error, TransportError::ClosedInBody { received: 4 }),
            "{error}"
        );
        let silent = secure(&rt, &net, acceptor, "", 1).await;
        let tls = trusting(&authority);
        let error = ask(&rt, &net, &silent, tls, "https://a.example/")
            .await
            .unwrap_err();
        assert!(
            matches!(error, TransportError::ClosedBeforeResponse),
            "{error}"
        );
    });
}

#[test]
fn a_server_that_does_not_speak_tls_is_an_error_in_time() {
    on_memory(|rt, net| async move {
        let authority = Authority::new();
        let plain = Server::start(&rt, &net, |mut socket| async move {
            let _ = socket.write_all(OK.as_bytes()).await;
        })
        .await;
        let tls = trusting(&authority);
        let error = ask(&rt, &net, &plain, tls, "https://a.example/")
            .await
            .unwrap_err();
        assert!(matches!(error, TransportError::Tls { .. }), "{error}");
        let mute = Server::start(&rt, &net, |socket| async move {
            std::future::pending::<()>().await;
            drop(socket);
        })
        .await;
        let tls = trusting(&authority);
        let error = ask(&rt, &net, &mute, tls, "https://a.example/")
            .await
            .unwrap_err();
        assert!(matches!(error, TransportError::Timeout { .. }), "{error}");
    });
}

#[test]
fn what_cannot_be_used_is_named() {
    let authority = Authority::new();
    let field = |builder: TlsBuilder| builder.build().unwrap_err().field;
    assert_eq!(
        field(Tls::builder().authority_der("no certificate")),
        "authorities"
    );
    assert_eq!(
        field(Tls::builder().authorities_pem("no certificate")),
        "authorities"
    );
    assert_eq!(field(Tls::builder().without_bundled_roots()), "authorities");
    let (mine, key) = authority.certify("me", |_| {});
    let with = |chain: &str, key: &str| Tls::builder().client_certificate_pem(chain, key);
    assert_eq!(field(with("", &key.serialize_pem())), "client certificate");
    assert_eq!(field(with(&mine.pem(), "")), "client key");
    let (_, other) = authority.certify("other", |_| {});
    assert_eq!(
        field(with(&mine.pem(), &other.serialize_pem())),
        "client certificate"
    );
    assert!(with(&mine.pem(), &key.serialize_pem()).build().is_ok());
}

#[cfg(feature = "platform-roots")]
#[test]
fn the_roots_of_the_system_are_read_or_missed_aloud() {
    let built = Tls::builder()
        .without_bundled_roots()
        .with_platform_roots()
        .build();
    // A bare machine has none, and then there is nobody to trust.
    if let Err(error) = built {
        assert_eq!(error.field, "platform roots");
    }
}
