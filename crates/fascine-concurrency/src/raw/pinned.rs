#![expect(
    unsafe_code,
    reason = "std has no projection from a pinned slice to its elements"
)]

use std::pin::Pin;

/// Values in one allocation, each of them pinned.
pub(crate) struct PinnedSlice<T> {
    values: Pin<Box<[T]>>,
}

impl<T> PinnedSlice<T> {
    pub(crate) fn new(values: impl IntoIterator<Item = T>) -> Self {
        Self {
            values: Box::into_pin(values.into_iter().collect()),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        &self.values
    }

    /// The value at an index, which must exist.
    pub(crate) fn at(&mut self, index: usize) -> Pin<&mut T> {
        // SAFETY: an element is where the slice is, and the slice is pinned: nobody moves it before it is dropped. What
        // is returned is the element itself.
        unsafe {
            self.values
                .as_mut()
                .map_unchecked_mut(|values| &mut values[index])
        }
    }

    /// Every value, in order.
    pub(crate) fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = Pin<&mut T>> {
        // SAFETY: nothing is moved out of the slice here, and each element is handed on pinned, as in `at`.
        let values = unsafe { self.values.as_mut().get_unchecked_mut() };
        // SAFETY: as above: the element stays where it is until the slice is dropped.
        values
            .iter_mut()
            .map(|value| unsafe { Pin::new_unchecked(value) })
    }
}

/// Values side by side, each of them pinned when the array is.
pub(crate) struct PinnedArray<T, const N: usize> {
    // Moved by nobody once it is pinned: there is no access but by `at`, and no `Drop`. It is `Unpin` only if `T` is.
    values: [T; N],
}

impl<T, const N: usize> PinnedArray<T, N> {
    pub(crate) fn new(values: [T; N]) -> Self {
        Self { values }
    }

    /// The value at an index, which must exist.
    pub(crate) fn at(self: Pin<&mut Self>, index: usize) -> Pin<&mut T> {
        // SAFETY: an element is where the array is, and the array is pinned. What is returned is the element itself.
        unsafe { self.map_unchecked_mut(|array| &mut array.values[index]) }
    }
}
