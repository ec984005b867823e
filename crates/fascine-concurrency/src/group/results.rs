use crate::{ChildError, JoinErrors};

/// What a child tells its group when it ends; `None` if all of it went elsewhere.
pub(crate) type Report<T, E> = Option<Result<T, ChildError<E>>>;

/// How the children of a group ended, in the order they did.
#[derive(Debug)]
pub(crate) enum Results<T, E> {
    /// All of them, with their numbers.
    Kept(Vec<(usize, Result<T, ChildError<E>>)>),
    /// Failures alone: a group that runs for months does not grow.
    Discarded {
        errors: Option<JoinErrors<E>>,
        was_cancelled: bool,
    },
}

impl<T, E> Results<T, E> {
    pub(crate) const fn kept() -> Self {
        Self::Kept(Vec::new())
    }

    pub(crate) const fn discarded() -> Self {
        Self::Discarded {
            errors: None,
            was_cancelled: false,
        }
    }

    /// Notes how a child ended; gives back what is not kept, to be dropped outside the lock.
    pub(crate) fn put(&mut self, number: usize, report: Report<T, E>) -> Option<T> {
        match self {
            Self::Kept(ended) => {
                ended.extend(report.map(|report| (number, report)));
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

    pub(crate) fn has_failures(&self) -> bool {
        match self {
            Self::Kept(ended) => ended.iter().any(|(_, ended)| {
                matches!(ended, Err(ChildError::Failed(_) | ChildError::Panicked(_)))
            }),
            Self::Discarded { errors, .. } => errors.is_some(),
        }
    }

    /// The outputs in the order of the children, or why there are none.
    pub(crate) fn into_outputs(self) -> Result<Vec<T>, JoinErrors<E>> {
        let (ended, errors, was_cancelled) = match self {
            Self::Kept(ended) => (ended, None, false),
            Self::Discarded {
                errors,
                was_cancelled,
            } => (Vec::new(), errors, was_cancelled),
        };
        let (mut outputs, mut errors, mut was_cancelled) = (Vec::new(), errors, was_cancelled);
        for (number, ended) in ended {
            match ended {
                Ok(output) => outputs.push((number, output)),
                Err(ChildError::Cancelled) => was_cancelled = true,
                Err(error) => push(&mut errors, error),
            }
        }
        match errors {
            Some(errors) => Err(errors),
            None if was_cancelled => Err(JoinErrors::new(ChildError::Cancelled)),
            None => Ok(in_order(outputs)),
        }
    }

    /// How each child ended, in their order.
    pub(crate) fn into_all(self) -> Vec<Result<T, ChildError<E>>> {
        match self {
            Self::Kept(ended) => in_order(ended),
            Self::Discarded { errors, .. } => errors
                .into_iter()
                .flat_map(|errors| std::iter::once(errors.first).chain(errors.others))
                .map(Err)
                .collect(),
        }
    }
}

/// In the order of their numbers, of which each is there once at most.
fn in_order<T>(numbered: Vec<(usize, T)>) -> Vec<T> {
    let last = numbered.iter().map(|(number, _)| *number).max();
    let mut slots = Vec::new();
    slots.resize_with(last.map_or(0, |last| last + 1), || None);
    for (number, value) in numbered {
        slots[number] = Some(value);
    }
    slots.into_iter().flatten().collect()
}

fn push<E>(errors: &mut Option<JoinErrors<E>>, error: ChildError<E>) {
    match errors {
        Some(errors) => errors.push(error),
        None => *errors = Some(JoinErrors::new(error)),
    }
}
