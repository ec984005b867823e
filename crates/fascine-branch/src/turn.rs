use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use fascine_message::{Message, MessageId, ParseIdError, Part, Timestamp};
use serde::{Deserialize, Serialize};

/// The identity of a turn: 128 bits, written as a UUID.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct TurnId(MessageId);

impl TurnId {
    /// Makes an id of these bits.
    #[must_use]
    pub const fn from_u128(bits: u128) -> Self {
        Self(MessageId::from_u128(bits))
    }

    /// The bits.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0.as_u128()
    }
}

impl fmt::Display for TurnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TurnId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        text.parse().map(Self)
    }
}

/// What was said in one go: a question, the tool calls and their results, the answer.
///
/// It enters a history whole or not at all, and it leaves it whole. It does not change once it is made, so a clone is
/// the same turn and costs nothing.
#[derive(Clone, Debug)]
pub struct Turn(Arc<Inner>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Turn")]
struct Inner {
    id: TurnId,
    #[serde(default, skip_serializing_if = "TurnKind::is_said")]
    kind: TurnKind,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pinned: bool,
    messages: Vec<Message>,
}

/// How a turn came about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TurnKind {
    /// It broke off; what had come of it by then was kept, as the branch was asked to.
    Partial,
    /// It was said, to its end.
    #[default]
    Said,
    /// It stands for turns that were taken out.
    Summary {
        /// The turns, oldest first.
        of: Vec<TurnId>,
    },
}

impl TurnKind {
    fn is_said(&self) -> bool {
        *self == Self::Said
    }
}

impl Turn {
    /// Makes a turn of these messages, oldest first.
    pub fn new(id: TurnId, messages: impl IntoIterator<Item = Message>) -> Self {
        Self(Arc::new(Inner {
            id,
            kind: TurnKind::Said,
            pinned: false,
            messages: messages.into_iter().collect(),
        }))
    }

    /// Sets how it came about.
    #[must_use]
    pub fn with_kind(mut self, kind: TurnKind) -> Self {
        Arc::make_mut(&mut self.0).kind = kind;
        self
    }

    /// Sets whether it is to stay when others are taken out.
    #[must_use]
    pub fn with_pinned(mut self, pinned: bool) -> Self {
        Arc::make_mut(&mut self.0).pinned = pinned;
        self
    }

    /// Its identity.
    #[must_use]
    pub fn id(&self) -> TurnId {
        self.0.id
    }

    /// How it came about.
    #[must_use]
    pub fn kind(&self) -> &TurnKind {
        &self.0.kind
    }

    /// Whether it stands for others.
    pub(crate) fn is_summary(&self) -> bool {
        matches!(self.0.kind, TurnKind::Summary { .. })
    }

    /// Whether it stays when others are taken out.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        self.0.pinned
    }

    /// Its messages, oldest first.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.0.messages
    }

    /// When it began: the time of its first message that has one.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.0.messages.iter().find_map(Message::timestamp)
    }

    /// The id of a tool call without its result, or of a result without its call, if there is one.
    #[must_use]
    pub fn unpaired(&self) -> Option<&str> {
        let mut open: Vec<&str> = Vec::new();
        for part in self.0.messages.iter().flat_map(Message::content) {
            match part {
                Part::ToolCall(call) => open.push(&call.id),
                Part::ToolResult(result) => {
                    let Some(position) = open.iter().position(|id| *id == result.call_id) else {
                        return Some(&result.call_id);
                    };
                    open.remove(position);
                }
                _ => {}
            }
        }
        open.first().copied()
    }

    /// Whether it says what `other` says, pinned or not.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.kind == other.0.kind && self.0.messages == other.0.messages)
    }
}

impl PartialEq for Turn {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Eq for Turn {}

impl Serialize for Turn {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Turn {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Inner::deserialize(deserializer).map(|inner| Self(Arc::new(inner)))
    }
}
