use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::cancel::place::{Limit, Place};
use crate::cancel::scoped::{Parent, Scoped};

/// Runs a future that belongs to none of the scopes around whoever polls it.
///
/// For work that several callers share, each of whom may poll it: no deadline and no cancelling of one of them reaches
/// inside, and nothing inside keeps the scope of one of them from ending. Whoever is cut lets go of the shared work;
/// the others go on with it.
///
/// This is no [`shield`](fn@crate::shield), which holds up the scope around it: a scope that ends drops its futures, and
/// if this is one of them, it is dropped as well.
///
/// # Cancel safety
///
/// Dropping it drops the future.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::{effective_deadline, fail_after, unscoped};
/// # use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// fail_after(&rt, Duration::from_secs(1), async {
///     assert!(effective_deadline().is_some());
///     assert!(unscoped(async { effective_deadline() }).await.is_none());
/// })
/// .await
/// .unwrap();
/// # });
/// ```
pub fn unscoped<F: Future>(future: F) -> Unscoped<F> {
    Unscoped {
        scoped: Scoped::new(future),
    }
}

pin_project! {
    /// The future of [`unscoped`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Unscoped<F> {
        #[pin]
        scoped: Scoped<F>,
    }
}

impl<F: Future> Future for Unscoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let scoped = self.project().scoped;
        let fresh = || Place::new(None, Limit::Never, false);
        match scoped.poll(cx, Parent::Given, fresh) {
            Poll::Ready(Ok(output)) => Poll::Ready(output),
            // It has no parent, no deadline and no handle: nothing can end it but its future.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }
}
