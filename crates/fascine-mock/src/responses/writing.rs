use serde_json::{Value, json};

use crate::ask::{Ask, Tool, ToolChoice};
use crate::openai::CREATED;
use crate::said::{Said, fragments};

/// The whole answer in one document.
pub(crate) fn whole(ask: &Ask, said: &Said) -> Value {
    response(ask, said, status(said), items(said), usage(said))
}

/// The answer as events, numbered; the last repeats everything.
pub(crate) fn events(ask: &Ask, said: &Said) -> Vec<String> {
    let mut stream = Stream::default();
    let begun = response(ask, said, "in_progress", Vec::new(), Value::Null);
    stream.push(json!({ "type": "response.created", "response": begun }));
    stream.push(json!({ "type": "response.in_progress", "response": begun }));
    for (output, item) in items(said).into_iter().enumerate() {
        let kind = item["type"].as_str().unwrap_or_default().to_owned();
        let mut added = item.clone();
        added["status"] = "in_progress".into();
        match kind.as_str() {
            "reasoning" => added["summary"] = json!([]),
            "message" => added["content"] = json!([]),
            _ => added["arguments"] = "".into(),
        }
        stream.push(
            json!({ "type": "response.output_item.added", "output_index": output, "item": added }),
        );
        let at = json!({ "item_id": item["id"], "output_index": output });
        match kind.as_str() {
            "reasoning" => stream.part(&at, &REASONING, said.thoughts(), &said.reasoning),
            "message" => stream.part(&at, &TEXT, said.words(), &said.text),
            _ => {
                let arguments = item["arguments"].as_str().unwrap_or_default();
                for piece in fragments(arguments) {
                    let delta = json!({ "delta": piece });
                    stream.at(&at, "response.function_call_arguments.delta", delta);
                }
                let done = json!({ "arguments": arguments });
                stream.at(&at, "response.function_call_arguments.done", done);
            }
        }
        stream.push(
            json!({ "type": "response.output_item.done", "output_index": output, "item": item }),
        );
    }
    let last = format!("response.{}", status(said));
    stream.push(json!({ "type": last, "response": whole(ask, said) }));
    stream.events
}

/// How the parts of a text or of a summary are called.
struct PartNames {
    event: &'static str,
    part: &'static str,
    index: &'static str,
    kind: &'static str,
}

const TEXT: PartNames = PartNames {
    event: "response.output_text",
    part: "response.content_part",
    index: "content_index",
    kind: "output_text",
};
const REASONING: PartNames = PartNames {
    event: "response.reasoning_summary_text",
    part: "response.reasoning_summary_part",
    index: "summary_index",
    kind: "summary_text",
};

#[derive(Default)]
struct Stream {
    events: Vec<String>,
}

impl Stream {
    fn push(&mut self, mut event: Value) {
        event["sequence_number"] = self.events.len().into();
        let kind = event["type"].as_str().unwrap_or_default();
        self.events
            .push(format!("event: {kind}\ndata: {event}\n\n"));
    }

    /// An event of one item.
    fn at(&mut self, at: &Value, kind: &str, fields: Value) {
        let mut event = at.clone();
        event["type"] = kind.into();
        if let (Value::Object(event), Value::Object(fields)) = (&mut event, fields) {
            event.extend(fields);
        }
        self.push(event);
    }

    fn part<'a>(
        &mut self,
        at: &Value,
        names: &PartNames,
        pieces: impl Iterator<Item = &'a str>,
        text: &str,
    ) {
        let mut at = at.clone();
        at[names.index] = 0.into();
        let part = |text: &str| json!({ "part": part(names.kind, text) });
        self.at(&at, &format!("{}.added", names.part), part(""));
        for piece in pieces {
            self.at(
                &at,
                &format!("{}.delta", names.event),
                json!({ "delta": piece }),
            );
        }
        self.at(
            &at,
            &format!("{}.done", names.event),
            json!({ "text": text }),
        );
        self.at(&at, &format!("{}.done", names.part), part(text));
    }
}

fn items(said: &Said) -> Vec<Value> {
    let mut items = Vec::new();
    if !said.reasoning.is_empty() {
        items.push(json!({
            "id": format!("rs_{}", said.id),
            "type": "reasoning",
            "summary": [part(REASONING.kind, &said.reasoning)],
        }));
    }
    if !said.text.is_empty() || said.tool_calls.is_empty() {
        items.push(json!({
            "id": format!("msg_{}", said.id),
            "type": "message",
            "role": "assistant",
            "status": status(said),
            "content": [part(TEXT.kind, &said.text)],
        }));
    }
    for (index, call) in said.tool_calls.iter().enumerate() {
        items.push(json!({
            "id": format!("fc_{}_{index}", said.id),
            "type": "function_call",
            "call_id": said.call_id(index),
            "name": call.name,
            "arguments": call.arguments.to_string(),
            "status": "completed",
        }));
    }
    items
}

fn part(kind: &str, text: &str) -> Value {
    match kind {
        "output_text" => json!({ "type": kind, "text": text, "annotations": [] }),
        _ => json!({ "type": kind, "text": text }),
    }
}

fn response(ask: &Ask, said: &Said, status: &str, output: Vec<Value>, usage: Value) -> Value {
    let reason = match status {
        "incomplete" => json!({ "reason": "max_output_tokens" }),
        _ => Value::Null,
    };
    json!({
        "id": format!("resp_{}", said.id),
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": null,
        "incomplete_details": reason,
        "model": ask.model,
        "output": output,
        "parallel_tool_calls": true,
        "tool_choice": tool_choice(ask),
        "tools": ask.tools.iter().map(tool).collect::<Vec<_>>(),
        "usage": usage,
    })
}

/// The choice and the tools are said again in every response.
fn tool_choice(ask: &Ask) -> Value {
    match &ask.tool_choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::Named(name) => json!({ "type": "function", "name": name }),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
    }
}

fn tool(tool: &Tool) -> Value {
    json!({ "type": "function", "name": tool.name, "parameters": tool.schema, "strict": null })
}

fn usage(said: &Said) -> Value {
    json!({
        "input_tokens": said.prompt_tokens,
        "input_tokens_details": { "cached_tokens": 0 },
        "output_tokens": said.completion_tokens,
        "output_tokens_details": { "reasoning_tokens": said.reasoning_tokens },
        "total_tokens": said.total_tokens(),
    })
}

fn status(said: &Said) -> &'static str {
    if said.is_cut {
        "incomplete"
    } else {
        "completed"
    }
}
