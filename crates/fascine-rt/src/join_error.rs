use std::any::Any;
use std::fmt;
use std::panic;
use std::sync::Mutex;

/// Why a task gave no output.
///
/// Complete by definition: a task ends with its output, by a panic, or by being cancelled.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The task was cancelled, or its runtime was shut down, before it ended.
    #[error("task was cancelled")]
    Cancelled,
    /// The task panicked.
    #[error("task panicked: {}", .0.message())]
    Panicked(Panic),
}

impl JoinError {
    /// Returns whether the task was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }

    /// Returns whether the task panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self, Self::Panicked(_))
    }
}

/// A panic that was caught at the border of a task.
// Boxed: outcomes that are not panics, nearly all, should not be as large as one.
pub struct Panic(Box<Caught>);

struct Caught {
    message: String,
    // The lock makes the payload shareable; it is only ever taken out by value.
    payload: Mutex<Box<dyn Any + Send>>,
}

impl Panic {
    /// Wraps the payload that [`std::panic::catch_unwind`] returned.
    #[must_use]
    pub fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = if let Some(message) = payload.downcast_ref::<&'static str>() {
            (*message).to_owned()
        } else if let Some(message) = payload.downcast_ref::<String>() {
            message.clone()
        } else {
            "a payload that is not text".to_owned()
        };
        Self(Box::new(Caught {
            message,
            payload: Mutex::new(payload),
        }))
    }

    /// The text the panic was raised with.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Lets the panic go on in the caller, without calling the panic hook a second time.
    ///
    /// # Panics
    ///
    /// Always: that is what it is for.
    pub fn resume(self) -> ! {
        panic::resume_unwind(self.into_payload())
    }

    /// Returns what the panic was raised with.
    #[must_use]
    pub fn into_payload(self) -> Box<dyn Any + Send> {
        self.0
            .payload
            .into_inner()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Panic").field(&self.message()).finish()
    }
}
