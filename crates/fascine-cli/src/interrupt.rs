use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Whether the user pressed Ctrl-C, and what to do about it.
///
/// The handler is set once for the process; what it calls can be set once there is something to stop.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static ON_INTERRUPT: Mutex<Option<Box<dyn Fn() + Send>>> = Mutex::new(None);

/// Takes over Ctrl-C (and SIGTERM).
///
/// # Errors
///
/// When the operating system refuses the handler.
pub(crate) fn install() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| {
        if interrupted() {
            // Asked twice: without further ado.
            std::process::exit(130);
        }
        let stop = ON_INTERRUPT.lock().unwrap_or_else(PoisonError::into_inner);
        INTERRUPTED.store(true, Ordering::SeqCst);
        if let Some(stop) = &*stop {
            stop();
        }
    })
}

/// Calls `stop` on Ctrl-C, at once if it was pressed before.
pub(crate) fn on_interrupt(stop: impl Fn() + Send + 'static) {
    let mut slot = ON_INTERRUPT.lock().unwrap_or_else(PoisonError::into_inner);
    if INTERRUPTED.load(Ordering::SeqCst) {
        stop();
    }
    *slot = Some(Box::new(stop));
}

/// Returns whether Ctrl-C was pressed.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}
