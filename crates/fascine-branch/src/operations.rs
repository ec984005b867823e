//! What is done with a branch: one file each.

mod act;
mod batch;
mod chat;
mod communicate;
mod interpret;
mod operate;
mod operate_stream;
mod parse;
mod react;
mod select;
mod snapshots;
mod stream;

mod aside;
mod delivery;
mod turn_loop;
mod typed_turn;

pub use act::{Act, Keep};
pub use batch::{Batch, BatchStream, OnFailure};
pub use chat::Chat;
pub use communicate::Communicate;
pub use interpret::Interpret;
pub use operate::Operate;
pub use operate_stream::{OperateItem, OperateStream};
pub use parse::{Parse, Parsed};
pub use react::{
    Analysis, Completion, React, ReactItem, ReactMetrics, ReactReport, ReactStep, ReactStream,
    Validation,
};
pub use select::{Select, Selection};
pub use snapshots::{SnapshotItem, Snapshots};
pub use stream::{StreamItem, TurnStream};
