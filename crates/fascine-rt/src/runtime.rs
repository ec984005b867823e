use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use crate::block_on::park_on;

/// A future on the heap, of a type that nobody needs to name.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// The operations that this workspace asks of a runtime.
///
/// Implement it to run everything here on a runtime of your own, then wrap it in [`Rt`](crate::Rt). An implementation
/// decides *where* things run; what happens on join, cancel and panic is decided above it, by [`Task`](crate::Task).
///
/// # Contract
///
/// - `spawn` runs the future to its end, without being polled by anyone else, and drops it in place. On a runtime
///   that is shut down it may drop the future at once: the task then counts as cancelled. The futures passed in never
///   unwind.
/// - `sleep_until` completes at or after `deadline`, on the clock of `now`, whichever thread and executor polls it; a
///   deadline in the past completes at its first poll.
/// - `now` never goes backwards.
/// - `spawn_blocking` runs the closure on a thread where blocking delays no task. The closures passed in never unwind.
///
/// # Examples
///
/// A thread for each task:
///
/// ```
/// use fascine_rt::{BoxFuture, Rt, Runtime};
/// use std::future::{Future, poll_fn};
/// use std::sync::Arc;
/// use std::task::{Context, Poll, Wake};
/// use std::thread::{self, Thread};
/// use std::time::Instant;
///
/// struct Unpark(Thread);
/// impl Wake for Unpark {
///     fn wake(self: Arc<Self>) { self.0.unpark() }
/// }
///
/// #[derive(Debug)]
/// struct ThreadPerTask;
///
/// impl Runtime for ThreadPerTask {
///     fn spawn(&self, mut future: BoxFuture<()>) {
///         thread::spawn(move || {
///             let waker = Arc::new(Unpark(thread::current())).into();
///             while future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
///                 thread::park();
///             }
///         });
///     }
///     fn sleep_until(&self, deadline: Instant) -> BoxFuture<()> {
///         Box::pin(poll_fn(move |cx| {
///             let left = deadline.saturating_duration_since(Instant::now());
///             if left.is_zero() { return Poll::Ready(()) }
///             let waker = cx.waker().clone();
///             thread::spawn(move || { thread::sleep(left); waker.wake() });
///             Poll::Pending
///         }))
///     }
///     fn now(&self) -> Instant { Instant::now() }
///     fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) { thread::spawn(work); }
/// }
///
/// let rt = Rt::new(ThreadPerTask);
/// let task = rt.spawn(async { 6 * 7 });
/// # let answer = fascine_rt::doc::Threads.block_on(task);
/// # assert_eq!(answer.unwrap(), 42);
/// ```
pub trait Runtime: Any + fmt::Debug + Send + Sync {
    /// Runs `future` to its end in the background.
    fn spawn(&self, future: BoxFuture<()>);

    /// Returns a future that completes once [`now`](Self::now) has reached `deadline`.
    fn sleep_until(&self, deadline: Instant) -> BoxFuture<()>;

    /// Reads the runtime's clock.
    fn now(&self) -> Instant;

    /// Runs `work` on a thread where it may block.
    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>);

    /// Runs `future` on this thread until it ends, and with it whatever of the runtime runs only while somebody drives
    /// it. The default parks the thread while the future waits, which is right where tasks and timers have threads of
    /// their own.
    fn drive(&self, future: Pin<&mut (dyn Future<Output = ()> + '_)>) {
        park_on(future);
    }
}
