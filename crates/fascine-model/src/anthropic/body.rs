use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::block::CacheControl;
use super::conversation::{Conversation, Turn};
use super::thinking::Thinking;
use crate::openai::check_tool_choice;
use crate::wire::{Entries, check};
use crate::{Delivery, ModelFailure, OutputFormat, Request, ToolChoice, ToolSpec};

/// The body of a request.
pub(super) fn write(
    request: &Request,
    default_model: &str,
    default_max: u32,
    delivery: Delivery,
) -> Result<Vec<u8>, ModelFailure> {
    let model = check(request, default_model)?;
    if request.temperature.is_some_and(|value| value > 1.0) {
        return Err(ModelFailure::invalid("temperature", "is more than 1"));
    }
    if request.seed.is_some() {
        return Err(ModelFailure::invalid("seed", "has no place in this API"));
    }
    let schema = match &request.output {
        OutputFormat::Text => None,
        OutputFormat::Schema(output) => Some(&output.schema),
        OutputFormat::Json => {
            let reason = "is JSON without a schema, which this API does not have";
            return Err(ModelFailure::invalid("output", reason));
        }
    };
    check_tool_choice(request)?;
    let thinking = Thinking::of(request, model)?;
    let body = Body {
        request,
        model,
        max_tokens: max_tokens(request, default_max, thinking)?,
        conversation: Conversation::read(&request.messages)?,
        thinking,
        schema,
        delivery,
    };
    serde_json::to_vec(&body).map_err(|error| ModelFailure::invalid("request", error.to_string()))
}

/// What the model thinks counts, so a budget goes on top, unless the request says how much there may be in all.
fn max_tokens(
    request: &Request,
    default: u32,
    thinking: Option<Thinking>,
) -> Result<u32, ModelFailure> {
    let budget = thinking.map_or(0, Thinking::budget_tokens);
    match request.max_tokens {
        None => Ok(default.saturating_add(budget)),
        Some(0) => Err(ModelFailure::invalid("max_tokens", "is 0")),
        Some(max) if max <= budget => {
            let reason = format!("is not more than the {budget} tokens that the model may think");
            Err(ModelFailure::invalid("max_tokens", reason))
        }
        Some(max) => Ok(max),
    }
}

struct Body<'a> {
    request: &'a Request,
    model: &'a str,
    max_tokens: u32,
    conversation: Conversation<'a>,
    thinking: Option<Thinking>,
    schema: Option<&'a Value>,
    delivery: Delivery,
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let request = self.request;
        let mut entries = Entries::begin(serializer, &request.extra)?;
        entries.put("model", self.model)?;
        entries.put("max_tokens", &self.max_tokens)?;
        if !self.conversation.system.content.is_empty() {
            entries.put("system", &self.conversation.system.content())?;
        }
        entries.put("messages", &self.conversation.turns)?;
        if !request.tools.is_empty() {
            entries.put(
                "tools",
                &Tools(&request.tools, self.conversation.tools_mark),
            )?;
        }
        entries.put_some("tool_choice", tool_choice(request))?;
        entries.put_some("thinking", self.thinking)?;
        let effort = self.thinking.and_then(Thinking::effort);
        if effort.is_some() || self.schema.is_some() {
            entries.put_merged("output_config", |extra| Output {
                effort,
                schema: self.schema,
                extra,
            })?;
        }
        entries.put_some("temperature", request.temperature)?;
        entries.put_some("top_p", request.top_p)?;
        if !request.stop.is_empty() {
            entries.put("stop_sequences", &request.stop)?;
        }
        if self.delivery == Delivery::Stream {
            entries.put("stream", &true)?;
        }
        entries.end()
    }
}

struct Output<'a> {
    effort: Option<&'static str>,
    schema: Option<&'a Value>,
    extra: &'a Map<String, Value>,
}

impl Serialize for Output<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entries = Entries::begin(serializer, self.extra)?;
        entries.put_some("effort", self.effort)?;
        let format = self.schema.map(|schema| Format {
            kind: "json_schema",
            schema,
        });
        entries.put_some("format", format)?;
        entries.end()
    }
}

#[derive(Serialize)]
struct Format<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    schema: &'a Value,
}

impl Serialize for Turn<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(2))?;
        object.serialize_entry("role", self.role.as_str())?;
        object.serialize_entry("content", &self.content())?;
        object.end()
    }
}

/// The tools, the last of them marked if everything up to there will come again.
struct Tools<'a>(&'a [ToolSpec], Option<CacheControl<'a>>);

impl Serialize for Tools<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let last = self.0.len() - 1;
        serializer.collect_seq(self.0.iter().enumerate().map(|(place, tool)| Tool {
            name: &tool.name,
            description: &tool.description,
            input_schema: &tool.parameters,
            strict: tool.strict,
            cache_control: self.1.filter(|_| place == last),
        }))
    }
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(serialize_with = "crate::wire::schema_of_object")]
    input_schema: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl<'a>>,
}

#[derive(Serialize)]
struct Choice<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

fn tool_choice(request: &Request) -> Option<Choice<'_>> {
    // The API takes no choice among nothing.
    if request.tools.is_empty() && !request.extra.contains_key("tools") {
        return None;
    }
    let one_at_a_time = request.parallel_tool_calls.map(|parallel| !parallel);
    let (kind, name) = match &request.tool_choice {
        // Whether calls may be parallel is part of the choice.
        None if one_at_a_time != Some(true) => return None,
        None | Some(ToolChoice::Auto) => ("auto", None),
        Some(ToolChoice::None) => ("none", None),
        Some(ToolChoice::Required) => ("any", None),
        Some(ToolChoice::Tool(name)) => ("tool", Some(name.as_str())),
    };
    Some(Choice {
        kind,
        name,
        disable_parallel_tool_use: one_at_a_time.filter(|_| kind != "none"),
    })
}
