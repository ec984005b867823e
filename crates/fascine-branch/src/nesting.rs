//! Which turns wait for what is polled right now: how a tool that would wait for itself is told.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;

use fascine_concurrency::Lock;

use crate::{Branch, BranchError, TurnId};

/// A call of a tool, and the call within which it was made.
#[derive(Debug)]
pub(crate) struct Frame {
    /// The lock of the turn that waits for the call; none if it was called outside of one.
    turn: Option<Arc<Lock<()>>>,
    outer: Option<Arc<Self>>,
    depth: usize,
}

impl Frame {
    /// A call that is made now, by the model of `branch`.
    pub(crate) fn of(branch: &Branch, turn: Option<TurnId>) -> Arc<Self> {
        let outer = current();
        Arc::new(Self {
            turn: turn.map(|_| Arc::clone(branch.turn_lock())),
            depth: outer.as_ref().map_or(0, |frame| frame.depth) + 1,
            outer,
        })
    }

    pub(crate) fn depth(&self) -> usize {
        self.depth
    }
}

/// How many calls of tools what is polled now lies within.
pub(crate) fn depth() -> usize {
    current().map_or(0, |frame| frame.depth)
}

/// Refuses a turn of `branch` that would wait for the turn which waits for it.
pub(crate) fn check(branch: &Branch) -> Result<(), BranchError> {
    let mut frame = current();
    while let Some(inner) = frame {
        if let Some(turn) = &inner.turn
            && Arc::ptr_eq(turn, branch.turn_lock())
        {
            let branch = branch.name().to_owned();
            return Err(BranchError::WithinItself { branch });
        }
        frame = inner.outer.clone();
    }
    Ok(())
}

/// Polls `future` as a part of a call.
pub(crate) async fn nested<F: Future>(frame: Option<Arc<Frame>>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let _entered = enter(frame.clone());
        future.as_mut().poll(cx)
    })
    .await
}

/// Makes what this thread does a part of a call, until the guard is dropped.
pub(crate) fn enter(frame: Option<Arc<Frame>>) -> Entered {
    Entered(CURRENT.replace(frame))
}

pub(crate) struct Entered(Option<Arc<Frame>>);

impl Drop for Entered {
    fn drop(&mut self) {
        let _left = CURRENT.replace(self.0.take());
    }
}

fn current() -> Option<Arc<Frame>> {
    CURRENT.with_borrow(Clone::clone)
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Frame>>> = const { RefCell::new(None) };
}
