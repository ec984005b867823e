//! The primitives that are modelled: std's own, loom's under `cfg(loom)`, shuttle's under `cfg(shuttle)`.

#[cfg(loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard, atomic};
#[cfg(all(shuttle, not(loom)))]
pub(crate) use shuttle::sync::{Mutex, MutexGuard, atomic};
use std::sync::PoisonError;
#[cfg(not(any(loom, shuttle)))]
pub(crate) use std::sync::{Mutex, MutexGuard, atomic};

/// Locks a mutex under which nothing panics: what it holds is whole even if it is poisoned.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Under a checker many model threads share one of the system's: each must see its own.
#[cfg(loom)]
macro_rules! local {
    ($(static $name:ident: $type:ty = const { $value:expr };)*) => {
        loom::thread_local! { $(static $name: $type = $value;)* }
    };
}
#[cfg(loom)]
pub(crate) use local;
#[cfg(all(shuttle, not(loom)))]
pub(crate) use shuttle::thread_local as local;
#[cfg(not(any(loom, shuttle)))]
pub(crate) use std::thread_local as local;
/// Makes a function `const` wherever the primitives above have `const` constructors: in every build but a model.
macro_rules! const_fn {
    ($(#[$attribute:meta])* $visible:vis const fn $($rest:tt)*) => {
        #[cfg(not(any(loom, shuttle)))]
        $(#[$attribute])*
        $visible const fn $($rest)*

        #[cfg(any(loom, shuttle))]
        $(#[$attribute])*
        $visible fn $($rest)*
    };
}
pub(crate) use const_fn;
