use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

/// Where [`bounded_map`](crate::bounded_map) takes its items from: anything that can be iterated over, or a stream by
/// [`from_stream`].
pub trait IntoSource {
    /// What it gives.
    type Item;
    /// What gives it.
    type Source: Source<Item = Self::Item>;

    /// Makes a source of it.
    fn into_source(self) -> Self::Source;
}

/// Gives items, now or later. A type of your own implements `Iterator` or `Stream` instead.
pub trait Source {
    /// What it gives.
    type Item;

    /// Takes the next item; `None` is the end, after which it is not asked again.
    fn poll_item(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>>;

    /// How many items are left at least; a hint.
    fn size_hint(&self) -> usize {
        0
    }
}

/// Lets a stream be the source of items.
///
/// An item is taken only when there is room for it. While the stream has none, what runs goes on.
///
/// # Cancel safety
///
/// Items that were taken are lost with the futures that were made of them; the stream is dropped with the map, unless it
/// is borrowed.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::{at_most, bounded_map, from_stream};
/// # fascine_testing::TestRuntime::run(|_| async {
/// // A failure of the stream is one of the map.
/// let lines = futures_lite::stream::iter([Ok("1"), Ok("2"), Err("torn")]);
/// let lengths = bounded_map(from_stream(lines), at_most(2).unwrap(), |line| async move {
///     Ok(line?.len())
/// });
/// assert_eq!(lengths.await, Err("torn"));
/// # });
/// ```
pub fn from_stream<S: Stream>(stream: S) -> FromStream<S> {
    FromStream { stream }
}

pin_project! {
    /// The items of a stream; made by [`from_stream`].
    #[derive(Clone, Debug)]
    #[must_use = "it gives no items on its own"]
    pub struct FromStream<S> {
        #[pin]
        stream: S,
    }
}

impl<S: Stream> IntoSource for FromStream<S> {
    type Item = S::Item;
    type Source = Self;

    fn into_source(self) -> Self {
        self
    }
}

impl<S: Stream> Source for FromStream<S> {
    type Item = S::Item;

    fn poll_item(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.project().stream.poll_next(cx)
    }

    fn size_hint(&self) -> usize {
        self.stream.size_hint().0
    }
}

pin_project! {
    /// The items of an iterator.
    #[derive(Clone, Debug)]
    pub struct FromIter<I> {
        items: I,
    }
}

impl<I: IntoIterator> IntoSource for I {
    type Item = I::Item;
    type Source = FromIter<I::IntoIter>;

    fn into_source(self) -> Self::Source {
        FromIter {
            items: self.into_iter(),
        }
    }
}

impl<I: Iterator> Source for FromIter<I> {
    type Item = I::Item;

    fn poll_item(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
        Poll::Ready(self.project().items.next())
    }

    fn size_hint(&self) -> usize {
        self.items.size_hint().0
    }
}
