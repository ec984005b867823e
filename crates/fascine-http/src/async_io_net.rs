use std::io::{self, IoSlice, Read};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use async_io::Async;
use fascine_rt::BoxFuture;
use futures_io::{AsyncRead, AsyncWrite};

use crate::{BoxSocket, Listener, LocalFuture, Net};

/// The sockets of async-io: for smol, async-std and embedded executors. They work under every executor.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsyncIoNet;

impl Net for AsyncIoNet {
    fn connect(&self, address: SocketAddr) -> BoxFuture<io::Result<BoxSocket>> {
        Box::pin(async move {
            let socket = Async::<TcpStream>::connect(address).await?;
            socket.get_ref().set_nodelay(true)?;
            Ok(Box::new(AsyncIoSocket::new(socket)) as BoxSocket)
        })
    }

    fn listen(&self, address: SocketAddr) -> BoxFuture<io::Result<Box<dyn Listener>>> {
        Box::pin(async move {
            let listener = Async::<TcpListener>::bind(address)?;
            Ok(Box::new(AsyncIoListener(listener)) as Box<dyn Listener>)
        })
    }
}

#[derive(Debug)]
struct AsyncIoListener(Async<TcpListener>);

impl Listener for AsyncIoListener {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().local_addr()
    }

    fn accept(&self) -> LocalFuture<'_, io::Result<(BoxSocket, SocketAddr)>> {
        Box::pin(async {
            let (socket, peer) = self.0.accept().await?;
            socket.get_ref().set_nodelay(true)?;
            Ok((Box::new(AsyncIoSocket::new(socket)) as BoxSocket, peer))
        })
    }
}

struct AsyncIoSocket {
    socket: Async<TcpStream>,
    /// Whether the last read found nothing: until the reactor says that there is something, there is no use in trying.
    waits: bool,
}

impl AsyncIoSocket {
    fn new(socket: Async<TcpStream>) -> Self {
        let waits = false;
        Self { socket, waits }
    }
}

impl AsyncRead for AsyncIoSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            if self.waits {
                ready!(self.socket.poll_readable(cx))?;
                self.waits = false;
            }
            match self.socket.get_ref().read(out) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.waits = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return Poll::Ready(read),
            }
        }
    }
}

impl AsyncWrite for AsyncIoSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, parts)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // `Async` itself only flushes here, and the other side would wait for an end that never comes.
        Poll::Ready(self.socket.get_ref().shutdown(Shutdown::Write))
    }
}
