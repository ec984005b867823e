//! Requests of all kinds, made from a seed.

use std::iter::repeat_with;

use fascine::message::{Media, Message, Part, Reasoning, Role, ToolCall, ToolResult};
use fascine::model::{Effort, OutputFormat, Request, ToolChoice, ToolSpec};
use fastrand::Rng;
use serde_json::{Value, json};

/// A request that makes sense: calls are answered, and the user has the last word.
pub(super) fn request(random: &mut Rng) -> Request {
    let mut messages = Vec::new();
    for _ in 0..random.usize(..3) {
        messages.push(Message::new(Role::System, texts(random)));
    }
    for turn in 0..random.usize(..4) {
        messages.push(Message::new(Role::User, asked(random)));
        conversation_turn(random, turn, &mut messages);
    }
    let mut last = asked(random);
    last.push(Part::text("So?"));
    messages.push(Message::new(Role::User, last));
    settings(random, Request::new(messages))
}

/// What the model says, and what its tools say to that.
fn conversation_turn(random: &mut Rng, turn: usize, messages: &mut Vec<Message>) {
    let mut said = Vec::new();
    if random.bool() {
        said.push(Part::Reasoning(reasoning(random)));
    }
    said.extend(texts(random));
    let calls = random.usize(..4);
    let ids: Vec<String> = (0..calls)
        .map(|call| format!("call_{turn}_{call}"))
        .collect();
    for id in &ids {
        let arguments = random.choice(["", "{}", "{\"city\": \"Oslo\", \"days\": [1, 2]}"]);
        said.push(Part::ToolCall(ToolCall::new(
            id,
            "weather",
            arguments.unwrap(),
        )));
    }
    if random.u8(..4) == 0 {
        said.push(mark(random));
    }
    messages.push(Message::new(Role::Assistant, said));
    let mut results: Vec<Part> = ids.iter().map(|id| result(random, id)).collect();
    random.shuffle(&mut results);
    if random.bool() {
        messages.extend(
            results
                .into_iter()
                .map(|part| Message::new(Role::Tool, vec![part])),
        );
    } else if !results.is_empty() {
        messages.push(Message::new(Role::Tool, results));
    }
}

fn result(random: &mut Rng, id: &str) -> Part {
    let text = random
        .choice(["", "21 C", "{\"celsius\": 21}", "[1]", "null"])
        .unwrap();
    Part::ToolResult(match random.bool() {
        true => ToolResult::new(id, text),
        false => ToolResult::error(id, text),
    })
}

fn reasoning(random: &mut Rng) -> Reasoning {
    let mut reasoning = Reasoning::new(random.choice(["", "Hm."]).unwrap());
    if random.bool() {
        reasoning = reasoning.with_signature("c2VhbA==");
    }
    if random.bool() {
        reasoning = reasoning.with_encrypted("Y2xvc2Vk");
    }
    if random.bool() {
        reasoning = reasoning.with_id("rs_1");
    }
    let providers = [
        "",
        "anthropic",
        "gemini",
        "ollama",
        "openai",
        "openai-responses",
    ];
    reasoning.with_provider(random.choice(providers).unwrap())
}

fn texts(random: &mut Rng) -> Vec<Part> {
    let text = |random: &mut Rng| match random.u8(..6) {
        0 => mark(random),
        1 => foreign(),
        2 => Part::text(""),
        _ => Part::text("Ångström\n\"quoted\" \u{1F980}"),
    };
    let count = random.usize(..4);
    repeat_with(|| text(random)).take(count).collect()
}

fn asked(random: &mut Rng) -> Vec<Part> {
    let mut parts = texts(random);
    for _ in 0..random.usize(..3) {
        let at = random.usize(..=parts.len());
        parts.insert(at, medium(random));
    }
    parts
}

fn medium(random: &mut Rng) -> Part {
    let bytes = b"bytes of it";
    match random.u8(..7) {
        0 => Part::Image(Media::from_bytes("image/png", bytes)),
        1 => Part::Image(Media::from_url("image/jpeg", "https://example.com/a.jpg")),
        2 => Part::Document(Media::from_bytes("application/pdf", bytes)),
        3 => Part::Document(Media::from_bytes("application/pdf", bytes).with_name("a.pdf")),
        4 => Part::Document(Media::from_bytes("text/plain", bytes)),
        5 => Part::Document(Media::from_file_id("application/pdf", "file-1")),
        _ => Part::Audio(Media::from_bytes("audio/wav", bytes)),
    }
}

fn mark(random: &mut Rng) -> Part {
    let ttl = random.choice([None, Some("5m".to_owned()), Some("1h".to_owned())]);
    Part::CacheMark { ttl: ttl.unwrap() }
}

/// Of a provider that is asked nowhere here.
fn foreign() -> Part {
    let value = json!({ "type": "hologram" });
    Part::Other {
        provider: "somebody".to_owned(),
        value,
    }
}

fn settings(random: &mut Rng, mut request: Request) -> Request {
    let mut some = || random.u8(..3) == 0;
    request.max_tokens = some().then_some(9000);
    request.temperature = some().then_some(0.5);
    request.top_p = some().then_some(1.0);
    request.seed = some().then_some(7);
    request.parallel_tool_calls = match (some(), some()) {
        (true, one) => Some(one),
        _ => None,
    };
    if some() {
        request = request.with_stop(["END", "\n\n"]);
    }
    request.effort = match random.u8(..8) {
        0 => Some(Effort::None),
        1 => Some(Effort::Minimal),
        2 => Some(Effort::Low),
        3 => Some(Effort::Medium),
        4 => Some(Effort::High),
        5 => Some(Effort::Budget(2000)),
        _ => None,
    };
    request.output = match random.u8(..4) {
        0 => OutputFormat::Json,
        1 => OutputFormat::schema("answer", schema()),
        _ => OutputFormat::Text,
    };
    for name in ["weather", "clock"].iter().take(random.usize(..3)) {
        let parameters = random.choice([schema(), json!({ "type": "object" })]);
        let mut tool = ToolSpec::new(*name, "", parameters.unwrap());
        if random.bool() {
            tool.description = "tells it".to_owned();
        }
        tool.strict = random.choice([None, Some(true), Some(false)]).unwrap();
        request = request.with_tool(tool);
    }
    request.tool_choice = match random.u8(..6) {
        0 => Some(ToolChoice::Auto),
        1 => Some(ToolChoice::None),
        2 => Some(ToolChoice::Required),
        3 => Some(ToolChoice::Tool("weather".to_owned())),
        _ => None,
    };
    request
}

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": { "city": { "type": "string" } },
        "required": ["city"],
        "additionalProperties": false,
    })
}
