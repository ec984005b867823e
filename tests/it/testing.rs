//! The test runtime itself.
