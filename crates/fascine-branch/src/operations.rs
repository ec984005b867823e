//! What can be done with a branch: one file each.

mod communicate;

pub use communicate::Communicate;
