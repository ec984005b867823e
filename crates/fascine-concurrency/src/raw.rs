//! The only place with `unsafe`: see docs/decisions/0008-unsafe-in-one-module.md.

pub(crate) mod borrowed_local;
