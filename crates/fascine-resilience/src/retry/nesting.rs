use std::cell::Cell;

/// Runs `inside` as part of an attempt of a retry: what [`inside_an_attempt`] tells while it runs.
///
/// It follows the future of the attempt because it is set around each of its polls; a task that was spawned in there
/// is on its own.
#[inline]
pub(super) fn attempt<T>(inside: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        #[inline]
        fn drop(&mut self) {
            INSIDE.set(self.0);
        }
    }
    let _restore = Restore(INSIDE.replace(true));
    inside()
}

/// Whether the code that runs now is part of an attempt of a retry further out.
pub(super) fn inside_an_attempt() -> bool {
    INSIDE.get()
}

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}
