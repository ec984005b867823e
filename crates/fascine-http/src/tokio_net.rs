use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use fascine_rt::BoxFuture;
use futures_io::{AsyncRead, AsyncWrite};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

use crate::{BoxSocket, Listener, LocalFuture, Net};

/// The sockets of a tokio runtime.
///
/// It enters the runtime where that is needed, so its sockets work on any thread and under any executor, as long as
/// somebody drives the runtime. The runtime needs its I/O driver (`enable_io`, part of `enable_all`).
#[derive(Clone, Debug)]
pub struct TokioNet {
    handle: Handle,
}

impl TokioNet {
    /// Takes the sockets of that runtime.
    #[must_use]
    pub fn new(handle: Handle) -> Self {
        Self { handle }
    }

    /// Takes the sockets of the runtime that this thread is in.
    ///
    /// # Panics
    ///
    /// Outside a tokio context.
    #[track_caller]
    #[must_use]
    pub fn current() -> Self {
        Self::new(Handle::current())
    }
}

impl Net for TokioNet {
    fn connect(&self, address: SocketAddr) -> BoxFuture<io::Result<BoxSocket>> {
        let handle = self.handle.clone();
        Box::pin(inside(handle, async move {
            let socket = TcpStream::connect(address).await?;
            socket.set_nodelay(true)?;
            Ok(Box::new(TokioSocket(socket)) as BoxSocket)
        }))
    }

    fn listen(&self, address: SocketAddr) -> BoxFuture<io::Result<Box<dyn Listener>>> {
        let handle = self.handle.clone();
        Box::pin(inside(handle.clone(), async move {
            let listener = TcpListener::bind(address).await?;
            Ok(Box::new(TokioListener { listener, handle }) as Box<dyn Listener>)
        }))
    }
}

#[derive(Debug)]
struct TokioListener {
    listener: TcpListener,
    handle: Handle,
}

impl Listener for TokioListener {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    fn accept(&self) -> LocalFuture<'_, io::Result<(BoxSocket, SocketAddr)>> {
        Box::pin(inside(self.handle.clone(), async {
            let (socket, peer) = self.listener.accept().await?;
            socket.set_nodelay(true)?;
            Ok((Box::new(TokioSocket(socket)) as BoxSocket, peer))
        }))
    }
}

/// Polls a future inside the tokio context, which new sockets need to find their driver.
async fn inside<T>(handle: Handle, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let _entered = handle.enter();
        future.as_mut().poll(cx)
    })
    .await
}

struct TokioSocket(TcpStream);

impl AsyncRead for TokioSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut out = ReadBuf::new(out);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut out))?;
        Poll::Ready(Ok(out.filled().len()))
    }
}

impl AsyncWrite for TokioSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, parts)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
