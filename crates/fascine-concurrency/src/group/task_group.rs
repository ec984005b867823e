use std::fmt;
use std::future::{Future, poll_fn};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::task::{Poll, ready};

use fascine_rt::Rt;

use crate::cancel::current;
use crate::group::child_handle::ChildHandle;
use crate::group::group_handle::GroupHandle;
use crate::group::shared::Shared;
use crate::group::slot::GroupFull;
use crate::group::spawner::Spawner;
use crate::group::start::{Ready, Start};
use crate::{ChildError, JoinErrors};

/// Tasks that run in parallel and end together.
///
/// Children are spawned on the runtime, so they own what they use. [`join`](Self::join) waits for all of them; the
/// first that fails or panics ends the group: the others are cancelled at once, children that are spawned later too, and
/// `join` returns when the last of them is gone.
///
/// The group belongs to the scope in which it was made: its children see that scope's
/// [deadline](crate::effective_deadline), and are cancelled with it; a scope that is cancelled or runs out of time does
/// not end before the last of them is gone. **Dropping** the group, or the future of `join`, cancels every child but
/// cannot wait for them.
///
/// # Defaults
///
/// - a failure cancels the others: see [`supervised`](Self::supervised)
/// - outputs are kept for `join`: see [`discarding`](Self::discarding)
/// - no limit: see [`with_limit`](Self::with_limit)
///
/// For futures that borrow, use [`scope`](crate::scope) or [`gather`](crate::gather): they share the task they are in.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::TaskGroup;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let group = TaskGroup::new(&rt);
/// for n in [3, 1, 2] {
///     group.spawn(async move { Ok::<_, std::num::ParseIntError>(n * 10) });
/// }
/// assert_eq!(group.join().await.unwrap(), [30, 10, 20]);
/// # });
/// ```
#[must_use = "dropping a group cancels its children"]
pub struct TaskGroup<T: Send + 'static, E: Send + 'static> {
    shared: Arc<Shared<T, E>>,
}

impl<T: Send + 'static, E: Send + 'static> TaskGroup<T, E> {
    /// Makes an empty group whose children run on `rt`.
    pub fn new(rt: &Rt) -> Self {
        Self {
            shared: Shared::new(rt, current()),
        }
    }

    /// Runs no more than `limit` children at once; others wait for their turn inside the group, in order.
    ///
    /// To wait outside instead, see [`spawn_when_free`](Self::spawn_when_free).
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::TaskGroup;
    /// # use std::{num::NonZeroUsize, time::Duration};
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let (started, second) = (rt.now(), Duration::from_secs(1));
    /// let group = TaskGroup::<(), ()>::new(&rt).with_limit(NonZeroUsize::new(2).unwrap());
    /// for _ in 0..6 {
    ///     let clock = rt.clone();
    ///     group.spawn(async move { Ok(clock.sleep(second).await) });
    /// }
    /// group.join().await.unwrap();
    /// assert_eq!(rt.now() - started, 3 * second);
    /// # });
    /// ```
    pub fn with_limit(self, limit: NonZeroUsize) -> Self {
        self.shared.set_limit(limit.get());
        self
    }

    /// Lets children run on when one fails or panics; `join` still reports the failures, and
    /// [`join_all`](Self::join_all) tells one child from another.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::TaskGroup;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let group = TaskGroup::new(&rt).supervised();
    /// group.spawn(async { Err("no") });
    /// group.spawn(async { Ok(2) });
    /// let ends = group.join_all().await;
    /// assert!(ends[0].is_err());
    /// assert_eq!(ends[1].as_ref().unwrap(), &2);
    /// # });
    /// ```
    pub fn supervised(self) -> Self {
        self.shared.supervise();
        self
    }

    /// Drops the outputs of children as they come, and all trace of those that ended well: a server that spawns a child
    /// for each connection can run for months. `join` gives no outputs; of failures, the first 101 are kept.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::TaskGroup;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let connections = TaskGroup::<(), std::io::Error>::new(&rt).supervised().discarding();
    /// for _ in 0..1000 {
    ///     connections.spawn(async { Ok(()) });
    /// }
    /// assert_eq!(connections.join().await.unwrap(), []);
    /// # });
    /// ```
    pub fn discarding(self) -> Self {
        self.shared.discard();
        self
    }

