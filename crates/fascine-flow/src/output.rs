use std::any::{Any, TypeId};
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

/// What a step gave. It is kept as it is, and made JSON only for those who ask for JSON. A clone is the same output.
#[derive(Clone)]
pub struct Output(Arc<dyn Erased>);

/// What may be an output: the steps behind take it as it is, a report, a checkpoint and steps that come from data take
/// it as JSON. A run that is [taken up](crate::Flow::resume) has it back from there: what JSON does not tell apart is then
/// the same, such as `Some(None)` and `None`, and a number that is not finite cannot be read.
pub trait StepOutput: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> StepOutput for T {}

/// The type of an output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutputType {
    id: TypeId,
    pub(crate) name: &'static str,
    /// Reads one that was recorded.
    pub(crate) decode: fn(&RawValue) -> Result<Output, serde_json::Error>,
}

impl OutputType {
    pub(crate) fn of<T: StepOutput>() -> Self {
        Self {
            id: TypeId::of::<T>(),
            name: std::any::type_name::<T>(),
            decode: |text| serde_json::from_str::<T>(text.get()).map(Output::new),
        }
    }
}

impl PartialEq for OutputType {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

trait Erased: Send + Sync {
    fn output_type(&self) -> OutputType;
    fn json(&self) -> Result<Value, serde_json::Error>;
    fn text(&self) -> Result<Box<RawValue>, serde_json::Error>;
    fn any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<T: StepOutput> Erased for T {
    fn output_type(&self) -> OutputType {
        OutputType::of::<T>()
    }

    fn json(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(self)
    }

    fn text(&self) -> Result<Box<RawValue>, serde_json::Error> {
        serde_json::value::to_raw_value(self)
    }

    fn any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

/// An output of an earlier run. It stays a text until somebody wants the value.
struct Recorded {
    text: Box<RawValue>,
    output: OutputType,
    value: OnceLock<Option<Output>>,
}

impl Recorded {
    fn value(&self) -> Option<&Output> {
        let decode = || (self.output.decode)(&self.text).ok();
        self.value.get_or_init(decode).as_ref()
    }
}

impl Erased for Recorded {
    fn output_type(&self) -> OutputType {
        self.output
    }

    fn json(&self) -> Result<Value, serde_json::Error> {
        serde_json::from_str(self.text.get())
    }

    fn text(&self) -> Result<Box<RawValue>, serde_json::Error> {
        Ok(self.text.clone())
    }

    fn any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        match self.value() {
            Some(value) => Arc::clone(&value.0).any(),
            None => self,
        }
    }
}

impl Output {
    pub(crate) fn recorded(text: Box<RawValue>, output: OutputType) -> Self {
        Self(Arc::new(Recorded {
            text,
            output,
            value: OnceLock::new(),
        }))
    }

    /// The JSON of the value, not yet parsed.
    pub(crate) fn to_text(&self) -> Result<Box<RawValue>, serde_json::Error> {
        self.0.text()
    }

    /// Wraps what a step gave.
    pub fn new(value: impl StepOutput) -> Self {
        Self(Arc::new(value))
    }

    /// The value, if it is of this type.
    #[must_use]
    pub fn get<T: StepOutput>(&self) -> Option<Arc<T>> {
        Arc::clone(&self.0).any().downcast().ok()
    }

    pub(crate) fn output_type(&self) -> OutputType {
        self.0.output_type()
    }

    /// The value as JSON.
    ///
    /// # Errors
    ///
    /// The serializer's own, as for a map whose keys are no texts.
    pub fn to_json(&self) -> Result<Value, serde_json::Error> {
        self.0.json()
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_json() {
            Ok(value) => f.debug_tuple("Output").field(&value).finish(),
            Err(error) => f.debug_tuple("Output").field(&error).finish(),
        }
    }
}

/// Outputs are the same if their JSON is.
impl PartialEq for Output {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || matches!((self.to_json(), other.to_json()), (Ok(one), Ok(two)) if one == two)
    }
}
