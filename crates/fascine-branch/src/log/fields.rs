use fascine_message::{Message, Part};
use fascine_model::Chunk;
use serde_json::{Map, Value, json};

use crate::{BranchEvent, Turn, TurnId, TurnKind};

/// What a line says of an event. Nothing that was said, or that somebody else made of it, is in it without text.
pub(super) fn fields(event: &BranchEvent, has_text: bool) -> Map<String, Value> {
    let mut fields = Fields {
        map: Map::new(),
        has_text,
    };
    match event {
        BranchEvent::Aborted { .. } => {}
        BranchEvent::Chunk { chunk, .. } => fields.chunk(chunk),
        BranchEvent::Committed { turn } => fields.turn(turn),
        BranchEvent::ContextSkipped {
            provider, reason, ..
        } => fields.add("provider", provider).text("reason", reason),
        BranchEvent::ObserverPanicked {
            observer, message, ..
        } => fields.add("observer", observer).text("message", message),
        BranchEvent::Pruned { turns } => {
            fields.turns(turns);
        }
        BranchEvent::ReAsked {
            attempt, reason, ..
        } => fields.add("attempt", attempt).text("reason", reason),
        BranchEvent::Repaired { repairs, .. } => {
            fields.add("count", repairs.len()).text("repairs", repairs);
        }
        BranchEvent::Summarised { summary } => fields.turn(summary),
        BranchEvent::SummaryFailed { turns, reason } => fields.turns(turns).text("reason", reason),
        BranchEvent::ToolCalled { call, .. } => fields
            .add("tool", &call.name)
            .add("call_id", &call.id)
            .add("chars", chars(&call.arguments))
            .text("arguments", json_or_text(&call.arguments)),
        BranchEvent::ToolEnded {
            tool,
            result,
            elapsed,
            ..
        } => fields
            .add("tool", tool)
            .add("call_id", &result.call_id)
            .add("is_error", result.is_error)
            .add(
                "elapsed_ms",
                u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            )
            .add("chars", chars(&result.text))
            .text("result", json_or_text(&result.text)),
        BranchEvent::TurnStarted { instruction, .. } => {
            let message = message(instruction, has_text);
            fields.add("message", message);
        }
    }
    fields.map
}

struct Fields {
    map: Map<String, Value>,
    has_text: bool,
}

impl Fields {
    fn add(&mut self, name: &str, value: impl serde::Serialize) -> &mut Self {
        self.map.insert(name.to_owned(), json!(value));
        self
    }

    /// Adds what was said, if that is wanted.
    fn text(&mut self, name: &str, value: impl serde::Serialize) {
        if self.has_text {
            self.add(name, value);
        }
    }

    fn turns(&mut self, turns: &[TurnId]) -> &mut Self {
        let turns = turns.iter().map(ToString::to_string);
        self.add("turns", turns.collect::<Vec<_>>())
    }

    fn turn(&mut self, turn: &Turn) {
        let status = match turn.kind() {
            TurnKind::Partial => "partial",
            TurnKind::Said => "said",
            TurnKind::Summary { .. } => "summary",
        };
        let messages = turn.messages().iter();
        let messages = messages.map(|said| message(said, self.has_text));
        let messages = messages.collect::<Vec<_>>();
        self.add("status", status).add("messages", messages);
    }

    /// Never what it says: a secret may be cut in two, which nobody would recognise. The turn has it whole.
    fn chunk(&mut self, chunk: &Chunk) {
        let (kind, length) = match chunk {
            Chunk::Reasoning(reasoning) => ("reasoning", chars(&reasoning.text)),
            Chunk::Text(text) => ("text", chars(text)),
            Chunk::ToolCall { arguments, .. } => ("tool_call", chars(arguments)),
            _ => ("other", 0),
        };
        self.add("type", kind).add("chars", length);
    }
}

fn message(message: &Message, has_text: bool) -> Value {
    let text = message.text();
    let mut fields = json!({
        "id": message.id().to_string(),
        "role": message.role().to_string(),
        "chars": chars(&text),
    });
    let count =
        |fits: fn(&Part) -> bool| message.content().iter().filter(|part| fits(part)).count();
    let calls = count(|part| matches!(part, Part::ToolCall(_)));
    let results = count(|part| matches!(part, Part::ToolResult(_)));
    for (name, count) in [("tool_calls", calls), ("tool_results", results)] {
        if count > 0 {
            fields[name] = count.into();
        }
    }
    if has_text {
        fields["text"] = text.into();
    }
    fields
}

/// What is JSON is written as JSON, so that its keys are seen when it is redacted.
fn json_or_text(text: &str) -> Value {
    let parsed = match text.trim_start().starts_with(['{', '[']) {
        true => serde_json::from_str(text).ok(),
        false => None,
    };
    parsed.unwrap_or_else(|| text.into())
}

fn chars(text: &str) -> usize {
    text.chars().count()
}
