use fascine_message::Part;
use serde_json::Value;

use super::{Dump, DumpError};
use crate::Turn;

impl Dump {
    /// What is nested deeper than a parser goes would be written, and never read.
    pub(super) fn check_depth(&self) -> Result<(), DumpError> {
        let turns = self.history.turns().chain(self.archive.turns());
        let too_deep = turns.filter(|turn| is_too_deep(turn)).map(Turn::id).next();
        match too_deep {
            None => Ok(()),
            Some(turn) => Err(DumpError::TooDeep { turn, limit: LIMIT }),
        }
    }
}

fn is_too_deep(turn: &Turn) -> bool {
    let parts = turn.messages().iter().flat_map(|message| message.content());
    let values = parts.filter_map(|part| match part {
        Part::Other { value, .. } => Some(value),
        _ => None,
    });
    values.into_iter().any(|value| exceeds(value, LIMIT))
}

fn exceeds(value: &Value, limit: usize) -> bool {
    match (value, limit) {
        (Value::Array(_) | Value::Object(_), 0) => true,
        (Value::Array(values), _) => values.iter().any(|value| exceeds(value, limit - 1)),
        (Value::Object(fields), _) => fields.values().any(|value| exceeds(value, limit - 1)),
        _ => false,
    }
}

/// The parser stops at 128, and the document itself is some levels deep.
const LIMIT: usize = 100;
