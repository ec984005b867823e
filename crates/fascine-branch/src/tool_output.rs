use std::collections::{BTreeMap, HashMap};
use std::error::Error;

use serde::Serialize;
use serde_json::Value;

use crate::ToolError;

/// What a function may return to be a tool: values of `std`'s types, [`Json`] for types of your own, and a `Result` of
/// anything that serializes with any error.
///
/// The model gets to read a string as it is, anything else as JSON; `()` and `None` are `null`, which is a result.
#[diagnostic::on_unimplemented(
    message = "a tool cannot return `{Self}`",
    note = "return a `Result` of anything that serializes, or wrap it in `fascine_branch::Json`"
)]
pub trait ToolOutput: Send + 'static {
    /// Makes it the value that the model gets to read.
    ///
    /// # Errors
    ///
    /// [`ToolError`] when the function failed, or what it returned is no JSON.
    fn into_value(self) -> Result<Value, ToolError>;
}

/// A result of a tool that cannot fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize + Send + 'static> ToolOutput for Json<T> {
    fn into_value(self) -> Result<Value, ToolError> {
        serde_json::to_value(self.0).map_err(ToolError::failed)
    }
}

impl<T, E> ToolOutput for Result<T, E>
where
    T: Serialize + Send + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
{
    fn into_value(self) -> Result<Value, ToolError> {
        Json(self.map_err(ToolError::failed)?).into_value()
    }
}

macro_rules! outputs {
    ($($type:ty $(: $($name:ident),+)?;)*) => {
        $(impl $(<$($name: Serialize + Send + 'static),+>)? ToolOutput for $type {
            fn into_value(self) -> Result<Value, ToolError> {
                Json(self).into_value()
            }
        })*
    };
}

outputs! {
    ();
    bool;
    i8; i16; i32; i64; isize;
    u8; u16; u32; u64; usize;
    f32; f64;
    &'static str;
    String;
    Value;
    Option<T>: T;
    Vec<T>: T;
    BTreeMap<String, T>: T;
    HashMap<String, T>: T;
}
