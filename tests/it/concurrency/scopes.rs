//! Scopes that nest, end, shield and clean up.

mod blocking;
mod cancelling;
mod cleanup;
mod context;
mod deadline;
mod dropping;
mod moving;
mod random;
mod shielding;

use std::sync::{Arc, Mutex};

/// What happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    fn note(&self, what: &'static str) {
        self.0.lock().unwrap().push(what);
    }

    #[track_caller]
    fn assert(&self, expected: &[&str]) {
        assert_eq!(*self.0.lock().unwrap(), expected);
    }
}

/// Notes when it is dropped.
struct NotesEnd(Log, &'static str);

impl Drop for NotesEnd {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}
