//! The body of a request, written in one go from what the request has.

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::dialect::{Dialect, EffortField, Outputs, StreamUsage};
use super::messages::{self, WireMessage};
use super::tools::{WireChoice, WireTool, tools};
use crate::wire::{Entries, Number};
use crate::{Delivery, Effort, ModelFailure, OutputFormat, OutputSchema, Request};

/// The body of a request for `model`.
pub(super) fn body(
    request: &Request,
    model: &str,
    delivery: Delivery,
    dialect: &Dialect,
    provider: &str,
) -> Result<Vec<u8>, ModelFailure> {
    check_extra(request)?;
    let mut messages = Vec::with_capacity(request.messages.len());
    for message in &request.messages {
        messages::write(message, dialect, provider, &mut messages)?;
    }
    let (tools, tool_choice) = tools(request, dialect.tool_choices)?;
    let body = Body {
        request,
        model,
        delivery,
        dialect,
        messages,
        temperature: Number::field("temperature", request.temperature)?,
        top_p: Number::field("top_p", request.top_p)?,
        effort: effort(request, dialect)?,
        output: output(&request.output, dialect)?,
        tools,
        tool_choice,
    };
    let mut bytes = Vec::with_capacity(1024);
    serde_json::to_writer(&mut bytes, &body)
        .map_err(|error| ModelFailure::invalid("extra", error.to_string()))?;
    Ok(bytes)
}

/// Whether an answer comes in pieces is decided by the call alone.
pub(crate) fn check_extra(request: &Request) -> Result<(), ModelFailure> {
    if request.extra.contains_key("stream") {
        let reason = "has `stream`, which the call decides";
        return Err(ModelFailure::invalid("extra", reason));
    }
    Ok(())
}

struct Body<'a> {
    request: &'a Request,
    model: &'a str,
    delivery: Delivery,
    dialect: &'a Dialect,
    messages: Vec<WireMessage<'a>>,
    temperature: Option<Number>,
    top_p: Option<Number>,
    effort: Option<WireEffort>,
    output: Option<WireOutput<'a>>,
    tools: Vec<WireTool<'a>>,
    tool_choice: Option<WireChoice<'a>>,
}

impl Serialize for Body<'_> {
    /// What stays the same from call to call comes first: providers remember beginnings.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let request = self.request;
        let mut body = Entries::begin(serializer, &request.extra)?;
        body.put("model", self.model)?;
        if !self.tools.is_empty() {
            body.put("tools", &self.tools)?;
            body.put_some("tool_choice", self.tool_choice.as_ref())?;
            body.put_some("parallel_tool_calls", request.parallel_tool_calls)?;
        }
        body.put("messages", &self.messages)?;
        let max_tokens = self.dialect.max_tokens.name(self.model);
        body.put_some(max_tokens, request.max_tokens)?;
        body.put_some("temperature", self.temperature.as_ref())?;
        body.put_some("top_p", self.top_p.as_ref())?;
        if !request.stop.is_empty() {
            body.put("stop", &request.stop)?;
        }
        body.put_some(self.dialect.seed, request.seed)?;
        match &self.effort {
            Some(WireEffort::Word(word)) => body.put("reasoning_effort", word)?,
            Some(WireEffort::Object(object)) => body.put("reasoning", object)?,
            None => {}
        }
        body.put_some("response_format", self.output.as_ref())?;
        if self.delivery == Delivery::Stream {
            body.put("stream", &true)?;
            if let StreamUsage::Asked = self.dialect.usage {
                body.put(
                    "stream_options",
                    &StreamOptions {
                        include_usage: true,
                    },
                )?;
            }
        }
        body.end()
    }
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

enum WireEffort {
    Object(EffortObject),
    Word(&'static str),
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum EffortObject {
    Effort(&'static str),
    MaxTokens(u32),
}

fn effort(request: &Request, dialect: &Dialect) -> Result<Option<WireEffort>, ModelFailure> {
    let Some(effort) = &request.effort else {
        return Ok(None);
    };
    let written = match (dialect.effort, effort) {
        (EffortField::Reasoning, Effort::Budget(tokens)) => {
            WireEffort::Object(EffortObject::MaxTokens(*tokens))
        }
        (EffortField::Reasoning, effort) => {
            WireEffort::Object(EffortObject::Effort(effort_word(effort)?))
        }
        (EffortField::ReasoningEffort, effort) => WireEffort::Word(effort_word(effort)?),
    };
    Ok(Some(written))
}

/// OpenAI's word for it.
pub(crate) fn effort_word(effort: &Effort) -> Result<&'static str, ModelFailure> {
    Ok(match effort {
        Effort::None => "none",
        Effort::Minimal => "minimal",
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::Budget(_) => {
            let reason = "is a number of tokens, and this API takes words";
            return Err(ModelFailure::invalid("effort", reason));
        }
    })
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireOutput<'a> {
    JsonObject,
    JsonSchema { json_schema: JsonSchema<'a> },
}

/// The schema of an answer, as OpenAI's APIs want it.
#[derive(Serialize)]
pub(crate) struct JsonSchema<'a> {
    name: &'a str,
    schema: &'a Value,
    strict: bool,
}

impl<'a> JsonSchema<'a> {
    pub(crate) fn new(output: &'a OutputSchema) -> Self {
        Self {
            name: &output.name,
            schema: &output.schema,
            strict: output.strict,
        }
    }
}

fn output<'a>(
    output: &'a OutputFormat,
    dialect: &Dialect,
) -> Result<Option<WireOutput<'a>>, ModelFailure> {
    match (output, dialect.outputs) {
        (OutputFormat::Text, _) => Ok(None),
        (OutputFormat::Json, Outputs::All | Outputs::JsonOnly) => Ok(Some(WireOutput::JsonObject)),
        (OutputFormat::Schema(schema), Outputs::All | Outputs::SchemaOnly) => {
            let json_schema = JsonSchema::new(schema);
            Ok(Some(WireOutput::JsonSchema { json_schema }))
        }
        (OutputFormat::Json, Outputs::SchemaOnly) => {
            Err(ModelFailure::invalid("output", "needs a schema here"))
        }
        (OutputFormat::Schema(_), Outputs::JsonOnly) => {
            let reason = "has a schema, which this API does not take";
            Err(ModelFailure::invalid("output", reason))
        }
    }
}
