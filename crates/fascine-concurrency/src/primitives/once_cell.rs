use std::fmt;
use std::future::Future;
use std::sync::OnceLock;

use crate::primitives::semaphore::Semaphore;
use crate::sync::const_fn;

/// A value that is made once, by async code, the first time that somebody needs it.
///
/// Those who come while it is being made wait; if making it fails, panics or is dropped, the next of them tries, in
/// order. Once it is there, all of them get it at once.
///
/// If making it needs no `.await`, use [`std::sync::OnceLock`].
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::OnceCell;
/// # fascine_testing::TestRuntime::run(|_| async {
/// static TOKEN: OnceCell<String> = OnceCell::new();
///
/// let fetch = || async { "secret".to_owned() };
/// assert_eq!(TOKEN.get_or_init(fetch).await, "secret");
/// assert_eq!(TOKEN.get(), Some(&"secret".to_owned()));
/// # });
/// ```
pub struct OnceCell<T> {
    value: OnceLock<T>,
    /// Whose turn it is to make the value; closed once it is there.
    turn: Semaphore,
}

impl<T> OnceCell<T> {
    const_fn! {
        /// Makes an empty cell.
        #[must_use]
        pub const fn new() -> Self {
            Self {
                value: OnceLock::new(),
                turn: Semaphore::new(1),
            }
        }
    }

    /// Returns the value if it is there.
    #[inline]
    #[must_use]
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// Returns the value if it is there.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut()
    }

    /// Returns the value if it is there.
    #[must_use]
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Returns the value, and makes it first if it is not there.
    ///
    /// `init` must not ask the same cell: it would wait for itself.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops that of `init` if it runs, and the next one that waits makes the value.
    pub async fn get_or_init<F: Future<Output = T>>(&self, init: impl FnOnce() -> F) -> &T {
        let made = self.get_or_try_init(|| async { Ok::<T, Never>(init().await) });
        match made.await {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    /// Returns the value, and tries to make it first if it is not there.
    ///
    /// # Errors
    ///
    /// What `init` failed with; the cell stays empty.
    ///
    /// # Cancel safety
    ///
    /// As [`get_or_init`](Self::get_or_init).
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::OnceCell;
    /// # fascine_testing::TestRuntime::run(|_| async {
    /// let cell = OnceCell::new();
    /// assert_eq!(cell.get_or_try_init(|| async { Err("no") }).await, Err("no"));
    /// assert_eq!(cell.get_or_try_init(|| async { Ok::<_, ()>(1) }).await, Ok(&1));
    /// # });
    /// ```
    pub async fn get_or_try_init<E, F>(&self, init: impl FnOnce() -> F) -> Result<&T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        if let Some(value) = self.value.get() {
            return Ok(value);
        }
        let turn = self.turn.acquire().await;
        // It may have been stored meanwhile; if the semaphore is closed, it has.
        if let Some(value) = self.value.get() {
            return Ok(value);
        }
        let value = init().await?;
        let value = self.value.get_or_init(|| value);
        self.turn.close();
        drop(turn);
        Ok(value)
    }

    /// Stores a value that was made elsewhere; who waits gets it.
    ///
    /// If the value is being made, this one is faster and the other one is dropped.
    ///
    /// # Errors
    ///
    /// The value, if one is there already.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::OnceCell;
    /// let cell = OnceCell::new();
    /// assert_eq!(cell.set(1), Ok(()));
    /// assert_eq!(cell.set(2), Err(2));
    /// ```
    pub fn set(&self, value: T) -> Result<(), T> {
        self.value.set(value)?;
        self.turn.close();
        Ok(())
    }
}

impl<T> Default for OnceCell<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_tuple("OnceCell");
        match self.get() {
            Some(value) => shown.field(value),
            None => shown.field(&format_args!("<empty>")),
        };
        shown.finish()
    }
}

enum Never {}
