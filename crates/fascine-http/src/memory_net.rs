use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use async_channel::{Receiver, Sender};
use fascine_rt::BoxFuture;
use futures_io::{AsyncRead, AsyncWrite};

use crate::{BoxSocket, Listener, LocalFuture, Net};

/// A network inside the process: connections are buffers, and time does not matter to them.
///
/// For tests: with a virtual clock, whole exchanges take no time but what the test asks for. Clones are the same
/// network; two that were made by [`new`](Self::new) do not see each other.
#[derive(Clone, Debug, Default)]
pub struct MemoryNet {
    ports: Arc<Mutex<HashMap<SocketAddr, Sender<Accepted>>>>,
}

type Accepted = (BoxSocket, SocketAddr);

impl MemoryNet {
    /// Makes a network of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Net for MemoryNet {
    fn connect(&self, address: SocketAddr) -> BoxFuture<io::Result<BoxSocket>> {
        let port = lock(&self.ports).get(&address).cloned();
        Box::pin(async move {
            let port = port.ok_or(io::ErrorKind::ConnectionRefused)?;
            let (near, far) = duplex();
            let peer = SocketAddr::from(([127, 0, 0, 1], 0));
            port.try_send((Box::new(far), peer))
                .map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
            Ok(Box::new(near) as BoxSocket)
        })
    }

    fn listen(&self, address: SocketAddr) -> BoxFuture<io::Result<Box<dyn Listener>>> {
        let ports = Arc::clone(&self.ports);
        Box::pin(async move {
            let (sender, accepted) = async_channel::bounded(BACKLOG);
            let mut open = lock(&ports);
            let mut address = address;
            if address.port() == 0 {
                let free = (FIRST_FREE_PORT..=u16::MAX).find(|port| {
                    address.set_port(*port);
                    !open.contains_key(&address)
                });
                free.ok_or(io::ErrorKind::AddrInUse)?;
            }
            if open.contains_key(&address) {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            open.insert(address, sender);
            drop(open);
            Ok(Box::new(MemoryListener {
                address,
                accepted,
                ports,
            }) as Box<dyn Listener>)
        })
    }
}

#[derive(Debug)]
struct MemoryListener {
    address: SocketAddr,
    accepted: Receiver<Accepted>,
    ports: Arc<Mutex<HashMap<SocketAddr, Sender<Accepted>>>>,
}

impl Listener for MemoryListener {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }

    fn accept(&self) -> LocalFuture<'_, io::Result<Accepted>> {
        Box::pin(async {
            self.accepted
                .recv()
                .await
                .map_err(|_| io::ErrorKind::ConnectionAborted.into())
        })
    }
}

impl Drop for MemoryListener {
    fn drop(&mut self) {
        lock(&self.ports).remove(&self.address);
        // Connections that nobody took are reset.
        self.accepted.close();
        while self.accepted.try_recv().is_ok() {}
    }
}

/// Makes the two ends of a connection.
fn duplex() -> (Duplex, Duplex) {
    let (forth, back) = (Arc::new(Mutex::default()), Arc::new(Mutex::default()));
    let near = Duplex {
        incoming: Arc::clone(&back),
        outgoing: Arc::clone(&forth),
    };
    (
        near,
        Duplex {
            incoming: forth,
            outgoing: back,
        },
    )
}

struct Duplex {
    incoming: Arc<Mutex<Pipe>>,
    outgoing: Arc<Mutex<Pipe>>,
}

#[derive(Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    /// The writing end is closed: what is left can still be read.
    ended: bool,
    /// The reading end is gone: writing fails.
    broken: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl AsyncRead for Duplex {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut pipe = lock(&self.incoming);
        if pipe.bytes.is_empty() && !pipe.ended && !out.is_empty() {
            let replaced = pipe.reader.replace(cx.waker().clone());
            drop(pipe);
            drop(replaced);
            return Poll::Pending;
        }
        let count = out.len().min(pipe.bytes.len());
        for (to, from) in out.iter_mut().zip(pipe.bytes.drain(..count)) {
            *to = from;
        }
        let writer = pipe.writer.take();
        drop(pipe);
        wake(writer);
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Duplex {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut pipe = lock(&self.outgoing);
        if pipe.broken || pipe.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = PIPE_CAPACITY - pipe.bytes.len();
        if room == 0 && !bytes.is_empty() {
            let replaced = pipe.writer.replace(cx.waker().clone());
            drop(pipe);
            drop(replaced);
            return Poll::Pending;
        }
        let count = room.min(bytes.len());
        pipe.bytes.extend(&bytes[..count]);
        let reader = pipe.reader.take();
        drop(pipe);
        wake(reader);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut pipe = lock(&self.outgoing);
        pipe.ended = true;
        let reader = pipe.reader.take();
        drop(pipe);
        wake(reader);
        Poll::Ready(Ok(()))
    }
}

impl Drop for Duplex {
    fn drop(&mut self) {
        let mut outgoing = lock(&self.outgoing);
        outgoing.ended = true;
        let reader = outgoing.reader.take();
        drop(outgoing);
        wake(reader);
        let mut incoming = lock(&self.incoming);
        incoming.broken = true;
        let writer = incoming.writer.take();
        drop(incoming);
        wake(writer);
    }
}

impl fmt::Debug for Duplex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Duplex").finish_non_exhaustive()
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many connections wait to be accepted.
const BACKLOG: usize = 4096;
const FIRST_FREE_PORT: u16 = 49152;
/// How many bytes are on their way in each direction.
const PIPE_CAPACITY: usize = 64 * 1024;
