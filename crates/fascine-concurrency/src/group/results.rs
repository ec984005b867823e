use crate::{ChildError, JoinErrors};

/// How the children of a group ended.
#[derive(Debug)]
pub(crate) enum Results<T, E> {
    /// All of them, by number.
    Kept {
        slots: Vec<Slot<T, E>>,
        /// The numbers of those that failed, in the order they did.
        failures: Vec<usize>,
    },
    /// Failures alone: a group that runs for months does not grow.
    Discarded {
        errors: Option<JoinErrors<E>>,
        was_cancelled: bool,
    },
}

#[derive(Debug)]
pub(crate) enum Slot<T, E> {
    Running,
    Ended(Result<T, ChildError<E>>),
    /// Its output went to a handle.
    Elsewhere,
}

/// What a child tells its group when it ends.
pub(crate) type Report<T, E> = Option<Result<T, ChildError<E>>>;

impl<T, E> Results<T, E> {
    pub(crate) fn kept() -> Self {
        Self::Kept {
            slots: Vec::new(),
            failures: Vec::new(),
        }
    }

    pub(crate) fn discarded() -> Self {
        Self::Discarded {
            errors: None,
            was_cancelled: false,
        }
    }

    /// Makes room for one more child, and gives it its number.
    pub(crate) fn add(&mut self) -> usize {
        match self {
            Self::Kept { slots, .. } => {
                slots.push(Slot::Running);
                slots.len() - 1
            }
            Self::Discarded { .. } => 0,
        }
    }

    /// Notes how a child ended; gives back what is not kept, to be dropped outside the lock.
    pub(crate) fn put(&mut self, number: usize, report: Report<T, E>) -> Option<T> {
        match self {
            Self::Kept { slots, failures } => {
                if let Some(Err(ChildError::Failed(_) | ChildError::Panicked(_))) = &report {
                    failures.push(number);
                }
                slots[number] = report.map_or(Slot::Elsewhere, Slot::Ended);
                None
            }
            Self::Discarded {
                errors,
                was_cancelled,
            } => {
                match report {
                    Some(Ok(output)) => return Some(output),
                    Some(Err(ChildError::Cancelled)) => *was_cancelled = true,
                    Some(Err(error)) => push(errors, error),
                    None => {}
                }
                None
            }
        }
    }

    /// The outputs, or why there are none.
    pub(crate) fn into_outputs(self) -> Result<Vec<T>, JoinErrors<E>> {
        match self {
            Self::Discarded {
                errors: Some(errors),
                ..
            } => Err(errors),
            Self::Discarded {
                was_cancelled: true,
                ..
            } => Err(JoinErrors::new(ChildError::Cancelled)),
            Self::Discarded { .. } => Ok(Vec::new()),
            Self::Kept {
                mut slots,
                failures,
            } => {
                let mut errors = None;
                for number in failures {
                    if let Slot::Ended(Err(error)) =
                        std::mem::replace(&mut slots[number], Slot::Elsewhere)
                    {
                        push(&mut errors, error);
                    }
                }
                match errors {
                    Some(errors) => Err(errors),
                    None => ended(slots)
                        .collect::<Result<_, _>>()
                        .map_err(JoinErrors::new),
                }
            }
        }
    }

    /// How each child ended.
    pub(crate) fn into_all(self) -> Vec<Result<T, ChildError<E>>> {
        match self {
            Self::Kept { slots, .. } => ended(slots).collect(),
            Self::Discarded { errors, .. } => errors
                .into_iter()
                .flat_map(|errors| std::iter::once(errors.first).chain(errors.others))
                .map(Err)
                .collect(),
        }
    }
}

fn ended<T, E>(slots: Vec<Slot<T, E>>) -> impl Iterator<Item = Result<T, ChildError<E>>> {
    slots.into_iter().filter_map(|slot| match slot {
        Slot::Ended(result) => Some(result),
        Slot::Running | Slot::Elsewhere => None,
    })
}

fn push<E>(errors: &mut Option<JoinErrors<E>>, error: ChildError<E>) {
    match errors {
        Some(errors) => errors.push(error),
        None => *errors = Some(JoinErrors::new(error)),
    }
}
