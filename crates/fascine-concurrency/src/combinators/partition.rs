/// Sorts results into successes and failures.
pub trait Partition {
    /// A success.
    type Success;
    /// A failure.
    type Failure;

    /// Takes the results apart; each keeps its index.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::{Partition, gather_all};
    /// # fascine_testing::TestRuntime::run(|_| async {
    /// let parsed = ["7", "x", "9"].map(|word| async move { word.parse::<u8>() });
    /// let parts = gather_all(parsed).await.partition();
    /// assert_eq!(parts.successes, [(0, 7), (2, 9)]);
    /// assert_eq!(parts.failures[0].0, 1);
    /// # });
    /// ```
    fn partition(self) -> Partitioned<Self::Success, Self::Failure>;
}

impl<T, E> Partition for Vec<Result<T, E>> {
    type Success = T;
    type Failure = E;

    fn partition(self) -> Partitioned<T, E> {
        let mut parts = Partitioned {
            successes: Vec::new(),
            failures: Vec::new(),
        };
        for (index, result) in self.into_iter().enumerate() {
            match result {
                Ok(success) => parts.successes.push((index, success)),
                Err(failure) => parts.failures.push((index, failure)),
            }
        }
        parts
    }
}

/// Successes and failures, each with the index it had; made by [`Partition::partition`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "failures may be in it"]
pub struct Partitioned<T, E> {
    /// In the order of their indices.
    pub successes: Vec<(usize, T)>,
    /// In the order of their indices.
    pub failures: Vec<(usize, E)>,
}
