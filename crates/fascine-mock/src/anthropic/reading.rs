use serde_json::Value;

use crate::ask::{Ask, PromptSize, Tool, ToolChoice};
use crate::fields::Fields;
use crate::picture;
use crate::problem::Problem;
use crate::tool_turns::ToolTurns;

/// Reads the body of a request to Messages.
pub(crate) fn read(body: &Value) -> Result<Ask, Problem> {
    let fields = Fields::of(body, "")?;
    let limit = fields.count("max_tokens")?;
    let mut ask = read_to_count(body)?;
    ask.max_tokens = Some(limit.ok_or_else(|| Problem::missing("max_tokens"))?);
    Ok(ask)
}

/// Reads a request whose tokens are only to be counted.
pub(crate) fn read_to_count(body: &Value) -> Result<Ask, Problem> {
    let fields = Fields::of(body, "")?;
    let mut ask = Ask {
        model: fields.name("model")?.to_owned(),
        stream: fields.flag("stream")?.unwrap_or(false),
        ..Ask::default()
    };
    fields.within("temperature", 0.0, 1.0)?;
    fields.within("top_p", 0.0, 1.0)?;
    if let Some(thinking) = fields.object("thinking")? {
        let kind = thinking.one_of("type", &["adaptive", "disabled", "enabled"])?;
        ask.reasoning = kind != "disabled";
    }
    let mut size = PromptSize::default();
    match fields.get("system") {
        Some(Value::String(text)) => size.text(text),
        _ => {
            for block in fields.objects("system")? {
                block.one_of("type", &["text"])?;
                size.text(block.text("text")?.unwrap_or_default());
            }
        }
    }
    read_tools(&fields, &mut ask, &mut size)?;
    if let Some(config) = fields.object("output_config")?
        && let Some(format) = config.object("format")?
    {
        format.one_of("type", &["json_schema"])?;
        let schema = format.get("schema").cloned();
        ask.schema = Some(schema.ok_or_else(|| Problem::missing(format.at("schema")))?);
    }
    let mut turns = ToolTurns::default();
    for message in fields.some_objects("messages")? {
        read_message(&message, &mut turns, &mut size, &mut ask)?;
    }
    turns.closed()?;
    ask.prompt_tokens = size.tokens();
    Ok(ask)
}

fn read_tools(fields: &Fields<'_>, ask: &mut Ask, size: &mut PromptSize) -> Result<(), Problem> {
    for tool in fields.objects("tools")? {
        let name = tool.name("name")?.to_owned();
        if tool.text("type")?.is_some_and(|kind| kind != "custom") {
            continue; // Anthropic's own tools have no schema.
        }
        let schema = tool
            .object("input_schema")?
            .ok_or_else(|| Problem::missing(tool.at("input_schema")))?;
        schema.one_of("type", &["object"])?;
        let schema = tool.get("input_schema").cloned().unwrap_or_default();
        size.json(&schema);
        ask.tools.push(Tool { name, schema });
    }
    let Some(choice) = fields.object("tool_choice")? else {
        return Ok(());
    };
    ask.tool_choice = match choice.one_of("type", &["any", "auto", "none", "tool"])? {
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Named(choice.name("name")?.to_owned()),
        _ => ToolChoice::Auto,
    };
    let is_known = match &ask.tool_choice {
        ToolChoice::Named(name) => ask.tools.iter().any(|tool| tool.name == *name),
        ToolChoice::Required => !ask.tools.is_empty(),
        ToolChoice::Auto | ToolChoice::None => true,
    };
    match is_known {
        true => Ok(()),
        false => Err(Problem::wrong(choice.path(), "a choice among 'tools'")),
    }
}

fn read_message(
    message: &Fields<'_>,
    turns: &mut ToolTurns,
    size: &mut PromptSize,
    ask: &mut Ask,
) -> Result<(), Problem> {
    let role = message.one_of("role", &["assistant", "user"])?;
    let mut text = String::new();
    match message.get("content") {
        Some(Value::String(whole)) => {
            turns.closed()?;
            text.clone_from(whole);
            size.text(whole);
        }
        Some(_) => {
            let blocks = message.objects("content")?;
            for block in &blocks {
                read_block(block, role, turns, size, &mut text)?;
            }
            if role == "user" {
                // All results of one turn come in one message.
                turns.closed()?;
            }
        }
        None => return Err(Problem::missing(message.at("content"))),
    }
    if role == "user" {
        ask.asked = text;
    }
    Ok(())
}

fn read_block(
    block: &Fields<'_>,
    role: &str,
    turns: &mut ToolTurns,
    size: &mut PromptSize,
    said: &mut String,
) -> Result<(), Problem> {
    let mut text = |text: &str, size: &mut PromptSize| {
        size.text(text);
        said.push_str(text);
    };
    match (block.name("type")?, role) {
        ("text", _) => match block.text("text")? {
            Some("") | None => return Err(Problem::wrong(block.at("text"), "a non-empty text")),
            Some(words) => text(words, size),
        },
        ("image", "user") => read_image(block, size)?,
        ("document", "user") => {
            let source = block.object("source")?;
            source.ok_or_else(|| Problem::missing(block.at("source")))?;
            size.picture();
        }
        ("tool_result", "user") => {
            turns.answered(block.name("tool_use_id")?, &block.at("tool_use_id"))?;
            match block.get("content") {
                Some(Value::String(words)) => text(words, size),
                _ => {
                    for part in block.objects("content")? {
                        match part.name("type")? {
                            "image" => read_image(&part, size)?,
                            _ => text(part.text("text")?.unwrap_or_default(), size),
                        }
                    }
                }
            }
        }
        ("tool_use", "assistant") => {
            block.name("name")?;
            let input = block.get("input");
            size.json(input.ok_or_else(|| Problem::missing(block.at("input")))?);
            turns.called(block.name("id")?, block.path().to_owned());
        }
        ("thinking", "assistant") => {
            block.name("signature")?;
        }
        ("image" | "tool_result" | "tool_use" | "thinking", _) => {
            let expected = format!("a block that the role '{role}' may have");
            return Err(Problem::wrong(block.at("type"), &expected));
        }
        _ => {} // Blocks of newer kinds.
    }
    Ok(())
}

fn read_image(block: &Fields<'_>, size: &mut PromptSize) -> Result<(), Problem> {
    let source = block
        .object("source")?
        .ok_or_else(|| Problem::missing(block.at("source")))?;
    match source.one_of("type", &["base64", "file", "url"])? {
        "base64" => {
            let (kind, data) = (source.name("media_type")?, source.name("data")?);
            picture::check(kind, data, &source.at("media_type"))?;
        }
        "url" => picture::check_url(source.name("url")?, &source.at("url"))?,
        _ => {}
    }
    size.picture();
    Ok(())
}
