//! Streams that other threads push to.

use std::future::{Ready, poll_fn, ready};
use std::task::Poll;

use crate::CompletionStream;
use crate::combinators::model_gate::block_on;

/// Waits until so many futures have ended, for which others must push them.
fn take(stream: &mut CompletionStream<Ready<u32>>, outputs: usize) -> Vec<u32> {
    let mut taken = Vec::new();
    while taken.len() < outputs {
        let next = block_on(poll_fn(|cx| match stream.poll_next(cx) {
            // Nothing is left now, but something will come.
            Poll::Ready(None) => Poll::Pending,
            next => next,
        }));
        taken.extend(next.map(|(_, output)| output));
    }
    taken
}

#[cfg(loom)]
#[test]
fn a_push_from_another_thread_is_noticed() {
    loom::model(|| {
        let mut stream = CompletionStream::new();
        let pusher = stream.pusher();
        // Kept here too: what a pusher does on its way out is counted by std.
        let kept = pusher.clone();
        let pushing = loom::thread::spawn(move || pusher.push(ready(7)).is_ok());
        assert_eq!(take(&mut stream, 1), [7]);
        assert!(pushing.join().unwrap());
        drop(kept);
    });
}

#[cfg(all(shuttle, not(loom)))]
#[test]
fn pushes_from_many_threads_are_noticed() {
    shuttle::check_random(
        || {
            let mut stream = CompletionStream::new();
            let pusher = stream.pusher();
            let pushing: Vec<_> = (0..3)
                .map(|n| {
                    let pusher = pusher.clone();
                    shuttle::thread::spawn(move || pusher.push(ready(n)).is_ok())
                })
                .collect();
            let mut outputs = take(&mut stream, 3);
            outputs.sort_unstable();
            assert_eq!(outputs, [0, 1, 2]);
            assert!(pushing.into_iter().all(|pushing| pushing.join().unwrap()));
        },
        1000,
    );
}
