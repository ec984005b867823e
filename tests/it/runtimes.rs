//! The runtimes of this build, and tests that run on each of them.
