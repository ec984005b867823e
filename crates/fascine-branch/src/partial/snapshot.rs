use serde::Deserialize;
use serde_json::Value;

use crate::JsonPath;
use crate::partial::tree::Tree;

/// A value as far as it has come.
///
/// Strings are there as far as they have come, and so are arrays and objects; numbers and literals once they are complete;
/// a key once its value has begun.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    value: &'a Value,
    tree: &'a Tree,
    is_complete: bool,
}

impl<'a> Snapshot<'a> {
    pub(super) fn new(tree: &'a Tree, is_complete: bool) -> Option<Self> {
        let value = tree.root()?;
        Some(Self {
            value,
            tree,
            is_complete,
        })
    }

    /// The value. It is an array or an object.
    #[must_use]
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// Where the innermost string, array or object is that still grows. Whatever is neither it nor around it is final.
    #[must_use]
    pub fn open_path(&self) -> JsonPath {
        self.tree.path()
    }

    /// Whether the document is complete: more can only come after it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// The snapshot as a type of yours; it may borrow from it. None while it is not yet one.
    ///
    /// It goes through the whole value: in all that is quadratic, so [`PartialDecoder`](crate::PartialDecoder) does it as often as
    /// is good.
    #[must_use]
    pub fn get<T: Deserialize<'a>>(&self) -> Option<T> {
        T::deserialize(self.value).ok()
    }
}
