use std::future::Future;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use fascine_rt::{Rt, Task};
use futures_io::AsyncRead;

/// Reads from a pipe that blocks, on threads where it may.
///
/// Dropped while a thread reads, it leaves the thread to the end of the pipe, which comes when the other side is killed.
pub(crate) struct PipeReader<R> {
    rt: Rt,
    state: State<R>,
    /// What was read and not taken yet.
    bytes: Vec<u8>,
    taken: usize,
}

enum State<R> {
    Ended,
    Idle(R),
    Reading(Task<(R, io::Result<Vec<u8>>)>),
}

impl<R: Read + Send + 'static> PipeReader<R> {
    pub(crate) fn new(rt: &Rt, pipe: R) -> Self {
        Self {
            rt: rt.clone(),
            state: State::Idle(pipe),
            bytes: Vec::new(),
            taken: 0,
        }
    }
}

impl<R: Read + Send + Unpin + 'static> AsyncRead for PipeReader<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        loop {
            let left = &this.bytes[this.taken..];
            if !left.is_empty() || buffer.is_empty() {
                let count = left.len().min(buffer.len());
                buffer[..count].copy_from_slice(&left[..count]);
                this.taken += count;
                return Poll::Ready(Ok(count));
            }
            match std::mem::replace(&mut this.state, State::Ended) {
                State::Ended => return Poll::Ready(Ok(0)),
                State::Idle(mut pipe) => {
                    let mut bytes = std::mem::take(&mut this.bytes);
                    this.taken = 0;
                    let read = move || {
                        bytes.resize(CHUNK, 0);
                        let read = pipe.read(&mut bytes);
                        let read = read.map(|count| {
                            bytes.truncate(count);
                            bytes
                        });
                        (pipe, read)
                    };
                    this.state = State::Reading(this.rt.unblock(read));
                }
                State::Reading(mut task) => {
                    let polled = Pin::new(&mut task).poll(cx);
                    if polled.is_pending() {
                        this.state = State::Reading(task);
                    }
                    let (pipe, read) = ready!(polled).map_err(io::Error::other)?;
                    match read {
                        Ok(bytes) if bytes.is_empty() => return Poll::Ready(Ok(0)),
                        Ok(bytes) => {
                            this.bytes = bytes;
                            this.state = State::Idle(pipe);
                        }
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                            this.state = State::Idle(pipe);
                        }
                        Err(error) => return Poll::Ready(Err(error)),
                    }
                }
            }
        }
    }
}

/// How much is read at once, in bytes.
const CHUNK: usize = 16 * 1024;
