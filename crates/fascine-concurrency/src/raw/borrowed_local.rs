#![expect(unsafe_code, reason = "a thread-local that holds a borrow")]

use std::cell::Cell;
use std::ptr;

/// A slot of a thread-local that holds a borrowed value for as long as a closure runs.
///
/// `scoped-tls` does the same with a function call, and a check whether the slot was initialised, for each access.
#[derive(Debug)]
pub(crate) struct BorrowedLocal<T>(Cell<*const T>);

impl<T> BorrowedLocal<T> {
    pub(crate) const fn new() -> Self {
        Self(Cell::new(ptr::null()))
    }

    /// Holds `value` while `inside` runs; the former one comes back afterwards, also on a panic.
    #[inline]
    pub(crate) fn hold<R>(&self, value: &T, inside: impl FnOnce() -> R) -> R {
        struct Restore<'a, T> {
            slot: &'a Cell<*const T>,
            former: *const T,
        }
        impl<T> Drop for Restore<'_, T> {
            #[inline]
            fn drop(&mut self) {
                self.slot.set(self.former);
            }
        }
        let _restore = Restore {
            former: self.0.replace(value),
            slot: &self.0,
        };
        inside()
    }

    /// Lends what the slot holds.
    #[inline]
    pub(crate) fn with<R>(&self, lend: impl FnOnce(Option<&T>) -> R) -> R {
        // SAFETY: a pointer that is not null was made from a reference by a call of `hold` that has not returned, on
        // this thread, for the slot is not `Sync`. That call borrows the value until it returns or unwinds, and puts
        // the former pointer back first; `lend` cannot keep the reference, and ends before that.
        lend(unsafe { self.0.get().as_ref() })
    }
}
