use fascine_message::{Message, Role};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::items::{self, Item};
use crate::openai::{JsonSchema, check_extra, check_tool_choice, effort_word, thinks};
use crate::wire::{Entries, Number};
use crate::{Delivery, ModelFailure, OutputFormat, Request, ToolChoice, ToolSpec};

/// The body of a request for `model`.
pub(super) fn body(
    request: &Request,
    model: &str,
    delivery: Delivery,
    provider: &str,
) -> Result<Vec<u8>, ModelFailure> {
    check_extra(request)?;
    check_tool_choice(request)?;
    if !request.stop.is_empty() {
        return Err(ModelFailure::invalid("stop", "is nothing this API has"));
    }
    if request.seed.is_some() {
        return Err(ModelFailure::invalid("seed", "is nothing this API has"));
    }
    let is_system = |message: &&Message| message.role() == Role::System;
    let leading = request.messages.iter().take_while(is_system).count();
    // Instructions are for something that is said.
    let leading = if leading == request.messages.len() {
        0
    } else {
        leading
    };
    let (instructions, said) = request.messages.split_at(leading);
    let instructions: Vec<_> = instructions.iter().map(Message::text).collect();
    let mut input = Vec::with_capacity(said.len());
    for message in said {
        items::write(message, provider, &mut input)?;
    }
    let body = Body {
        request,
        model,
        delivery,
        instructions: (!instructions.is_empty()).then(|| instructions.join("\n\n")),
        input,
        temperature: Number::field("temperature", request.temperature)?,
        top_p: Number::field("top_p", request.top_p)?,
        effort: request.effort.as_ref().map(effort_word).transpose()?,
    };
    let mut bytes = Vec::with_capacity(1024);
    serde_json::to_writer(&mut bytes, &body)
        .map_err(|error| ModelFailure::invalid("extra", error.to_string()))?;
    Ok(bytes)
}

struct Body<'a> {
    request: &'a Request,
    model: &'a str,
    delivery: Delivery,
    instructions: Option<String>,
    input: Vec<Item<'a>>,
    temperature: Option<Number>,
    top_p: Option<Number>,
    effort: Option<&'static str>,
}

impl Serialize for Body<'_> {
    /// What stays the same from call to call comes first: providers remember beginnings.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let request = self.request;
        let mut body = Entries::begin(serializer, &request.extra)?;
        body.put("model", self.model)?;
        body.put_some("instructions", self.instructions.as_ref())?;
        if !request.tools.is_empty() {
            let tools: Vec<_> = request.tools.iter().map(WireTool::new).collect();
            body.put("tools", &tools)?;
            let choice = request.tool_choice.as_ref().map(WireChoice::new);
            body.put_some("tool_choice", choice)?;
            body.put_some("parallel_tool_calls", request.parallel_tool_calls)?;
        }
        body.put("input", &self.input)?;
        body.put_some("max_output_tokens", request.max_tokens)?;
        body.put_some("temperature", self.temperature.as_ref())?;
        body.put_some("top_p", self.top_p.as_ref())?;
        body.put_some("reasoning", self.effort.map(|effort| Thinking { effort }))?;
        body.put_some(
            "text",
            Format::new(&request.output).map(|format| Text { format }),
        )?;
        body.put("store", &false)?;
        // Models that do not think refuse the question.
        if self.effort.is_some() || thinks(self.model) {
            body.put("include", &["reasoning.encrypted_content"])?;
        }
        if self.delivery == Delivery::Stream {
            body.put("stream", &true)?;
        }
        body.end()
    }
}

#[derive(Serialize)]
struct Thinking {
    effort: &'static str,
}

#[derive(Serialize)]
struct Text<'a> {
    format: Format<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    JsonObject,
    JsonSchema(JsonSchema<'a>),
}

impl<'a> Format<'a> {
    fn new(output: &'a OutputFormat) -> Option<Self> {
        match output {
            OutputFormat::Text => None,
            OutputFormat::Json => Some(Self::JsonObject),
            OutputFormat::Schema(schema) => Some(Self::JsonSchema(JsonSchema::new(schema))),
        }
    }
}

#[derive(Serialize)]
struct WireTool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    parameters: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

impl<'a> WireTool<'a> {
    fn new(tool: &'a ToolSpec) -> Self {
        Self {
            kind: "function",
            name: &tool.name,
            description: &tool.description,
            parameters: &tool.parameters,
            strict: tool.strict,
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum WireChoice<'a> {
    Tool {
        #[serde(rename = "type")]
        kind: &'static str,
        name: &'a str,
    },
    Word(&'static str),
}

impl<'a> WireChoice<'a> {
    fn new(choice: &'a ToolChoice) -> Self {
        match choice {
            ToolChoice::Auto => Self::Word("auto"),
            ToolChoice::None => Self::Word("none"),
            ToolChoice::Required => Self::Word("required"),
            ToolChoice::Tool(name) => Self::Tool {
                kind: "function",
                name,
            },
        }
    }
}
