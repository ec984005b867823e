use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::Arc;

use fascine_rt::{JoinError, Rt, Task};

use crate::ambient::Inherit;
use crate::children::Children;
use crate::siblings::{Member, Siblings};
use crate::{ChildError, JoinErrors};

/// Tasks that run in parallel and end together.
///
/// Children are spawned on the runtime, so they own what they use. [`join`](Self::join) waits for all of them; the
/// first that fails or panics ends the group: the others are cancelled at once, children that are spawned later too, and
/// `join` returns when the last of them is gone. Dropping the group, or the future of `join`, cancels every child, but
/// cannot wait for them.
///
/// Children inherit the ambient [`effective_deadline`](crate::effective_deadline).
///
/// For futures that borrow, or that are cheap enough to share a thread, use [`gather`](crate::gather).
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::TaskGroup;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let mut group = TaskGroup::new(&rt);
/// for n in [3, 1, 2] {
///     group.spawn(async move { Ok::<_, std::num::ParseIntError>(n * 10) });
/// }
/// assert_eq!(group.join().await.unwrap(), [30, 10, 20]);
/// # });
/// ```
pub struct TaskGroup<T, E> {
    rt: Rt,
    children: Children<Task<Result<T, E>>>,
    siblings: Arc<Siblings>,
    spawned: usize,
}

impl<T: Send + 'static, E: Send + 'static> TaskGroup<T, E> {
    /// Makes an empty group whose children run on `rt`.
    #[must_use]
    pub fn new(rt: &Rt) -> Self {
        Self {
            rt: rt.clone(),
            children: Children::new(),
            siblings: Arc::default(),
            spawned: 0,
        }
    }

    /// Starts a child.
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F)
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let member = Member::new(
            Inherit::new(future),
            self.spawned,
            Arc::clone(&self.siblings),
        );
        let task = self.rt.spawn(member);
        self.siblings.enter(self.spawned, task.canceller());
        if task.is_finished() {
            // It left before it was entered.
            self.siblings.leave(self.spawned);
        }
        self.children.push(self.spawned, task);
        self.spawned += 1;
    }

    /// How many children were started.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spawned
    }

    /// Returns whether no child was started.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spawned == 0
    }

    /// Waits for every child and gives their outputs in the order they were started.
    ///
    /// # Errors
    ///
    /// [`JoinErrors`] when a child failed or panicked, once all the others are gone.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels every child; outputs are lost.
    pub async fn join(mut self) -> Result<Vec<T>, JoinErrors<E>> {
        let mut outputs = Vec::new();
        outputs.resize_with(self.spawned, || None);
        let mut errors: Option<JoinErrors<E>> = None;
        while let Some((index, ended)) = poll_fn(|cx| self.children.poll_next(cx)).await {
            let error = match ended {
                Ok(Ok(output)) => {
                    outputs[index] = Some(output);
                    continue;
                }
                Ok(Err(error)) => ChildError::Failed(error),
                Err(JoinError::Panicked(panic)) => ChildError::Panicked(panic),
                Err(JoinError::Cancelled) if self.siblings.culprit().is_some() => continue,
                Err(JoinError::Cancelled) => ChildError::Cancelled,
            };
            match &mut errors {
                // Others may be gone, and have failed on their way out, before the one that began it is.
                Some(errors) if self.siblings.culprit() == Some(index) => {
                    let later = std::mem::replace(&mut errors.first, error);
                    errors.push(later);
                }
                Some(errors) => errors.push(error),
                None => errors = Some(JoinErrors::new(error)),
            }
        }
        match errors {
            Some(errors) => Err(errors),
            None => Ok(outputs.into_iter().flatten().collect()),
        }
    }
}

impl<T, E> fmt::Debug for TaskGroup<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup")
            .field("spawned", &self.spawned)
            .finish_non_exhaustive()
    }
}
