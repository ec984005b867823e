use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Runs foreign code with a state; if it panics, the state is cleared before the panic goes on.
///
/// Not a guard that clears while unwinding: what is cleared is foreign too, and its panic would abort the process.
#[inline]
pub(crate) fn clear_on_panic<S, R>(
    state: &mut S,
    run: impl FnOnce(&mut S) -> R,
    clear: impl FnOnce(&mut S),
) -> R {
    match catch_unwind(AssertUnwindSafe(|| run(state))) {
        Ok(done) => done,
        Err(payload) => {
            clear(state);
            resume_unwind(payload)
        }
    }
}
