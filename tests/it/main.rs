//! One binary holds every behaviour test of the workspace; `cargo xtask test` runs it once for each runtime.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

mod branch;
mod concurrency;
mod durations;
mod flow;
mod http;
mod message;
mod mock;
mod mock_service;
mod model;
mod resilience;
mod road;
mod rt;
mod runtimes;
mod session;
mod testing;
