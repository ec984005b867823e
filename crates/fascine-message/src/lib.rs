//! What was said, and by whom: pure data, without async, clock or randomness.
//!
//! ```
//! use fascine_message::{Message, Role};
//!
//! let question = Message::user("How many legs has a spider?");
//! assert_eq!(question.role(), Role::User);
//! assert_eq!(question.text(), "How many legs has a spider?");
//! let json = serde_json::to_string(&question).unwrap();
//! assert_eq!(serde_json::from_str::<Message>(&json).unwrap(), question);
//! ```

mod message;

mod id;
mod role;
mod timestamp;
mod token_cache;

mod media;
mod part;
mod reasoning;
mod tool;

mod usage;

pub use id::{MessageId, ParseIdError};
pub use media::{Media, MediaSource};
pub use message::Message;
pub use part::{Content, Part};
pub use reasoning::Reasoning;
pub use role::Role;
pub use timestamp::Timestamp;
pub use tool::{ToolCall, ToolResult};
pub use usage::Usage;
