use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use fascine_http::Body;
use futures_core::Stream;

use crate::attempt::OnItsWay;
use crate::service::Inner;
use crate::{Accumulator, Chunk, ChunkDecoder, Interrupted, ModelError, ModelFailure};

/// The answer of a service in pieces.
pub(crate) struct ServiceStream {
    service: Arc<Inner>,
    decoder: Box<dyn ChunkDecoder>,
    ready: VecDeque<Chunk>,
    /// `None` after the end.
    open: Option<(Body, OnItsWay)>,
    failure: Option<ModelFailure>,
    so_far: Accumulator,
    attempts: u32,
}

impl ServiceStream {
    pub(crate) fn new(service: Arc<Inner>, body: Body, on_its_way: OnItsWay) -> Self {
        let decoder = service.provider.decoder();
        Self {
            service,
            decoder,
            ready: VecDeque::new(),
            open: Some((body, on_its_way)),
            failure: None,
            so_far: Accumulator::new(),
            attempts: 1,
        }
    }

    pub(crate) fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    fn decode(&mut self, bytes: &[u8]) {
        let mut chunks = Vec::new();
        let decoded = self.decoder.push(bytes, &mut chunks);
        self.take(chunks);
        if let Err(failure) = decoded {
            self.fail(failure);
        }
    }

    fn take(&mut self, chunks: Vec<Chunk>) {
        for chunk in &chunks {
            self.so_far.push(chunk);
        }
        self.ready.extend(chunks);
    }

    /// What came before the failure is given out first.
    fn fail(&mut self, failure: ModelFailure) {
        self.break_off(Some(failure));
    }

    fn break_off(&mut self, cause: Option<ModelFailure>) {
        self.open = None;
        self.failure = Some(match (self.so_far.is_empty(), cause) {
            (true, None) => ModelFailure::Truncated,
            (true, Some(cause)) => cause,
            (false, cause) => Interrupted::new(&self.so_far, cause).into(),
        });
    }

    fn end(&mut self) {
        let mut chunks = Vec::new();
        let finished = self.decoder.finish(&mut chunks);
        self.take(chunks);
        if let Err(failure) = finished {
            self.fail(failure);
        } else if !self.decoder.is_complete() {
            self.break_off(None);
        } else if let Some((_, on_its_way)) = self.open.take() {
            on_its_way.settle(self.so_far.usage());
            self.service.counters.answered(self.so_far.usage());
        }
    }
}

impl Stream for ServiceStream {
    type Item = Result<Chunk, ModelError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(chunk) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(chunk)));
            }
            if let Some(failure) = this.failure.take() {
                this.service.counters.failed();
                return Poll::Ready(Some(Err(ModelError::new(failure, this.attempts))));
            }
            let Some((body, _)) = &mut this.open else {
                return Poll::Ready(None);
            };
            match ready!(Pin::new(body).poll_next(cx)) {
                Some(Ok(bytes)) => this.decode(&bytes),
                Some(Err(error)) => this.fail(ModelFailure::Transport(error)),
                None => this.end(),
            }
        }
    }
}
