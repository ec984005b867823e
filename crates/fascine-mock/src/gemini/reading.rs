use serde_json::Value;

use crate::ask::{Ask, PromptSize, Tool, ToolChoice};
use crate::fields::Fields;
use crate::picture;
use crate::problem::Problem;

/// Reads the body of a request to `generateContent`; the model and the manner of delivery are in its path.
pub(crate) fn read(body: &Value) -> Result<Ask, Problem> {
    let fields = Fields::of(body, "")?;
    let mut ask = Ask::default();
    let mut size = PromptSize::default();
    if let Some(config) = fields.object("generationConfig")? {
        config.within("temperature", 0.0, 2.0)?;
        config.within("topP", 0.0, 1.0)?;
        ask.max_tokens = config.count("maxOutputTokens")?;
        let schema = config.get("responseJsonSchema");
        ask.schema = schema.or_else(|| config.get("responseSchema")).cloned();
        let media_type = config.text("responseMimeType")?;
        match (media_type, &ask.schema) {
            (Some("application/json"), Some(_)) | (_, None) => {}
            _ => {
                let path = config.at("responseMimeType");
                return Err(Problem::wrong(path, "application/json with a schema"));
            }
        }
        if let Some(thinking) = config.object("thinkingConfig")? {
            ask.reasoning = thinking.flag("includeThoughts")?.unwrap_or(false);
        }
    }
    if let Some(system) = fields.object("systemInstruction")? {
        for part in system.some_objects("parts")? {
            size.text(part.text("text")?.unwrap_or_default());
        }
    }
    read_tools(&fields, &mut ask, &mut size)?;
    let mut open = 0;
    for content in fields.some_objects("contents")? {
        open = read_content(&content, open, &mut size, &mut ask)?;
    }
    if open > 0 {
        return Err(unequal("contents"));
    }
    ask.prompt_tokens = size.tokens();
    Ok(ask)
}

fn read_tools(fields: &Fields<'_>, ask: &mut Ask, size: &mut PromptSize) -> Result<(), Problem> {
    for tool in fields.objects("tools")? {
        for function in tool.objects("functionDeclarations")? {
            let schema = function.get("parametersJsonSchema");
            let schema = schema.or_else(|| function.get("parameters"));
            let schema = schema.cloned().unwrap_or_default();
            size.json(&schema);
            let name = function.name("name")?.to_owned();
            ask.tools.push(Tool { name, schema });
        }
    }
    let Some(config) = fields.object("toolConfig")? else {
        return Ok(());
    };
    let Some(calling) = config.object("functionCallingConfig")? else {
        return Ok(());
    };
    let allowed = match calling.get("allowedFunctionNames") {
        Some(Value::Array(names)) => names.first().and_then(Value::as_str),
        _ => None,
    };
    let mode = calling.text("mode")?.unwrap_or("AUTO");
    ask.tool_choice = match (mode, allowed) {
        ("ANY", Some(name)) => ToolChoice::Named(name.to_owned()),
        ("ANY", None) => ToolChoice::Required,
        ("NONE", _) => ToolChoice::None,
        ("AUTO" | "VALIDATED", _) => ToolChoice::Auto,
        _ => {
            let expected = "one of ANY, AUTO, NONE, VALIDATED";
            return Err(Problem::wrong(calling.at("mode"), expected));
        }
    };
    let is_known = match &ask.tool_choice {
        ToolChoice::Named(name) => ask.tools.iter().any(|tool| tool.name == *name),
        ToolChoice::Required => !ask.tools.is_empty(),
        ToolChoice::Auto | ToolChoice::None => true,
    };
    match is_known {
        true => Ok(()),
        false => Err(Problem::wrong(calling.path(), "a choice among 'tools'")),
    }
}

/// Reads a turn that follows one with `open` calls; returns how many calls it makes itself.
fn read_content(
    content: &Fields<'_>,
    open: usize,
    size: &mut PromptSize,
    ask: &mut Ask,
) -> Result<usize, Problem> {
    let role = match content.text("role")? {
        None => "user",
        Some(_) => content.one_of("role", &["function", "model", "user"])?,
    };
    let mut text = String::new();
    let (mut calls, mut results) = (0, 0);
    for part in content.some_objects("parts")? {
        if let Some(words) = part.text("text")? {
            text.push_str(words);
        } else if let Some(data) = part.object("inlineData")? {
            let kind = data.name("mimeType")?;
            if kind.starts_with("image/") {
                picture::check(kind, data.name("data")?, &data.at("mimeType"))?;
            } else {
                picture::check_base64(data.name("data")?, &data.at("data"))?;
            }
            size.picture();
        } else if let Some(call) = part.object("functionCall")? {
            call.name("name")?;
            calls += 1;
        } else if let Some(result) = part.object("functionResponse")? {
            result.name("name")?;
            // An object it must be.
            result
                .object("response")?
                .ok_or_else(|| Problem::missing(result.at("response")))?;
            if let Some(response) = result.get("response") {
                text.push_str(&response.to_string());
            }
            results += 1;
        }
    }
    if results != open || (calls > 0 && role != "model") {
        return Err(unequal(content.path()));
    }
    size.text(&text);
    if role != "model" {
        ask.asked = text;
    }
    Ok(calls)
}

fn unequal(path: &str) -> Problem {
    let message = "The number of function response parts must equal the number of function call \
                   parts of the turn before.";
    Problem::invalid(path.to_owned(), message)
}
