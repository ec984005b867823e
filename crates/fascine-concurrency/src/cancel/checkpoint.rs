use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crate::cancel::hold::Observing;
use crate::cancel::node::Node;
use crate::cancel::observers::Observer;
use crate::cancel::place::current;
use crate::sync::{Mutex, lock};

/// The nearest deadline around the code that runs now, or `None` if there is none.
///
/// Scopes set it while they poll their future, so it follows that future across threads and runtimes;
/// [`TaskGroup`](crate::TaskGroup) hands it on to its children. It does not cross a plain `Rt::spawn`, a thread, or
/// blocking work. Deadlines outside a [`shield`](crate::shield) do not reach inside it.
///
/// Code that is about to wait asks it whether the wait can fit. In a scope that was cancelled, but has not ended yet,
/// it is the time of the cancelling: nothing fits.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::{effective_deadline, fail_after};
/// # use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// assert_eq!(effective_deadline(), None);
/// let (soon, later) = (Duration::from_secs(1), Duration::from_secs(9));
/// let inner = fail_after(&rt, later, async { effective_deadline() });
/// let seen = fail_after(&rt, soon, inner).await.unwrap().unwrap();
/// assert_eq!(seen, Some(rt.now() + soon));
/// # });
/// ```
#[must_use]
pub fn effective_deadline() -> Option<Instant> {
    let (deadline, _) = current()?.effective_deadline()?;
    Some(deadline)
}

/// Lets the other tasks run, and ends here if the scope has been cancelled or its deadline has passed.
///
/// For code that computes for long without waiting: nothing can cut it, and no timer can run, unless it gives way
/// now and then.
///
/// # Cancel safety
///
/// Nothing is lost.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::{checkpoint, move_on_after};
/// # use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let endless = async {
///     loop {
///         // A slice of work.
///         checkpoint().await;
///     }
/// };
/// let ended: Option<()> = move_on_after(&rt, Duration::ZERO, endless).await;
/// assert_eq!(ended, None);
/// # });
/// ```
pub async fn checkpoint() {
    if let Some(node) = current() {
        node.visible().for_each(|node| node.check_deadline());
    }
    let mut given_way = false;
    poll_fn(|cx| {
        if given_way {
            return Poll::Ready(());
        }
        given_way = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Returns whether a scope around the code that runs now was cancelled, also one outside a [`shield`](crate::shield).
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::{is_closing, move_on_after, shield};
/// # use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let second = Duration::from_secs(1);
/// let seen = shield(async {
///     rt.sleep(2 * second).await;
///     is_closing()
/// });
/// assert_eq!(move_on_after(&rt, second, seen).await, Some(true));
/// # });
/// ```
#[must_use]
pub fn is_closing() -> bool {
    current().is_some_and(|node| is_closing_at(&node))
}

fn is_closing_at(node: &Arc<Node>) -> bool {
    node.chain().any(|node| node.is_cancelled())
}

/// Waits until a scope around the caller is cancelled, also one outside a [`shield`](crate::shield): for shielded code
/// that wants to hurry then.
///
/// Without a scope around it waits for ever.
///
/// # Cancel safety
///
/// Nothing is lost.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::{closing, move_on_after, shield};
/// # use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let (started, second) = (rt.now(), Duration::from_secs(1));
/// move_on_after(&rt, second, shield(closing())).await;
/// assert_eq!(rt.now() - started, second);
/// # });
/// ```
pub fn closing() -> Closing {
    Closing {
        bell: Arc::new(Bell(Mutex::new(None))),
        observing: Vec::new(),
    }
}

/// The future of [`closing`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Closing {
    bell: Arc<Bell>,
    observing: Vec<Observing>,
}

impl Future for Closing {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let former = lock(&self.bell.0).replace(cx.waker().clone());
        drop(former);
        let Some(node) = current() else {
            self.observing.clear();
            return Poll::Pending;
        };
        let is_known = |observing: &[Observing]| {
            let known = observing
                .iter()
                .map(|observing| Arc::as_ptr(observing.node()));
            known.eq(node.chain().map(|node| Arc::as_ptr(&node)))
        };
        if !is_known(&self.observing) {
            let bell: Weak<dyn Observer> = {
                let weak: Weak<Bell> = Arc::downgrade(&self.bell);
                weak
            };
            let observing = node.chain().map(|node| Observing::new(node, bell.clone()));
            self.observing = observing.collect();
        }
        if is_closing_at(&node) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

#[derive(Debug)]
struct Bell(Mutex<Option<Waker>>);

impl Observer for Bell {
    fn tell(&self) {
        let waker = lock(&self.0).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
