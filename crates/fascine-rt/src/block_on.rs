use std::cell::Cell;

/// Marks this thread as driving async code until the returned guard is dropped.
///
/// Every adapter's `block_on` begins with it. A runtime of your own should do the same, so that a `block_on` inside
/// async code, which would stall the executor and often deadlock, is refused on the spot.
///
/// # Panics
///
/// If this thread is already inside a `block_on` or is polling a task.
#[track_caller]
#[must_use = "the thread counts as driving async code only while the guard lives"]
pub fn enter_block_on() -> EnteredBlockOn {
    assert!(
        !POLLING.get(),
        "block_on was called from async code on this thread, where it would stall the executor: \
         await the future instead, or move the blocking call into Rt::unblock"
    );
    EnteredBlockOn {
        _polling: mark_polling(),
    }
}

/// A guard made by [`enter_block_on`].
#[derive(Debug)]
pub struct EnteredBlockOn {
    _polling: Polling,
}

/// Marks this thread as polling a task until the guard is dropped; nests.
pub(crate) fn mark_polling() -> Polling {
    Polling {
        before: POLLING.replace(true),
    }
}

#[derive(Debug)]
pub(crate) struct Polling {
    before: bool,
}

impl Drop for Polling {
    fn drop(&mut self) {
        POLLING.set(self.before);
    }
}

thread_local! {
    static POLLING: Cell<bool> = const { Cell::new(false) };
}
