use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::OpenQuestion;
use crate::desk::Desk;

/// The questions of a [`FlowRun`](crate::FlowRun), as they are asked: first those that are open already. It ends with
/// the run. What is answered before it is read is not told any more; nothing else is ever missed.
pub struct Questions {
    desk: Arc<Desk>,
    reader: u64,
    /// The number of the first question that was not told.
    next: u64,
}

impl Questions {
    pub(crate) fn new(desk: &Arc<Desk>) -> Self {
        Self {
            desk: Arc::clone(desk),
            reader: desk.reader(),
            next: 0,
        }
    }

    /// Waits for the next question; `None` after the last.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: a question stays until the poll that returns it.
    pub async fn next(&mut self) -> Option<Arc<OpenQuestion>> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// All questions that wait for an answer, in the order they were asked, whether told or not.
    #[must_use]
    pub fn open(&self) -> Vec<Arc<OpenQuestion>> {
        self.desk.questions()
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Arc<OpenQuestion>>> {
        let polled = self.desk.poll_next(self.reader, self.next, cx.waker());
        polled.map(|next| {
            let (next, question) = next?;
            self.next = next;
            Some(question)
        })
    }
}

impl Stream for Questions {
    type Item = Arc<OpenQuestion>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll(cx)
    }
}

impl Drop for Questions {
    fn drop(&mut self) {
        self.desk.forget_reader(self.reader);
    }
}

impl fmt::Debug for Questions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Questions")
            .field("open", &self.open())
            .finish_non_exhaustive()
    }
}
