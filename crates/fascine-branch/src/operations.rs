//! What can be done with a branch: one file each.

mod act;
mod communicate;

pub use act::{Act, Keep};
pub use communicate::Communicate;
