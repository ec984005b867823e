use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use fascine::http::{BoxSocket, H1Transport, Listener, Net, PoolConfig, Transport};
use fascine::rt::BoxFuture;
use fascine_testing::TestRuntime;
use futures_lite::{AsyncRead, AsyncWrite};

use super::server::post;

/// A network whose other end takes everything and says nothing.
#[derive(Debug)]
struct Silence;

impl Net for Silence {
    fn connect(&self, _: SocketAddr) -> BoxFuture<io::Result<BoxSocket>> {
        Box::pin(async { Ok(Box::new(SilentSocket) as BoxSocket) })
    }

    fn listen(&self, _: SocketAddr) -> BoxFuture<io::Result<Box<dyn Listener>>> {
        Box::pin(std::future::pending())
    }
}

struct SilentSocket;

impl AsyncRead for SilentSocket {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Pending
    }
}

impl AsyncWrite for SilentSocket {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn a_request_that_waits_for_its_answer_holds_no_more_than_three_kilobytes() {
    TestRuntime::run(|rt| async move {
        const REQUESTS: usize = 64;
        let mut config = PoolConfig::default();
        config.max_in_use = REQUESTS.try_into().unwrap();
        let transport = H1Transport::new(&rt, Silence).with_pool(config);
        let request = || {
            let mut request = post("http://127.0.0.1/v1/chat/completions", vec![b'x'; 300]);
            let headers = request.headers_mut();
            let key = http::HeaderValue::from_static("Bearer sk-test-0123456789");
            headers.insert("authorization", key);
            let json = http::HeaderValue::from_static("application/json");
            headers.insert("content-type", json);
            request
        };
        let mut waiting = Vec::with_capacity(REQUESTS);
        let used = allocation_counter::measure(|| {
            let mut cx = Context::from_waker(Waker::noop());
            for _ in 0..REQUESTS {
                let mut sent = transport.send(request());
                assert!(sent.as_mut().poll(&mut cx).is_pending());
                waiting.push(sent);
            }
        });
        // The future, the request as bytes, its body, its timer, its connection.
        let each = usize::try_from(used.bytes_current).unwrap() / REQUESTS;
        let future = size_of_val(&*waiting[0]);
        assert!(
            each <= 3 * 1024,
            "{each} bytes, of which the future has {future}"
        );
        assert!(future <= 2 * 1024, "the future has {future} bytes");
    });
}
