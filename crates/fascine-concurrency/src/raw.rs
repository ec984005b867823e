//! All of the crate's unsafe code, behind interfaces that are safe to use. Why it exists, what it bought and how it is
//! checked: `docs/decisions/0008-unsafe-in-one-module.md`.

mod borrowed_local;
mod cell;
mod pinned;
#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
mod wakers;

pub(crate) use borrowed_local::BorrowedLocal;
pub(crate) use cell::{Claim, Claiming, Handle, LockCell};
pub(crate) use pinned::{PinnedArray, PinnedSlice};
pub(crate) use wakers::Wakers;
