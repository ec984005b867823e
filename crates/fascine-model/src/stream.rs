use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use fascine_http::Body;
use fascine_message::Usage;
use futures_core::Stream;

use crate::attempt::OnItsWay;
use crate::service::Inner;
use crate::{Chunk, ChunkDecoder, ModelError, ModelFailure};

/// The answer of a service in pieces.
pub(crate) struct ServiceStream {
    service: Arc<Inner>,
    decoder: Box<dyn ChunkDecoder>,
    ready: VecDeque<Chunk>,
    /// `None` after the end.
    open: Option<(Body, OnItsWay)>,
    failure: Option<ModelFailure>,
    usage: Usage,
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
            usage: Usage::default(),
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
        for chunk in &chunks {
            if let Chunk::Usage(usage) = chunk {
                self.usage = *usage;
            }
        }
        self.ready.extend(chunks);
        if let Err(failure) = decoded {
            self.fail(failure);
        }
    }

    /// What came before the failure is given out first.
    fn fail(&mut self, failure: ModelFailure) {
        self.open = None;
        self.failure = Some(failure);
    }

    fn end(&mut self) {
        if !self.decoder.is_complete() {
            self.fail(ModelFailure::Interrupted);
        } else if let Some((_, on_its_way)) = self.open.take() {
            on_its_way.settle(self.usage);
            self.service.counters.answered(self.usage);
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
