//! What is done with a branch: one file each.

mod chat;
mod communicate;
mod stream;
mod turn_loop;

pub use chat::Chat;
pub use communicate::Communicate;
pub use stream::{StreamItem, TurnStream};
