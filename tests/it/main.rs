//! One binary holds every behaviour test of the workspace; `cargo xtask test` runs it once for each runtime.
