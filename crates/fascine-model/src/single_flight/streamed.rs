use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use fascine_concurrency::unscoped;
use fascine_message::Usage;
use fascine_rt::BoxFuture;
use futures_core::Stream;

use crate::single_flight::chunk_log::ChunkLog;
use crate::single_flight::flights::{FlightKey, Flights};
use crate::single_flight::rider::Rider;
use crate::single_flight::shared_future::SharedFuture;
use crate::single_flight::waker_set::WakerSet;
use crate::{Chunk, ChunkStream, Interrupted, ModelError, ModelFailure};

/// A call for an answer in pieces, and those who read it.
#[derive(Debug)]
pub(crate) struct StreamFlight {
    /// Reads the answer into the log.
    future: SharedFuture<Result<(), ModelError>>,
    log: Arc<ChunkLog>,
    /// The number of the call that began it, if it has one.
    begun_by: Option<u64>,
}

pub(crate) async fn stream(
    flights: &Arc<Flights<StreamFlight>>,
    key: FlightKey,
    rider: Option<&Rider>,
    max_bytes: usize,
    call: impl FnOnce() -> BoxFuture<Result<ChunkStream, ModelError>> + Send + 'static,
) -> Result<ChunkStream, ModelError> {
    let flight = flights.join(key, |leave| {
        let wakers = Arc::new(WakerSet::default());
        let log = Arc::new(ChunkLog::new(Arc::clone(&wakers), max_bytes));
        let call = {
            let log = Arc::clone(&log);
            async move {
                let _leave = leave;
                read(call().await?, &log).await
            }
        };
        StreamFlight {
            future: SharedFuture::new(wakers, Box::pin(unscoped(call))),
            log,
            begun_by: rider.map(Rider::number),
        }
    });
    if let Some(rider) = rider {
        rider.takes_part(flight.begun_by);
    }
    let place = flight.future.wakers().enter();
    let mut reader = Reader {
        flight,
        place,
        next: 0,
        ended: false,
    };
    let attempts = poll_fn(|cx| reader.poll_open(cx)).await?;
    // The first one is given what it cost.
    let attempts = if place == 0 { attempts } else { 0 };
    Ok(ChunkStream::new(reader, attempts))
}

async fn read(mut chunks: ChunkStream, log: &ChunkLog) -> Result<(), ModelError> {
    log.open(chunks.attempts());
    while let Some(chunk) = chunks.chunk().await? {
        if let Err(failure) = log.push(chunk) {
            return Err(ModelError::new(failure, chunks.attempts()));
        }
        pause().await;
    }
    Ok(())
}

/// Lets whoever drives take what has come, without a wake: all who wait are told of it, and the next who wants more
/// goes on. So no more is read than the fastest reader asks for.
async fn pause() {
    let mut has_paused = false;
    poll_fn(|_| match mem::replace(&mut has_paused, true) {
        false => Poll::Pending,
        true => Poll::Ready(()),
    })
    .await;
}

/// One of those who read the answer, each from the beginning.
struct Reader {
    flight: Arc<StreamFlight>,
    place: u64,
    next: usize,
    ended: bool,
}

impl Reader {
    /// Ready once the answer has begun.
    fn poll_open(&mut self, cx: &Context<'_>) -> Poll<Result<u32, ModelError>> {
        if let Some(attempts) = self.flight.log.attempts() {
            return Poll::Ready(Ok(attempts));
        }
        let polled = self.flight.future.poll(self.place, cx);
        match (self.flight.log.attempts(), polled) {
            (Some(attempts), _) => Poll::Ready(Ok(attempts)),
            (None, Poll::Pending) => Poll::Pending,
            (None, Poll::Ready(Some(Err(error)))) => Poll::Ready(Err(error)),
            (None, Poll::Ready(_)) => Poll::Ready(Err(ModelError::new(ModelFailure::Panicked, 1))),
        }
    }

    fn take(&mut self) -> Option<Chunk> {
        let chunk = self.flight.log.get(self.next)?;
        self.next += 1;
        match chunk {
            Chunk::Usage(_) if self.place != 0 => Some(Chunk::Usage(Usage::default())),
            chunk => Some(chunk),
        }
    }

    fn panicked(&self) -> ModelError {
        let so_far = self.flight.log.so_far();
        let failure = match so_far.is_empty() {
            true => ModelFailure::Panicked,
            false => Interrupted::new(&so_far, Some(ModelFailure::Panicked)).into(),
        };
        ModelError::new(failure, 1)
    }
}

impl Stream for Reader {
    type Item = Result<Chunk, ModelError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        if let Some(chunk) = this.take() {
            return Poll::Ready(Some(Ok(chunk)));
        }
        let polled = this.flight.future.poll(this.place, cx);
        if let Some(chunk) = this.take() {
            return Poll::Ready(Some(Ok(chunk)));
        }
        let Poll::Ready(outcome) = polled else {
            return Poll::Pending;
        };
        this.ended = true;
        Poll::Ready(match outcome {
            Some(Ok(())) => None,
            Some(Err(error)) => Some(Err(error)),
            None => Some(Err(this.panicked())),
        })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.flight.future.wakers().leave(self.place);
    }
}