    /// Starts a child, or queues it if the [limit](Self::with_limit) is reached.
    #[track_caller]
    pub fn spawn<F>(&self, future: F)
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        // A group that somebody still has takes children.
        let _ = self.spawner().spawn(future);
    }

    /// Starts a child if there is room for it.
    ///
    /// # Errors
    ///
    /// [`GroupFull`](crate::GroupFull) when the [limit](Self::with_limit) is reached; it has the future.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::TaskGroup;
    /// # use std::num::NonZeroUsize;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let group = TaskGroup::<_, ()>::new(&rt).with_limit(NonZeroUsize::MIN);
    /// group.try_spawn(async { Ok(1) }).unwrap();
    /// let full = group.try_spawn(async { Ok(2) }).unwrap_err();
    /// group.spawn(full.into_future()); // Queue it then.
    /// assert_eq!(group.join().await.unwrap(), [1, 2]);
    /// # });
    /// ```
    #[track_caller]
    pub fn try_spawn<F>(&self, future: F) -> Result<(), GroupFull<F>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.spawner().try_spawn(future)
    }

    /// Waits until there is room for a child, and starts it then: whoever makes the children is held up, and not more of
    /// them are made than can run. Those who wait, and queued children, have their turns in the order they came.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the child, which has not begun, and gives its place to the next.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::TaskGroup;
    /// # use std::num::NonZeroUsize;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let group = TaskGroup::<_, ()>::new(&rt).with_limit(NonZeroUsize::new(8).unwrap());
    /// for n in 0..1000 {
    ///     group.spawn_when_free(async move { Ok(n) }).await;
    /// }
    /// assert_eq!(group.join().await.unwrap().len(), 1000);
    /// # });
    /// ```
    pub async fn spawn_when_free<F>(&self, future: F)
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        // A group that somebody still has takes children.
        let _ = self.spawner().spawn_when_free(future).await;
    }

    /// Starts a child whose output, of any type, goes to the returned handle instead of to `join`. Its failures go to
    /// the group, as all do.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::TaskGroup;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let group = TaskGroup::<(), ()>::new(&rt);
    /// let name = group.spawn_with_handle(async { Ok("fascine") });
    /// assert_eq!(name.await, Ok("fascine"));
    /// group.join().await.unwrap();
    /// # });
    /// ```
    #[track_caller]
    pub fn spawn_with_handle<U, F>(&self, future: F) -> ChildHandle<U>
    where
        U: Send + 'static,
        F: Future<Output = Result<U, E>> + Send + 'static,
    {
        self.spawner().spawn_with_handle(future)
    }

    /// Starts a child and waits until it says that it is [ready](Ready::set).
    ///
    /// An end before that goes to the caller alone: the group goes on. After that the child is one like the others.
    ///
    /// # Errors
    ///
    /// [`StartError`](crate::StartError) when the child ended first.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before the child is ready cancels the child.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::TaskGroup;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let group = TaskGroup::<(), std::io::Error>::new(&rt);
    /// let port = group.start(|ready| async move {
    ///     ready.set(8080); // once it listens
    ///     Ok(())
    /// });
    /// assert_eq!(port.await.unwrap(), 8080);
    /// group.join().await.unwrap();
    /// # });
    /// ```
    #[track_caller]
    pub fn start<R, F>(&self, make: impl FnOnce(Ready<R>) -> F) -> Start<R, E>
    where
        R: Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.spawner().start(make)
    }

    /// Makes a handle to start children from elsewhere, also from the group's own children.
    #[must_use]
    pub fn spawner(&self) -> Spawner<T, E> {
        Spawner::new(Arc::clone(&self.shared))
    }

    /// Makes a handle to cancel the group from anywhere.
    #[must_use]
    pub fn handle(&self) -> GroupHandle {
        GroupHandle::new(Arc::clone(&self.shared))
    }

    /// How many children were started or queued, in all.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.census().spawned()
    }

    /// Returns whether there has never been a child.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many children have not ended.
    #[must_use]
    pub fn running(&self) -> usize {
        self.shared.census().alive()
    }

    /// Waits for every child and gives their outputs in the order they were started.
    ///
    /// # Errors
    ///
    /// [`JoinErrors`] when a child failed or panicked, once all the others are gone; also when the group was cancelled
    /// before all its children had ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels every child; outputs are lost.
    pub async fn join(self) -> Result<Vec<T>, JoinErrors<E>> {
        self.wait().await;
        self.shared.take_results().into_outputs()
    }

    /// Waits for every child and says how each ended, in the order they were started.
    ///
    /// A child whose output went to a handle is left out, unless it failed. A [discarding](Self::discarding) group gives
    /// the failures alone.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels every child; outputs are lost.
    pub async fn join_all(self) -> Vec<Result<T, ChildError<E>>> {
        self.wait().await;
        self.shared.take_results().into_all()
    }

    async fn wait(&self) {
        poll_fn(|cx| {
            ready!(self.shared.poll_closed(cx.waker()));
            if self.shared.was_cut_with_caller() {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
    }
}

impl<T: Send + 'static, E: Send + 'static> Drop for TaskGroup<T, E> {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl<T: Send + 'static, E: Send + 'static> fmt::Debug for TaskGroup<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup")
            .field("spawned", &self.len())
            .field("running", &self.running())
            .finish_non_exhaustive()
    }
}
