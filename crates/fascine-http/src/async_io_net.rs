use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};

use async_io::Async;
use fascine_rt::BoxFuture;

use crate::{BoxSocket, Listener, LocalFuture, Net};

/// The sockets of async-io: for smol, async-std and embedded executors. They work under every executor.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsyncIoNet;

impl Net for AsyncIoNet {
    fn connect(&self, address: SocketAddr) -> BoxFuture<io::Result<BoxSocket>> {
        Box::pin(async move {
            let socket = Async::<TcpStream>::connect(address).await?;
            socket.get_ref().set_nodelay(true)?;
            Ok(Box::new(socket) as BoxSocket)
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
            Ok((Box::new(socket) as BoxSocket, peer))
        })
    }
}
