use serde_json::Value;

use crate::ask::{Ask, PromptSize, Tool};
use crate::fields::Fields;
use crate::picture;
use crate::problem::Problem;

/// Reads the body of a request to `/api/chat`, which streams unless it says otherwise.
pub(crate) fn read(body: &Value) -> Result<Ask, Problem> {
    let fields = Fields::of(body, "")?;
    let mut ask = Ask {
        model: fields.name("model")?.to_owned(),
        stream: fields.flag("stream")?.unwrap_or(true),
        ..Ask::default()
    };
    if let Some(options) = fields.object("options")? {
        ask.max_tokens = match options.get("num_predict").map(Value::as_i64) {
            Some(Some(..0)) | None => None, // Below zero is without a limit.
            Some(_) => options.count("num_predict")?,
        };
    }
    ask.reasoning = match fields.get("think") {
        Some(Value::Bool(think)) => *think,
        Some(Value::String(_)) => true,
        Some(_) => return Err(Problem::wrong("think", "a boolean or a level")),
        None => false,
    };
    ask.schema = match fields.get("format") {
        Some(Value::String(format)) if format == "json" => {
            Some(serde_json::json!({ "type": "object" }))
        }
        Some(Value::Object(_)) => fields.get("format").cloned(),
        Some(_) => return Err(Problem::wrong("format", "json or a schema")),
        None => None,
    };
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
    for message in fields.some_objects("messages")? {
        let role = message.one_of("role", &["assistant", "system", "tool", "user"])?;
        let text = message.text("content")?.unwrap_or_default();
        size.text(text);
        if let Some(Value::Array(images)) = message.get("images") {
            for image in images {
                let path = message.at("images");
                picture::check_base64(image.as_str().unwrap_or_default(), &path)?;
                size.picture();
            }
        }
        for call in message.objects("tool_calls")? {
            let function = call
                .object("function")?
                .ok_or_else(|| Problem::missing(call.at("function")))?;
            function.name("name")?;
            // An object, not a string with an object in it.
            function.object("arguments")?;
        }
        if role == "tool" || role == "user" {
            text.clone_into(&mut ask.asked);
        }
    }
    ask.prompt_tokens = size.tokens();
    Ok(ask)
}
