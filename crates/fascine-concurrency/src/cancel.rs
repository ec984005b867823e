//! Scopes: parts of a program that can be cancelled, with deadlines, shields and clean-up.

mod cancel_scope;
mod checkpoint;
mod cleanup;
mod deadline;
mod hold;
mod node;
mod observers;
mod place;
mod reason;
mod run;
mod run_sync;
mod scope_handle;
mod scoped;
mod shield;
mod unscoped;
mod watch;

pub use cancel_scope::CancelScope;
pub use checkpoint::{Closing, checkpoint, closing, effective_deadline, is_closing};
pub use cleanup::ScopeEnded;
pub use deadline::{
    Elapsed, FailAfter, MoveOn, fail_after, fail_at, move_on_after, move_on_at, shield_for,
};
pub(crate) use hold::Hold;
pub(crate) use node::{HeldBy, Node};
pub(crate) use observers::Observer;
pub(crate) use place::{Place, current};
pub use reason::{CancelReason, Cancelled};
pub use run::Run;
pub use run_sync::{RunSync, block_on, run_sync};
pub use scope_handle::ScopeHandle;
pub(crate) use scoped::{Parent, Scoped};
pub use shield::{Shield, shield};
pub use unscoped::{Unscoped, unscoped};
