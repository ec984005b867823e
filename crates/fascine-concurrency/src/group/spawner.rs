use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::cancel::Node;
use crate::group::child_handle::ChildHandle;
use crate::group::member::{End, Sink};
use crate::group::results::Report;
use crate::group::shared::Shared;
use crate::group::slot::GroupFull;
use crate::group::start::{Plain, Ready, Start};

/// Starts children in a [`TaskGroup`](crate::TaskGroup) from somewhere else: from one of its children, from another
/// task.
///
/// Clones are cheap and mean the same group.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::TaskGroup;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let group = TaskGroup::<u32, ()>::new(&rt);
/// let spawner = group.spawner();
/// group.spawn(async move {
///     spawner.spawn(async { Ok(2) }).unwrap(); // A child of the group, not of this child.
///     Ok(1)
/// });
/// assert_eq!(group.join().await.unwrap(), [1, 2]);
/// # });
/// ```
pub struct Spawner<T: Send + 'static, E: Send + 'static> {
    shared: Arc<Shared<T, E>>,
}

/// The group has been joined or dropped: it takes no more children.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the group has ended")]
pub struct GroupEnded(());

impl<T: Send + 'static, E: Send + 'static> Spawner<T, E> {
    pub(crate) fn new(shared: Arc<Shared<T, E>>) -> Self {
        Self { shared }
    }

    /// Starts a child, as [`TaskGroup::spawn`](crate::TaskGroup::spawn) does.
    ///
    /// # Errors
    ///
    /// [`GroupEnded`] when the group has been joined or dropped; the future is dropped.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Result<(), GroupEnded>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.shared
            .spawn(None, None, future, Plain)
            .map_err(|_| GroupEnded(()))
    }

    /// Starts a child if there is room for it, as [`TaskGroup::try_spawn`](crate::TaskGroup::try_spawn) does. In a group
    /// that has ended there is none.
    ///
    /// # Errors
    ///
    /// [`GroupFull`] when there is not; it has the future.
    #[track_caller]
    pub fn try_spawn<F>(&self, future: F) -> Result<(), GroupFull<F>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        match self.shared.try_slot() {
            Ok(slot) if !self.shared.census().is_closed() => {
                // If it is closed just now the future is dropped, as that of a child that was cancelled at once.
                let _ = self.shared.spawn(slot, None, future, Plain);
                Ok(())
            }
            _ => Err(GroupFull::new(future)),
        }
    }

    /// Waits until there is room for a child, and starts it then, as
    /// [`TaskGroup::spawn_when_free`](crate::TaskGroup::spawn_when_free) does.
    ///
    /// # Errors
    ///
    /// [`GroupEnded`] when the group has been joined or dropped; the future is dropped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the child, which has not begun, and gives its place to the next.
    pub async fn spawn_when_free<F>(&self, future: F) -> Result<(), GroupEnded>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let slot = self.shared.slot().await;
        self.shared
            .spawn(slot, None, future, Plain)
            .map_err(|_| GroupEnded(()))
    }

    /// Starts a child whose output goes to a handle, as
    /// [`TaskGroup::spawn_with_handle`](crate::TaskGroup::spawn_with_handle) does. In a group that has ended, the child
    /// counts as cancelled.
    #[track_caller]
    pub fn spawn_with_handle<U, F>(&self, future: F) -> ChildHandle<U>
    where
        U: Send + 'static,
        F: Future<Output = Result<U, E>> + Send + 'static,
    {
        let node = self.child_node();
        let (handle, sink) = ChildHandle::new(Arc::clone(&node));
        if let Err(sink) = self.shared.spawn(None, Some(node), future, sink) {
            let _: Report<T, E> = sink.take(End::Cancelled);
        }
        handle
    }

    /// Starts a child and waits until it is ready, as [`TaskGroup::start`](crate::TaskGroup::start) does.
    #[track_caller]
    pub fn start<R, F>(&self, make: impl FnOnce(Ready<R>) -> F) -> Start<R, E>
    where
        R: Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let node = self.child_node();
        let (start, ready, sink) = Start::new(Arc::clone(&node));
        if let Err(sink) = self.shared.spawn(None, Some(node), make(ready), sink) {
            let _: Report<T, E> = sink.take(End::Cancelled);
        }
        start
    }

    fn child_node(&self) -> Arc<Node> {
        let group = Arc::clone(self.shared.node());
        Node::new(Some(group), Some(self.shared.rt().clone()), None, false)
    }
}

impl<T: Send, E: Send> Clone for Spawner<T, E> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T: Send, E: Send> fmt::Debug for Spawner<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawner").finish_non_exhaustive()
    }
}
