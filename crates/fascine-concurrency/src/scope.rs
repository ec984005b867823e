mod handle;

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::CompletionStream;
use crate::sync::{Mutex, lock};

pub use handle::ScopedHandle;
use handle::handle;

/// Runs `body`, and the children it spawns, together inside the caller's task; ends when all of them have.
///
/// Children may borrow whatever outlives the scope, and spawn further children. They run concurrently, not in parallel:
/// they share the caller's task, and so its thread. The first error, of the body or of a child, ends the scope: everything
/// else is dropped, then the error is returned. A panic drops everything else too before it goes on.
///
/// This and [`TaskGroup`](crate::TaskGroup), whose children run in parallel but own what they use, are all the forms there
/// are. A third, whose children both borrow and run in parallel, cannot be sound: a future may be forgotten after its
/// first poll, its destructor never runs, and what its children on other threads still borrow is freed.
///
/// For children of one type [`gather`](crate::gather) and [`bounded_map`](crate::bounded_map) are cheaper: they do not box
/// each child as another type.
///
/// # Errors
///
/// The first error, in time.
///
/// # Cancel safety
///
/// Dropping it drops the body and every child.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::scope;
/// # fascine_testing::TestRuntime::run(|_| async {
/// let words = ["to", "gather"].map(str::to_owned);
/// let total = scope(async |s| {
///     let [first, second] = [0, 1].map(|n| {
///         let word = &words[n]; // borrowed
///         s.spawn(async move { Ok::<_, std::io::Error>(word.len()) })
///     });
///     Ok(first.await.unwrap() + second.await.unwrap())
/// });
/// assert_eq!(total.await.unwrap(), 8);
/// # });
/// ```
pub fn scope<'env, F, B, R, E>(body: F) -> Scope<'env, R, E>
where
    F: FnOnce(ScopeSpawner<'env, E>) -> B,
    B: Future<Output = Result<R, E>> + Send + 'env,
    R: Send + 'env,
    E: 'env,
{
    let shared = Arc::new(Shared::new());
    let output = Arc::new(Mutex::new(None));
    let body = {
        let body = body(ScopeSpawner {
            shared: Arc::clone(&shared),
        });
        let output = Arc::clone(&output);
        async move {
            *lock(&output) = Some(body.await?);
            Ok(())
        }
    };
    let mut children = CompletionStream::new();
    let body: Child<'env, E> = Box::pin(body);
    children.push(body);
    Scope {
        shared,
        children,
        output,
    }
}

/// The future of [`scope`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Scope<'env, R, E> {
    shared: Arc<Shared<'env, E>>,
    children: CompletionStream<Child<'env, E>>,
    output: Arc<Mutex<Option<R>>>,
}

type Child<'env, E> = Pin<Box<dyn Future<Output = Result<(), E>> + Send + 'env>>;

impl<R, E> Scope<'_, R, E> {
    fn poll_children(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        for _ in 0..YIELD_AFTER {
            for child in self.shared.take() {
                self.children.push(child);
            }
            match self.children.poll_next(cx) {
                Poll::Ready(Some((_, Ok(())))) => {}
                Poll::Ready(Some((_, Err(error)))) => return Poll::Ready(Err(error)),
                Poll::Ready(None) if self.shared.close_if_empty() => return Poll::Ready(Ok(())),
                Poll::Ready(None) => {}
                Poll::Pending if self.shared.wait(cx.waker()) => return Poll::Pending,
                Poll::Pending => {}
            }
        }
        // Children that spawn children without end must not keep the executor from its other tasks.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Drops whatever is left.
    fn clear(&mut self) {
        self.children = CompletionStream::new();
        self.shared.close();
    }
}

impl<R, E> Future for Scope<'_, R, E> {
    type Output = Result<R, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = catch_unwind(AssertUnwindSafe(|| self.poll_children(cx)));
        let ended = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(ended)) => ended,
            Err(payload) => {
                self.clear();
                resume_unwind(payload)
            }
        };
        self.clear();
        let output = lock(&self.output).take();
        Poll::Ready(ended.map(|()| output.expect("a scope is not polled after it ended")))
    }
}

impl<R, E> Drop for Scope<'_, R, E> {
    fn drop(&mut self) {
        self.clear();
    }
}

impl<R, E> fmt::Debug for Scope<'_, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("running", &self.children.len())
            .finish_non_exhaustive()
    }
}

/// Starts children in a [`scope`]; passed to its body. Clones mean the same scope.
pub struct ScopeSpawner<'env, E> {
    shared: Arc<Shared<'env, E>>,
}

impl<'env, E: 'env> ScopeSpawner<'env, E> {
    /// Starts a child.
    ///
    /// Its output goes to the returned handle, which need not be kept; its error ends the scope. In a scope that has ended
    /// the future is dropped.
    pub fn spawn<F, T>(&self, future: F) -> ScopedHandle<T>
    where
        F: Future<Output = Result<T, E>> + Send + 'env,
        T: Send + 'env,
    {
        let (handle, sender) = handle();
        self.shared.push(Box::pin(async move {
            sender.send(future.await?);
            Ok(())
        }));
        handle
    }
}

impl<E> Clone for ScopeSpawner<'_, E> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<E> fmt::Debug for ScopeSpawner<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeSpawner").finish_non_exhaustive()
    }
}

/// Children on their way into a scope.
struct Shared<'env, E>(Mutex<Arriving<'env, E>>);

struct Arriving<'env, E> {
    children: Vec<Child<'env, E>>,
    scope: Option<Waker>,
    closed: bool,
}

impl<'env, E> Shared<'env, E> {
    fn new() -> Self {
        Self(Mutex::new(Arriving {
            children: Vec::new(),
            scope: None,
            closed: false,
        }))
    }

    fn push(&self, child: Child<'env, E>) {
        let mut arriving = lock(&self.0);
        if arriving.closed {
            drop(arriving);
            drop(child);
            return;
        }
        arriving.children.push(child);
        let scope = arriving.scope.take();
        drop(arriving);
        if let Some(scope) = scope {
            scope.wake();
        }
    }

    fn take(&self) -> Vec<Child<'env, E>> {
        std::mem::take(&mut lock(&self.0).children)
    }

    /// Has the next child wake the scope; returns false if one is there already.
    fn wait(&self, scope: &Waker) -> bool {
        let scope = scope.clone();
        let mut arriving = lock(&self.0);
        let former = arriving.scope.replace(scope);
        let is_empty = arriving.children.is_empty();
        drop(arriving);
        drop(former);
        is_empty
    }

    fn close_if_empty(&self) -> bool {
        let mut arriving = lock(&self.0);
        arriving.closed = arriving.children.is_empty();
        arriving.closed
    }

    fn close(&self) {
        let (children, scope) = {
            let mut arriving = lock(&self.0);
            arriving.closed = true;
            (
                std::mem::take(&mut arriving.children),
                arriving.scope.take(),
            )
        };
        drop(children);
        drop(scope);
    }
}

const YIELD_AFTER: usize = 256;
