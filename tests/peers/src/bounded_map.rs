use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use fascine_concurrency::{at_most, bounded_map, bounded_map_stream, bounded_map_unordered};
use futures_buffered::BufferedStreamExt;
use futures_lite::future::block_on;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};

use crate::harness::{Options, peer};

/// Many items, each of which waits once, with a limit.
pub(crate) fn run(options: &Options) {
    let name = format!("bounded_map/{ITEMS}");
    let Ok(limit) = at_most(LIMIT) else { return };
    options.compare(
        &name,
        ITEMS,
        || drop(black_box(block_on(bounded_map(0..ITEMS, limit, once)))),
        vec![
            peer("futures try_buffer_unordered", || {
                let items = stream::iter((0..ITEMS).map(|n| Ok(once(n))));
                let all = items.try_buffer_unordered(LIMIT);
                drop(black_box(block_on(all.try_collect::<Vec<_>>())));
            }),
            peer("futures buffer_unordered", || {
                let all = stream::iter(0..ITEMS).map(once).buffer_unordered(LIMIT);
                drop(black_box(block_on(all.collect::<Vec<_>>())));
            }),
            peer("futures-buffered buffered_ordered", || {
                let all =
                    BufferedStreamExt::buffered_ordered(stream::iter(0..ITEMS).map(once), LIMIT);
                drop(black_box(block_on(all.collect::<Vec<_>>())));
            }),
            peer("futures-buffered buffered_unordered", || {
                let all =
                    BufferedStreamExt::buffered_unordered(stream::iter(0..ITEMS).map(once), LIMIT);
                drop(black_box(block_on(all.collect::<Vec<_>>())));
            }),
        ],
    );
    options.compare(
        &format!("bounded_map/unordered/{ITEMS}"),
        ITEMS,
        || consume(bounded_map_unordered(0..ITEMS, limit, once)),
        vec![
            peer("futures buffer_unordered", || {
                consume(stream::iter(0..ITEMS).map(once).buffer_unordered(LIMIT));
            }),
            peer("futures-buffered buffered_unordered", || {
                let items = stream::iter(0..ITEMS).map(once);
                consume(BufferedStreamExt::buffered_unordered(items, LIMIT));
            }),
        ],
    );
    options.compare(
        &format!("bounded_map/stream/{ITEMS}"),
        ITEMS,
        || consume(bounded_map_stream(0..ITEMS, limit, once)),
        vec![
            peer("futures buffered", || {
                consume(StreamExt::buffered(stream::iter(0..ITEMS).map(once), LIMIT));
            }),
            peer("futures-buffered buffered_ordered", || {
                let items = stream::iter(0..ITEMS).map(once);
                consume(BufferedStreamExt::buffered_ordered(items, LIMIT));
            }),
        ],
    );
}

fn consume(outputs: impl Stream) {
    let mut outputs = pin!(outputs);
    block_on(async {
        while let Some(output) = outputs.next().await {
            black_box(output);
        }
    });
}

fn once(number: u32) -> Once {
    Once {
        number,
        waited: false,
    }
}

/// A future that waits once.
struct Once {
    number: u32,
    waited: bool,
}

impl Future for Once {
    type Output = Result<u32, ()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.waited {
            return Poll::Ready(Ok(self.number));
        }
        self.waited = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

const ITEMS: u32 = 10_000;
const LIMIT: usize = 64;
