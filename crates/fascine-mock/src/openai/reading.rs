use serde_json::Value;

use crate::ask::{Ask, PromptSize, Tool, ToolChoice};
use crate::fields::Fields;
use crate::picture;
use crate::problem::Problem;
use crate::tool_turns::ToolTurns;

/// Reads the body of a request to Chat Completions.
pub(crate) fn read(body: &Value) -> Result<Ask, Problem> {
    let fields = Fields::of(body, "")?;
    let mut ask = Ask {
        model: fields.name("model")?.to_owned(),
        stream: fields.flag("stream")?.unwrap_or(false),
        ..Ask::default()
    };
    if let Some(options) = fields.object("stream_options")? {
        ask.include_usage = options.flag("include_usage")?.unwrap_or(false);
    }
    fields.within("temperature", 0.0, 2.0)?;
    fields.within("top_p", 0.0, 1.0)?;
    let old_limit = fields.count("max_tokens")?;
    ask.max_tokens = fields.count("max_completion_tokens")?.or(old_limit);
    ask.reasoning = fields
        .text("reasoning_effort")?
        .is_some_and(|effort| effort != "none");
    let mut size = PromptSize::default();
    for tool in fields.objects("tools")? {
        tool.one_of("type", &["function"])?;
        let function = tool
            .object("function")?
            .ok_or_else(|| Problem::missing(tool.at("function")))?;
        let schema = function.get("parameters").cloned().unwrap_or_default();
        size.json(&schema);
        let name = function.name("name")?.to_owned();
        ask.tools.push(Tool { name, schema });
    }
    ask.tool_choice = read_tool_choice(&fields, &ask.tools)?;
    ask.schema = read_format(&fields)?;
    let mut turns = ToolTurns::default();
    for message in fields.some_objects("messages")? {
        read_message(&message, &mut turns, &mut size, &mut ask)?;
    }
    turns.closed()?;
    ask.prompt_tokens = size.tokens();
    Ok(ask)
}

/// What `tool_choice` says; the Responses API has the name on another level.
pub(crate) fn read_tool_choice(fields: &Fields<'_>, tools: &[Tool]) -> Result<ToolChoice, Problem> {
    let path = fields.at("tool_choice");
    let choice = match fields.get("tool_choice") {
        None => return Ok(ToolChoice::Auto),
        Some(Value::String(word)) => match word.as_str() {
            "auto" => ToolChoice::Auto,
            "none" => ToolChoice::None,
            "required" => ToolChoice::Required,
            _ => return Err(Problem::wrong(path, "auto, none, required or a function")),
        },
        Some(value) => {
            let choice = Fields::of(value, &path)?;
            let named = choice.object("function")?.unwrap_or(choice);
            ToolChoice::Named(named.name("name")?.to_owned())
        }
    };
    let is_known = match &choice {
        ToolChoice::Named(name) => tools.iter().any(|tool| tool.name == *name),
        ToolChoice::Required => !tools.is_empty(),
        ToolChoice::Auto | ToolChoice::None => true,
    };
    match is_known {
        true => Ok(choice),
        false => Err(Problem::wrong(path, "a choice among 'tools'")),
    }
}

fn read_format(fields: &Fields<'_>) -> Result<Option<Value>, Problem> {
    let Some(format) = fields.object("response_format")? else {
        return Ok(None);
    };
    match format.one_of("type", &["json_object", "json_schema", "text"])? {
        "json_object" => Ok(Some(serde_json::json!({ "type": "object" }))),
        "json_schema" => {
            let named = format
                .object("json_schema")?
                .ok_or_else(|| Problem::missing(format.at("json_schema")))?;
            named.name("name")?;
            let schema = named.get("schema").cloned();
            schema
                .map(Some)
                .ok_or_else(|| Problem::missing(named.at("schema")))
        }
        _ => Ok(None),
    }
}

fn read_message(
    message: &Fields<'_>,
    turns: &mut ToolTurns,
    size: &mut PromptSize,
    ask: &mut Ask,
) -> Result<(), Problem> {
    let role = message.one_of("role", &ROLES)?;
    let calls = message.objects("tool_calls")?;
    if role == "tool" {
        turns.answered(message.name("tool_call_id")?, &message.at("tool_call_id"))?;
    } else {
        turns.closed()?;
    }
    for call in &calls {
        let function = call
            .object("function")?
            .ok_or_else(|| Problem::missing(call.at("function")))?;
        size.text(function.name("name")?);
        size.text(function.text("arguments")?.unwrap_or_default());
        turns.called(call.name("id")?, call.path().to_owned());
    }
    let text = match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(_)) => read_parts(message, size)?,
        None if role == "assistant" => String::new(),
        None => return Err(Problem::missing(message.at("content"))),
        Some(_) => {
            return Err(Problem::wrong(
                message.at("content"),
                "a string or an array",
            ));
        }
    };
    size.text(&text);
    if role == "user" || role == "tool" {
        ask.asked = text;
    }
    Ok(())
}

fn read_parts(message: &Fields<'_>, size: &mut PromptSize) -> Result<String, Problem> {
    let mut text = String::new();
    for part in message.objects("content")? {
        match part.one_of("type", &PARTS)? {
            "text" => text.push_str(part.text("text")?.unwrap_or_default()),
            "refusal" => text.push_str(part.text("refusal")?.unwrap_or_default()),
            "image_url" => {
                let image = part
                    .object("image_url")?
                    .ok_or_else(|| Problem::missing(part.at("image_url")))?;
                picture::check_url(image.name("url")?, &image.at("url"))?;
                size.picture();
            }
            kind => {
                part.object(kind)?
                    .ok_or_else(|| Problem::missing(part.at(kind)))?;
                size.picture();
            }
        }
    }
    Ok(text)
}

const ROLES: [&str; 5] = ["assistant", "developer", "system", "tool", "user"];
const PARTS: [&str; 5] = ["file", "image_url", "input_audio", "refusal", "text"];
