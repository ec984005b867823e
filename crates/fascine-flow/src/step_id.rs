use std::fmt;
use std::marker::PhantomData;

/// A step of the graph that is being built, and the type of what it gives.
///
/// It means nothing in another graph: [`build`](crate::GraphBuilder::build) refuses an edge to a step that is not
/// there, but cannot tell one graph's steps from another's.
pub struct StepId<T> {
    pub(crate) number: u32,
    output: PhantomData<fn() -> T>,
}

impl<T> StepId<T> {
    pub(crate) fn new(number: u32) -> Self {
        Self {
            number,
            output: PhantomData,
        }
    }
}

impl<T> Clone for StepId<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for StepId<T> {}

impl<T> fmt::Debug for StepId<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StepId").field(&self.number).finish()
    }
}

/// One end of an edge: a step's [`StepId`] or its name, which need not have been added yet.
#[derive(Clone, Debug)]
pub struct StepKey(pub(crate) Key);

#[derive(Clone, Debug)]
pub(crate) enum Key {
    Name(Box<str>),
    Number(u32),
}

impl From<&str> for StepKey {
    fn from(name: &str) -> Self {
        Self(Key::Name(name.into()))
    }
}

impl From<&String> for StepKey {
    fn from(name: &String) -> Self {
        Self(Key::Name(name.as_str().into()))
    }
}

impl From<String> for StepKey {
    fn from(name: String) -> Self {
        Self(Key::Name(name.into()))
    }
}

impl<T> From<StepId<T>> for StepKey {
    fn from(id: StepId<T>) -> Self {
        Self(Key::Number(id.number))
    }
}

impl StepKey {
    pub(crate) fn number(number: u32) -> Self {
        Self(Key::Number(number))
    }

    /// What to call a step that is not there.
    pub(crate) fn text(&self) -> String {
        match &self.0 {
            Key::Name(name) => name.to_string(),
            Key::Number(number) => format!("#{number}"),
        }
    }
}
