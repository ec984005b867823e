use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::thread;

use fascine_rt::TaskCanceller;
use pin_project_lite::pin_project;

use crate::sync::{Mutex, MutexGuard, lock};

/// The running children of a group, so that one that fails can cancel the others before anybody joins.
#[derive(Default)]
pub(crate) struct Siblings {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The first that failed.
    culprit: Option<usize>,
    running: HashMap<usize, TaskCanceller>,
}

impl Siblings {
    /// Adds a child; in a group that has failed it is cancelled at once.
    pub(crate) fn enter(&self, number: usize, canceller: TaskCanceller) {
        let late = {
            let mut state = self.lock();
            if state.culprit.is_some() {
                Some(canceller)
            } else {
                state.running.insert(number, canceller);
                None
            }
        };
        if let Some(late) = late {
            late.cancel();
        }
    }

    pub(crate) fn leave(&self, number: usize) {
        let left = self.lock().running.remove(&number);
        drop(left);
    }

    /// Cancels everybody but the child that failed.
    pub(crate) fn fail(&self, number: usize) {
        let running = {
            let mut state = self.lock();
            state.culprit = state.culprit.or(Some(number));
            state.running.remove(&number);
            std::mem::take(&mut state.running)
        };
        running.values().for_each(TaskCanceller::cancel);
    }

    /// The child whose failure ended the group.
    pub(crate) fn culprit(&self) -> Option<usize> {
        self.lock().culprit
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

pin_project! {
    /// A child of a group: tells the others how it ended.
    pub(crate) struct Member<F> {
        #[pin]
        future: F,
        number: usize,
        siblings: Arc<Siblings>,
    }

    impl<F> PinnedDrop for Member<F> {
        fn drop(this: Pin<&mut Self>) {
            // A panic unwinds to the task's border, which drops the future only then: `poll` below sees it first.
            this.siblings.leave(this.number);
        }
    }
}

impl<F> Member<F> {
    pub(crate) fn new(future: F, number: usize, siblings: Arc<Siblings>) -> Self {
        Self {
            future,
            number,
            siblings,
        }
    }
}

impl<T, E, F: Future<Output = Result<T, E>>> Future for Member<F> {
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, E>> {
        let this = self.project();
        let on_panic = FailOnPanic {
            number: *this.number,
            siblings: this.siblings,
        };
        let ended = ready!(this.future.poll(cx));
        drop(on_panic);
        match &ended {
            Ok(_) => this.siblings.leave(*this.number),
            Err(_) => this.siblings.fail(*this.number),
        }
        Poll::Ready(ended)
    }
}

struct FailOnPanic<'a> {
    number: usize,
    siblings: &'a Siblings,
}

impl Drop for FailOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.siblings.fail(self.number);
        }
    }
}
