//! What every store does.
