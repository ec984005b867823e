use std::collections::VecDeque;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use fascine_rt::{Rt, Sleep};
use futures_core::Stream;

use crate::scripted::line::{Answer, BreakOff};
use crate::scripted::script::Script;
use crate::{Accumulator, Chunk, ChunkStream, Interrupted, Line, ModelError, Response};

/// A line that is being said. While it lives the call counts as in flight.
pub(crate) struct Playing {
    rt: Rt,
    begins: Duration,
    line: Line,
    /// `None` once it has ended.
    counted: Option<Counted>,
}

struct Counted(Arc<Mutex<Script>>);

impl Drop for Counted {
    fn drop(&mut self) {
        let mut script = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        script.in_flight -= 1;
    }
}

impl Playing {
    pub(crate) fn new(rt: &Rt, delay: Duration, line: Line, script: Arc<Mutex<Script>>) -> Self {
        Self {
            rt: rt.clone(),
            begins: delay.saturating_add(line.delay),
            line,
            counted: Some(Counted(script)),
        }
    }

    pub(crate) async fn whole(self) -> Result<Response, ModelError> {
        self.wait(self.begins).await;
        let Answer { response, chunks } = self.line.outcome.clone()?;
        let broken = self.line.break_off.clone();
        let said = broken.as_ref().map_or(chunks.len(), |(after, _)| *after);
        let said = u32::try_from(said.min(chunks.len())).unwrap_or(u32::MAX);
        self.wait(self.line.chunk_delay.saturating_mul(said)).await;
        match broken {
            None => Ok(response),
            Some((_, BreakOff::Fail(failure))) => Err(ModelError::new(failure(), 1)),
            Some((_, BreakOff::Hang)) => pending().await,
        }
    }

    pub(crate) async fn stream(self) -> Result<ChunkStream, ModelError> {
        self.wait(self.begins).await;
        let Answer { response, chunks } = self.line.outcome.clone()?;
        let mut chunks: VecDeque<Chunk> = chunks.into();
        let end = self.line.break_off.clone().map(|(after, end)| {
            chunks.truncate(after);
            end
        });
        let saying = Saying {
            playing: self,
            chunks,
            end,
            timer: None,
            said: Accumulator::new(),
        };
        Ok(ChunkStream::new(saying, response.attempts))
    }

    async fn wait(&self, time: Duration) {
        if !time.is_zero() {
            self.rt.sleep(time).await;
        }
    }
}

/// An answer in pieces, at the pace of its line.
struct Saying {
    playing: Playing,
    chunks: VecDeque<Chunk>,
    /// How it ends, if not well.
    end: Option<BreakOff>,
    timer: Option<Sleep>,
    said: Accumulator,
}

impl Saying {
    fn poll_pace(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (rt, delay) = (&self.playing.rt, self.playing.line.chunk_delay);
        if !delay.is_zero() {
            let timer = self.timer.get_or_insert_with(|| rt.sleep(delay));
            ready!(Pin::new(timer).poll(cx));
            self.timer = None;
        }
        Poll::Ready(())
    }
}

impl Stream for Saying {
    type Item = Result<Chunk, ModelError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if !this.chunks.is_empty() {
            ready!(this.poll_pace(cx));
        }
        if let Some(chunk) = this.chunks.pop_front() {
            this.said.push(&chunk);
            return Poll::Ready(Some(Ok(chunk)));
        }
        match this.end.take() {
            None => {
                this.playing.counted = None;
                Poll::Ready(None)
            }
            Some(BreakOff::Fail(failure)) => {
                this.playing.counted = None;
                let failure = match this.said.is_empty() {
                    true => failure(),
                    false => Interrupted::new(&this.said, Some(failure())).into(),
                };
                Poll::Ready(Some(Err(ModelError::new(failure, 1))))
            }
            Some(BreakOff::Hang) => {
                this.end = Some(BreakOff::Hang);
                Poll::Pending
            }
        }
    }
}
