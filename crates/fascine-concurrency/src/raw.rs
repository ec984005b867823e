//! The only place with `unsafe`, in small types that are safe to use from outside: see
//! docs/decisions/0008-unsafe-in-one-module.md.

pub(crate) mod borrowed_local;
pub(crate) mod cell;
