use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use fascine_rt::BoxFuture;
use futures_core::Stream;

use crate::scripted::pieces;
use crate::{
    Accumulator, CacheUse, Chunk, ChunkStream, Model, ModelError, Request, RequestKey, Response,
    ResponseCache,
};

/// Looks into a cache first, and keeps what it had to ask for.
#[derive(Clone, Debug)]
pub(crate) struct Storing {
    pub(crate) model: Arc<dyn Model>,
    pub(crate) cache: ResponseCache,
}

impl Storing {
    async fn look_up(&self, key: RequestKey, request: &Request) -> Option<Response> {
        match request.cache {
            CacheUse::Use => self.cache.get(key).await,
            CacheUse::Bypass | CacheUse::Refresh => None,
        }
    }

    pub(crate) async fn invoke(
        self,
        key: RequestKey,
        request: Request,
    ) -> Result<Response, ModelError> {
        if let Some(response) = self.look_up(key, &request).await {
            return Ok(response);
        }
        let response = self.model.invoke(request).await?;
        self.cache.put(key, response.clone()).await;
        Ok(response)
    }

    pub(crate) async fn stream(
        self,
        key: RequestKey,
        request: Request,
    ) -> Result<ChunkStream, ModelError> {
        if let Some(response) = self.look_up(key, &request).await {
            return Ok(pieces(&response));
        }
        let chunks = self.model.stream(request).await?;
        let attempts = chunks.attempts();
        let kept = Kept {
            cache: self.cache,
            key,
            attempts,
            so_far: Accumulator::new(),
            state: State::Reading(chunks),
        };
        Ok(ChunkStream::new(kept, attempts))
    }
}

/// A stream that is kept when it has come to its end.
struct Kept {
    cache: ResponseCache,
    key: RequestKey,
    attempts: u32,
    so_far: Accumulator,
    state: State,
}

enum State {
    Reading(ChunkStream),
    Keeping(BoxFuture<()>),
    Ended,
}

impl Kept {
    fn keep(&mut self) -> BoxFuture<()> {
        let (cache, key) = (self.cache.clone(), self.key);
        let mut response = mem::take(&mut self.so_far).into_response();
        response.attempts = self.attempts;
        Box::pin(async move { cache.put(key, response).await })
    }
}

impl Stream for Kept {
    type Item = Result<Chunk, ModelError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            match &mut this.state {
                State::Reading(chunks) => match ready!(Pin::new(chunks).poll_next(cx)) {
                    Some(Ok(chunk)) => {
                        this.so_far.push(&chunk);
                        return Poll::Ready(Some(Ok(chunk)));
                    }
                    Some(Err(error)) => {
                        this.state = State::Ended;
                        return Poll::Ready(Some(Err(error)));
                    }
                    None => this.state = State::Keeping(this.keep()),
                },
                State::Keeping(kept) => {
                    ready!(kept.as_mut().poll(cx));
                    this.state = State::Ended;
                }
                State::Ended => return Poll::Ready(None),
            }
        }
    }
}
