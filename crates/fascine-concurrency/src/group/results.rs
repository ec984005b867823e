use crate::{ChildError, JoinErrors};

/// What a child tells its group when it ends; `None` if all of it went elsewhere.
pub(crate) type Report<T, E> = Option<Result<T, ChildError<E>>>;

/// How the children of a group ended, in the order they did.
#[derive(Debug)]
pub(crate) enum Results<T, E> {
    /// All of them, with their numbers.
    Kept {
        outputs: Vec<T>,
        /// Whose outputs they are.
        numbers: Vec<u32>,
        failures: Vec<(u32, ChildError<E>)>,
    },
    /// Failures alone: a group that runs for months does not grow.
    Discarded {
        errors: Option<JoinErrors<E>>,
        was_cancelled: bool,
    },
}

impl<T, E> Results<T, E> {
    pub(crate) const fn kept() -> Self {
        Self::Kept {
            outputs: Vec::new(),
            numbers: Vec::new(),
            failures: Vec::new(),
        }
    }

    pub(crate) const fn discarded() -> Self {
        Self::Discarded {
            errors: None,
            was_cancelled: false,
        }
    }

    /// Keeps the failures alone from now on; gives back the outputs that there are, to be dropped outside the lock.
    pub(crate) fn discard(&mut self) -> Vec<T> {
        let Self::Kept {
            outputs, failures, ..
        } = self
        else {
            return Vec::new();
        };
        let (outputs, failures) = (std::mem::take(outputs), std::mem::take(failures));
        let (mut errors, mut was_cancelled) = (None, false);
        for (_, error) in failures {
            match error {
                ChildError::Cancelled => was_cancelled = true,
                error => drop(push(&mut errors, error)),
            }
        }
        *self = Self::Discarded {
            errors,
            was_cancelled,
        };
        outputs
    }

    /// Notes how a child ended; gives back what is not kept, to be dropped outside the lock.
    pub(crate) fn put(&mut self, number: u32, report: Report<T, E>) -> Report<T, E> {
        match (self, report?) {
            (
                Self::Kept {
                    outputs, numbers, ..
                },
                Ok(output),
            ) => {
                outputs.push(output);
                numbers.push(number);
                None
            }
            (Self::Kept { failures, .. }, Err(error)) => {
                failures.push((number, error));
                None
            }
            (Self::Discarded { .. }, Ok(output)) => Some(Ok(output)),
            (Self::Discarded { was_cancelled, .. }, Err(ChildError::Cancelled)) => {
                *was_cancelled = true;
                None
            }
            (Self::Discarded { errors, .. }, Err(error)) => push(errors, error).map(Err),
        }
    }

    /// Whether a child failed, and was not merely cancelled.
    pub(crate) fn has_failures(&self) -> bool {
        match self {
            Self::Kept { failures, .. } => failures
                .iter()
                .any(|(_, error)| !matches!(error, ChildError::Cancelled)),
            Self::Discarded { errors, .. } => errors.is_some(),
        }
    }

    /// The outputs in the order of the children, or why there are none.
    pub(crate) fn into_outputs(self) -> Result<Vec<T>, JoinErrors<E>> {
        let (outputs, errors, was_cancelled) = match self {
            Self::Discarded {
                errors,
                was_cancelled,
            } => (Vec::new(), errors, was_cancelled),
            Self::Kept {
                outputs,
                numbers,
                failures,
            } => {
                let (mut errors, mut was_cancelled) = (None, false);
                for (_, error) in failures {
                    match error {
                        ChildError::Cancelled => was_cancelled = true,
                        error => drop(push(&mut errors, error)),
                    }
                }
                // Children that end in the order they were spawned, which is common, leave nothing to do.
                let outputs = if numbers.is_sorted() {
                    outputs
                } else {
                    in_order(numbers.into_iter().zip(outputs).collect())
                };
                (outputs, errors, was_cancelled)
            }
        };
        match errors {
            Some(errors) => Err(errors),
            None if was_cancelled => Err(JoinErrors::new(ChildError::Cancelled)),
            None => Ok(outputs),
        }
    }

    /// How each child ended, in their order.
    pub(crate) fn into_all(self) -> Vec<Result<T, ChildError<E>>> {
        match self {
            Self::Kept {
                outputs,
                numbers,
                failures,
            } => {
                let outputs = numbers.into_iter().zip(outputs.into_iter().map(Ok));
                let failures = failures
                    .into_iter()
                    .map(|(number, error)| (number, Err(error)));
                in_order(outputs.chain(failures).collect())
            }
            Self::Discarded { errors, .. } => errors
                .into_iter()
                .flat_map(|errors| std::iter::once(errors.first).chain(errors.others))
                .map(Err)
                .collect(),
        }
    }
}

fn in_order<T>(mut numbered: Vec<(u32, T)>) -> Vec<T> {
    numbered.sort_unstable_by_key(|(number, _)| *number);
    numbered.into_iter().map(|(_, value)| value).collect()
}

/// Gives back an error for which there is no room.
fn push<E>(errors: &mut Option<JoinErrors<E>>, error: ChildError<E>) -> Option<ChildError<E>> {
    match errors {
        Some(errors) => errors.push(error),
        None => {
            *errors = Some(JoinErrors::new(error));
            None
        }
    }
}
