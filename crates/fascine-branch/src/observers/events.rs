use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::EventRecord;
use crate::observers::hub::Hub;
use crate::observers::queue::EventQueue;

/// The events of a branch as a stream, made by [`Branch::events`](crate::Branch::events).
///
/// They come in the order of their numbers. Whoever reads too slowly loses the oldest and is told how many:
/// [`Missed`] stands where they would have stood. The stream ends when the branch is gone; it does not keep it.
///
/// # Cancel safety
///
/// Nothing is lost between two polls. Dropping the stream ends the observation.
#[derive(Debug)]
#[must_use = "streams do nothing unless they are polled"]
pub struct Events {
    hub: Weak<Hub>,
    queue: Arc<EventQueue>,
}

/// So many events were lost, because nobody read them in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{count} events were lost because they were read too slowly")]
#[non_exhaustive]
pub struct Missed {
    /// How many.
    pub count: u64,
}

impl Events {
    pub(crate) fn new(hub: &Arc<Hub>, queue: EventQueue) -> Self {
        let queue = Arc::new(queue);
        hub.add_queue(Arc::clone(&queue));
        Self {
            hub: Arc::downgrade(hub),
            queue,
        }
    }
}

impl Stream for Events {
    type Item = Result<EventRecord, Missed>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.queue.poll(cx)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        if let Some(hub) = self.hub.upgrade() {
            hub.remove_queue(&self.queue);
        }
    }
}
