//! What a library needs from an async runtime, and adapters for the runtimes that provide it.
//!
//! A library takes an [`Rt`], a cheap clone of a shared [`Runtime`], and asks it for four things: run this future,
//! wake me at this time, what time is it, run this blocking closure. Joining, cancelling and panics are written once
//! above that seam, in [`Task`], so they are the same on every runtime.
//!
//! ```
//! use fascine_rt::Rt;
//! use std::time::Duration;
//!
//! async fn fetch_twice(rt: &Rt) -> u32 {
//!     let first = rt.spawn(async { 1 });
//!     rt.sleep(Duration::from_millis(5)).await;
//!     let second = rt.unblock(|| 2);
//!     first.await.unwrap() + second.await.unwrap()
//! }
//!
//! # let runtime = fascine_rt::doc::Threads;
//! # assert_eq!(runtime.block_on(fetch_twice(&Rt::new(runtime))), 3);
//! ```
//!
//! # Features
//!
//! None is on by default. Each adds one type and changes nothing else; all together is a supported build.
//!
//! - `smol`: [`Smol`], the global executor of smol.
//! - `async-std`: [`AsyncStd`], the global executor of async-std.
//! - `tokio`: [`Tokio`], a handle to a tokio runtime.
//! - `async-executor`: [`Embedded`], an executor that the host program drives.
//!
//! # Your own runtime
//!
//! [`Runtime`] has four methods and no required semantics beyond "run it": see its documentation for a
//! thread-per-task runtime in thirty lines.

mod runtime;

#[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]
mod alarm;
mod block_on;
mod direct;
mod join_error;
mod rt;
mod sleep;
mod task;
mod task_worker;
mod unblock;

#[cfg(feature = "async-std")]
mod async_std;
#[cfg(feature = "async-executor")]
mod embedded;
#[cfg(feature = "smol")]
mod smol;
#[cfg(feature = "tokio")]
mod tokio;

#[doc(hidden)]
pub mod doc;

pub use block_on::{EnteredBlockOn, EnteredTask, enter_block_on, enter_task};
pub use join_error::{JoinError, Panic};
pub use rt::{Rt, spawn_location};
pub use runtime::{BoxFuture, Runtime};
pub use sleep::Sleep;
pub use task::{Task, TaskCanceller};

#[cfg(feature = "async-std")]
pub use async_std::AsyncStd;
#[cfg(feature = "async-executor")]
pub use embedded::Embedded;
#[cfg(feature = "smol")]
pub use smol::Smol;
#[cfg(feature = "tokio")]
pub use tokio::Tokio;
