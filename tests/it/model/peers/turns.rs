//! What turns of a branch are asked for, and what has to hold of them, whatever the server.

use std::fmt::Debug;

use fascine::branch::{Branch, BranchError, StreamItem, TurnItem, TurnStream};
use fascine::message::ToolResult;
use fascine::model::{Chunk, ModelFailure};
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
pub(crate) struct Animal {
    pub(crate) name: String,
    pub(crate) legs: u32,
}

pub(crate) fn spider() -> Animal {
    Animal {
        name: "spider".to_owned(),
        legs: 8,
    }
}

/// What a stream gave on its way.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) text: String,
    pub(crate) pieces: usize,
    pub(crate) called: Vec<String>,
    pub(crate) ended: Vec<ToolResult>,
    pub(crate) re_asked: usize,
}

impl Seen {
    pub(crate) fn add(&mut self, item: TurnItem) {
        match item {
            TurnItem::Chunk(Chunk::Text(piece)) => {
                self.text.push_str(&piece);
                self.pieces += 1;
            }
            TurnItem::ToolCalled(call) => self.called.push(call.name),
            TurnItem::ToolEnded { result, .. } => self.ended.push(result),
            TurnItem::ReAsked { .. } => {
                self.re_asked += 1;
                self.text.clear();
            }
            _ => {}
        }
    }
}

/// Follows a turn to its end: what was seen, and the reply.
pub(crate) async fn followed(mut turn: TurnStream) -> (Seen, fascine::branch::Reply) {
    let mut seen = Seen::default();
    while let Some(item) = turn.item().await.unwrap() {
        match item {
            StreamItem::Turn(item) => seen.add(item),
            StreamItem::Reply(reply) => return (seen, reply),
        }
    }
    panic!("a stream ends with its reply: {seen:?}");
}

/// The results of the tools of the last turn.
pub(crate) fn results(branch: &Branch) -> Vec<ToolResult> {
    let history = branch.history();
    let messages = history.last().unwrap().messages().iter();
    let results = messages.flat_map(|message| message.tool_results().cloned());
    results.collect()
}

/// The status with which the server refused.
#[track_caller]
pub(crate) fn status(error: &BranchError, of: impl Debug) -> u16 {
    match failure(error, &of) {
        ModelFailure::Api(api) => api.status,
        other => panic!("{of:?}: {other:?}"),
    }
}

/// How the model failed.
#[track_caller]
pub(crate) fn failure(error: &BranchError, of: impl Debug) -> &ModelFailure {
    match error {
        BranchError::Model { source, .. } => source.failure(),
        other => panic!("{of:?}: {other:?}"),
    }
}
