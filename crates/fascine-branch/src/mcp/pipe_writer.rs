use std::future::Future;
use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use fascine_rt::{Rt, Task};
use futures_io::AsyncWrite;

/// Writes to a pipe that blocks, on threads where it may: a piece while the next one is made.
pub(crate) struct PipeWriter<W> {
    rt: Rt,
    state: State<W>,
}

enum State<W> {
    Closed,
    Idle(W),
    Writing(Task<(W, io::Result<()>)>),
}

impl<W: Write + Send + 'static> PipeWriter<W> {
    pub(crate) fn new(rt: &Rt, pipe: W) -> Self {
        Self {
            rt: rt.clone(),
            state: State::Idle(pipe),
        }
    }

    /// Waits until the piece before has been written.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let State::Writing(task) = &mut self.state {
            let written = ready!(Pin::new(task).poll(cx));
            self.state = State::Closed;
            let (pipe, written) = written.map_err(io::Error::other)?;
            written?;
            self.state = State::Idle(pipe);
        }
        Poll::Ready(Ok(()))
    }
}

impl<W: Write + Send + Unpin + 'static> AsyncWrite for PipeWriter<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_idle(cx))?;
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Idle(mut pipe) => {
                let piece = bytes.to_vec();
                let write = move || {
                    let written = pipe.write_all(&piece).and_then(|()| pipe.flush());
                    (pipe, written)
                };
                self.state = State::Writing(self.rt.unblock(write));
                Poll::Ready(Ok(bytes.len()))
            }
            _ => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_idle(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let idle = ready!(self.poll_idle(cx));
        self.state = State::Closed;
        Poll::Ready(idle)
    }
}
