use std::sync::Arc;

use super::Semaphore;

/// Permits of a [`Semaphore`]; dropping it gives them back.
#[derive(Debug)]
#[must_use = "dropping it gives the permits back"]
pub struct SemaphoreGuard<'a> {
    semaphore: &'a Semaphore,
    permits: usize,
}

impl<'a> SemaphoreGuard<'a> {
    #[inline]
    pub(super) fn new(semaphore: &'a Semaphore, permits: usize) -> Self {
        Self { semaphore, permits }
    }

    /// Returns how many permits it holds.
    #[must_use]
    pub fn permits(&self) -> usize {
        self.permits
    }

    /// Takes some of the permits into a guard of their own; `None` if there are not so many.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::Semaphore;
    /// let semaphore = Semaphore::new(5);
    /// let mut four = semaphore.try_acquire_many(4).unwrap();
    /// let three = four.split(3).unwrap();
    /// assert_eq!((four.permits(), three.permits()), (1, 3));
    /// drop(three);
    /// assert_eq!(semaphore.available_permits(), 4);
    /// ```
    pub fn split(&mut self, permits: usize) -> Option<Self> {
        self.permits = self.permits.checked_sub(permits)?;
        Some(Self::new(self.semaphore, permits))
    }

    /// Takes the permits out of existence: the semaphore has so many less from now on.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::Semaphore;
    /// let semaphore = Semaphore::new(5);
    /// semaphore.try_acquire_many(4).unwrap().forget();
    /// assert_eq!(semaphore.statistics().total, 1);
    /// ```
    pub fn forget(mut self) {
        self.semaphore.forget(std::mem::take(&mut self.permits));
    }
}

impl Drop for SemaphoreGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        self.semaphore.give_back(self.permits);
    }
}

/// Permits of a [`Semaphore`] that is in an [`Arc`]; dropping it gives them back.
#[derive(Debug)]
#[must_use = "dropping it gives the permits back"]
pub struct SemaphoreGuardArc {
    semaphore: Arc<Semaphore>,
    permits: usize,
}

impl SemaphoreGuardArc {
    pub(super) fn new(semaphore: Arc<Semaphore>, permits: usize) -> Self {
        Self { semaphore, permits }
    }

    /// Returns how many permits it holds.
    #[must_use]
    pub fn permits(&self) -> usize {
        self.permits
    }

    /// Takes some of the permits into a guard of their own; `None` if there are not so many.
    pub fn split(&mut self, permits: usize) -> Option<Self> {
        self.permits = self.permits.checked_sub(permits)?;
        Some(Self::new(Arc::clone(&self.semaphore), permits))
    }

    /// Takes the permits out of existence: the semaphore has so many less from now on.
    pub fn forget(mut self) {
        self.semaphore.forget(std::mem::take(&mut self.permits));
    }
}

impl Drop for SemaphoreGuardArc {
    fn drop(&mut self) {
        self.semaphore.give_back(self.permits);
    }
}
