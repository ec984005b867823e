use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::messages::{self, WireMessage};
use crate::wire::Entries;
use crate::{Delivery, Effort, ModelFailure, OutputFormat, Request, ToolChoice, ToolSpec};

/// The body of a request.
pub(super) fn write(
    request: &Request,
    model: &str,
    context_length: Option<u32>,
    delivery: Delivery,
) -> Result<Vec<u8>, ModelFailure> {
    check_tools(request)?;
    let think = match &request.effort {
        None => None,
        Some(Effort::None | Effort::Budget(0)) => Some(Think::Whether(false)),
        Some(Effort::Minimal | Effort::Low) => Some(Think::Level("low")),
        Some(Effort::Medium) => Some(Think::Level("medium")),
        Some(Effort::High) => Some(Think::Level("high")),
        Some(Effort::Budget(_)) => {
            let reason = "is a budget, which this API does not have";
            return Err(ModelFailure::invalid("effort", reason));
        }
    };
    let body = Body {
        request,
        model,
        messages: messages::read(&request.messages)?,
        think,
        context_length,
        delivery,
    };
    serde_json::to_vec(&body).map_err(|error| ModelFailure::invalid("request", error.to_string()))
}

/// The API leaves the choice to the model.
fn check_tools(request: &Request) -> Result<(), ModelFailure> {
    if let Some(ToolChoice::Required | ToolChoice::Tool(_)) = request.tool_choice {
        let reason = "has to be auto or none: this API has no other";
        return Err(ModelFailure::invalid("tool_choice", reason));
    }
    if request.parallel_tool_calls == Some(false) {
        let reason = "cannot be turned off in this API";
        return Err(ModelFailure::invalid("parallel_tool_calls", reason));
    }
    if request.tools.iter().any(|tool| tool.strict == Some(true)) {
        let reason = "have a strict one, which this API does not have";
        return Err(ModelFailure::invalid("tools", reason));
    }
    Ok(())
}

struct Body<'a> {
    request: &'a Request,
    model: &'a str,
    messages: Vec<WireMessage<'a>>,
    think: Option<Think>,
    context_length: Option<u32>,
    delivery: Delivery,
}

/// Whether to think, or how hard.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
enum Think {
    Level(&'static str),
    Whether(bool),
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let request = self.request;
        let mut entries = Entries::begin(serializer, &request.extra)?;
        entries.put("model", self.model)?;
        entries.put("messages", &self.messages)?;
        // A model that is to call no tool is shown none.
        if !request.tools.is_empty() && request.tool_choice != Some(ToolChoice::None) {
            let tools: Vec<_> = request.tools.iter().map(Tool::of).collect();
            entries.put("tools", &tools)?;
        }
        match &request.output {
            OutputFormat::Text => {}
            OutputFormat::Json => entries.put("format", "json")?,
            OutputFormat::Schema(output) => entries.put("format", &output.schema)?,
        }
        entries.put_some("think", self.think)?;
        if self.has_options() {
            entries.put_merged("options", |extra| Options {
                request,
                context_length: self.context_length,
                extra,
            })?;
        }
        // It streams unless it is told not to.
        entries.put("stream", &(self.delivery == Delivery::Stream))?;
        entries.end()
    }
}

impl Body<'_> {
    fn has_options(&self) -> bool {
        let request = self.request;
        let numbers = request.temperature.or(request.top_p).is_some();
        let counts = request.max_tokens.or(self.context_length).is_some();
        numbers || counts || request.seed.is_some() || !request.stop.is_empty()
    }
}

struct Options<'a> {
    request: &'a Request,
    context_length: Option<u32>,
    extra: &'a Map<String, Value>,
}

impl Serialize for Options<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let request = self.request;
        let mut entries = Entries::begin(serializer, self.extra)?;
        entries.put_some("num_ctx", self.context_length)?;
        entries.put_some("num_predict", request.max_tokens)?;
        entries.put_some("temperature", request.temperature)?;
        entries.put_some("top_p", request.top_p)?;
        entries.put_some("seed", request.seed)?;
        if !request.stop.is_empty() {
            entries.put("stop", &request.stop)?;
        }
        entries.end()
    }
}

#[derive(Serialize)]
struct Tool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(serialize_with = "crate::wire::schema_of_object")]
    parameters: &'a Value,
}

impl<'a> Tool<'a> {
    fn of(tool: &'a ToolSpec) -> Self {
        Self {
            kind: "function",
            function: Function {
                name: &tool.name,
                description: &tool.description,
                parameters: &tool.parameters,
            },
        }
    }
}
