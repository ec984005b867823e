use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use fascine_http::{Body, TransportError};
use fascine_message::Usage;
use fascine_resilience::{BulkheadPermit, OwnedPermit};
use futures_core::Stream;

use super::on_its_way::OnItsWay;
use super::watch::{Overdue, Step, Watch};
use crate::{Accumulator, Chunk, ChunkDecoder, Interrupted, ModelFailure};

/// An answer that comes in pieces.
///
/// It reads when somebody asks, and one piece of the body at a time: whoever is slow holds the server up, and what is
/// decoded and not given out yet is no more than one piece holds.
pub(crate) struct Incoming {
    decoder: Box<dyn ChunkDecoder>,
    decoded: Vec<Chunk>,
    ready: VecDeque<Chunk>,
    so_far: Accumulator,
    /// `None` after the end.
    source: Option<Source>,
    failure: Option<ModelFailure>,
}

/// What is given back when the answer has ended.
pub(crate) struct Source {
    pub(crate) body: Body,
    pub(crate) watch: Watch,
    pub(crate) on_its_way: OnItsWay,
    pub(crate) permit: Option<OwnedPermit>,
    /// Room among the requests that are on their way.
    pub(crate) _place: Option<BulkheadPermit>,
    /// How many bytes may still come.
    pub(crate) left: usize,
    pub(crate) limit: usize,
}

impl Incoming {
    pub(crate) fn new(decoder: Box<dyn ChunkDecoder>, source: Source) -> Self {
        Self {
            decoder,
            decoded: Vec::new(),
            ready: VecDeque::new(),
            so_far: Accumulator::new(),
            source: Some(source),
            failure: None,
        }
    }

    /// Reads until there is something of the answer, which is then not read again, or the answer has ended well.
    pub(crate) async fn begin(&mut self) -> Result<(), ModelFailure> {
        poll_fn(|cx| {
            while self.source.is_some() && self.so_far.is_empty() {
                ready!(self.poll_read(cx));
            }
            match self.failure.take() {
                // Nothing was given out yet: it may be asked for again.
                Some(failure) if self.so_far.is_empty() => Poll::Ready(Err(failure)),
                failure => {
                    self.failure = failure;
                    Poll::Ready(Ok(()))
                }
            }
        })
        .await?;
        if let Some(source) = &mut self.source
            && source.permit.as_ref().is_some_and(OwnedPermit::is_probe)
            && let Some(permit) = source.permit.take()
        {
            // Who begins to answer is back; an answer may take longer than a probe can wait.
            permit.succeeded();
        }
        Ok(())
    }

    /// The next piece; a failure is the last item.
    pub(crate) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Chunk, ModelFailure>>> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(chunk)));
            }
            if let Some(failure) = self.failure.take() {
                return Poll::Ready(Some(Err(failure)));
            }
            if self.source.is_none() {
                return Poll::Ready(None);
            }
            ready!(self.poll_read(cx));
        }
    }

    pub(crate) fn usage(&self) -> Usage {
        self.so_far.usage()
    }

    pub(crate) fn so_far(&self) -> &Accumulator {
        &self.so_far
    }

    /// Breaks it off from this side.
    pub(crate) fn abort(&mut self, cause: ModelFailure) -> ModelFailure {
        self.ready.clear();
        self.break_off(Some(cause));
        self.failure.take().unwrap_or(ModelFailure::Truncated)
    }

    /// Reads no more.
    pub(crate) fn stop(&mut self) {
        self.close(drop);
    }

    /// Reads one piece of the body.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(source) = &mut self.source else {
            return Poll::Ready(());
        };
        let complete = self.decoder.is_complete();
        match Pin::new(&mut source.body).poll_next(cx) {
            Poll::Pending => {
                let overdue = ready!(source.watch.poll(cx));
                match overdue {
                    // All of it is there: only the connection does not come to an end.
                    Overdue::Step(Step::Ending) => self.end(),
                    _ if complete => self.end(),
                    overdue => {
                        let failure = overdue.failure(source.watch.limits());
                        self.break_off(Some(failure));
                    }
                }
            }
            Poll::Ready(Some(Ok(bytes))) => self.read(&bytes),
            Poll::Ready(Some(Err(_))) if complete => self.end(),
            Poll::Ready(Some(Err(error))) => self.break_off(Some(ModelFailure::Transport(error))),
            Poll::Ready(None) => self.finish(),
        }
        Poll::Ready(())
    }

    fn read(&mut self, bytes: &[u8]) {
        let Some(source) = &mut self.source else {
            return;
        };
        let Some(left) = source.left.checked_sub(bytes.len()) else {
            let (what, limit) = ("body", source.limit);
            let error = TransportError::TooLarge { what, limit };
            self.break_off(Some(ModelFailure::Transport(error)));
            return;
        };
        source.left = left;
        let read = self.decoder.push(bytes, &mut self.decoded);
        let step = match self.decoder.is_complete() {
            true => Step::Ending,
            false => Step::Body,
        };
        source.watch.progress(step);
        self.take();
        if let Err(failure) = read {
            self.break_off(Some(failure));
        }
    }

    /// The connection has ended.
    fn finish(&mut self) {
        let finished = self.decoder.finish(&mut self.decoded);
        self.take();
        match finished {
            Err(failure) => self.break_off(Some(failure)),
            Ok(()) if self.decoder.is_complete() => self.end(),
            Ok(()) => self.break_off(None),
        }
    }

    fn take(&mut self) {
        for chunk in self.decoded.drain(..) {
            self.so_far.push(&chunk);
            self.ready.push_back(chunk);
        }
    }

    fn end(&mut self) {
        if let Some(mut source) = self.source.take() {
            source.on_its_way.settle(self.so_far.usage());
            if let Some(permit) = source.permit.take() {
                permit.succeeded();
            }
        }
    }

    /// What came before the failure is given out first.
    fn break_off(&mut self, cause: Option<ModelFailure>) {
        let failure = match (self.so_far.is_empty(), cause) {
            (true, None) => ModelFailure::Truncated,
            (true, Some(cause)) => cause,
            (false, cause) => Interrupted::new(&self.so_far, cause).into(),
        };
        self.close(|permit| match failure.is_outage() {
            true => permit.failed(),
            false => permit.ignored(),
        });
        self.failure = Some(failure);
    }

    fn close(&mut self, tell: impl FnOnce(OwnedPermit)) {
        if let Some(mut source) = self.source.take() {
            // What it had cost by then, if the provider said; otherwise the estimate stays.
            source.on_its_way.settle(self.so_far.usage());
            if let Some(permit) = source.permit.take() {
                tell(permit);
            }
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.stop();
    }
}
