//! The only places of this crate with `unsafe`: each a small type that is safe to use from the outside.

pub(crate) mod cell;
