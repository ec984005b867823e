use serde_json::Value;

use crate::ask::{Ask, PromptSize, Tool};
use crate::fields::Fields;
use crate::problem::Problem;
use crate::tool_turns::ToolTurns;
use crate::{openai, picture};

/// Reads the body of a request to the Responses API.
pub(crate) fn read(body: &Value) -> Result<Ask, Problem> {
    let fields = Fields::of(body, "")?;
    let mut ask = Ask {
        model: fields.name("model")?.to_owned(),
        stream: fields.flag("stream")?.unwrap_or(false),
        max_tokens: fields.count("max_output_tokens")?,
        ..Ask::default()
    };
    fields.within("temperature", 0.0, 2.0)?;
    fields.within("top_p", 0.0, 1.0)?;
    if let Some(reasoning) = fields.object("reasoning")? {
        let effort = reasoning.text("effort")?;
        ask.reasoning = effort.is_some_and(|effort| effort != "none");
    }
    let mut size = PromptSize::default();
    size.text(fields.text("instructions")?.unwrap_or_default());
    for tool in fields.objects("tools")? {
        if tool.name("type")? != "function" {
            continue; // Built-in tools run on the provider's side.
        }
        let schema = tool.get("parameters").cloned().unwrap_or_default();
        size.json(&schema);
        let name = tool.name("name")?.to_owned();
        ask.tools.push(Tool { name, schema });
    }
    ask.tool_choice = openai::read_tool_choice(&fields, &ask.tools)?;
    if let Some(text) = fields.object("text")?
        && let Some(format) = text.object("format")?
        && format.one_of("type", &["json_object", "json_schema", "text"])? == "json_schema"
    {
        format.name("name")?;
        let schema = format.get("schema").cloned();
        ask.schema = Some(schema.ok_or_else(|| Problem::missing(format.at("schema")))?);
    }
    match fields.get("input") {
        Some(Value::String(text)) => {
            size.text(text);
            ask.asked.clone_from(text);
        }
        Some(_) => read_items(&fields, &mut size, &mut ask)?,
        None => return Err(Problem::missing("input")),
    }
    ask.prompt_tokens = size.tokens();
    Ok(ask)
}

fn read_items(fields: &Fields<'_>, size: &mut PromptSize, ask: &mut Ask) -> Result<(), Problem> {
    let mut turns = ToolTurns::default();
    // What was said before is not in this request.
    let is_continued = fields.text("previous_response_id")?.is_some();
    for item in fields.some_objects("input")? {
        match item.text("type")?.unwrap_or("message") {
            "message" => {
                let role = item.one_of("role", &["assistant", "developer", "system", "user"])?;
                let text = read_content(&item, size)?;
                if role == "user" {
                    ask.asked = text;
                }
            }
            "function_call" => {
                item.name("name")?;
                size.text(item.text("arguments")?.unwrap_or_default());
                turns.called(item.name("call_id")?, item.path().to_owned());
            }
            "function_call_output" => {
                let id = item.name("call_id")?;
                if !is_continued {
                    turns.answered(id, &item.at("call_id"))?;
                }
                ask.asked = match item.get("output") {
                    Some(Value::String(text)) => text.clone(),
                    Some(other) => other.to_string(),
                    None => return Err(Problem::missing(item.at("output"))),
                };
                size.text(&ask.asked);
            }
            _ => {} // Reasoning, references and what else there may be.
        }
    }
    turns.closed()
}

fn read_content(item: &Fields<'_>, size: &mut PromptSize) -> Result<String, Problem> {
    let mut text = String::new();
    match item.get("content") {
        Some(Value::String(whole)) => text.clone_from(whole),
        Some(_) => {
            for part in item.objects("content")? {
                match part.name("type")? {
                    "input_text" | "output_text" => {
                        text.push_str(part.text("text")?.unwrap_or_default());
                    }
                    "input_image" => {
                        if let Some(url) = part.text("image_url")? {
                            picture::check_url(url, &part.at("image_url"))?;
                        }
                        size.picture();
                    }
                    "input_audio" | "input_file" => size.picture(),
                    "refusal" => text.push_str(part.text("refusal")?.unwrap_or_default()),
                    _ => return Err(Problem::wrong(part.at("type"), "a kind of content")),
                }
            }
        }
        None => return Err(Problem::missing(item.at("content"))),
    }
    size.text(&text);
    Ok(text)
}
