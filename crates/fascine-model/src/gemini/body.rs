use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::contents::Conversation;
use super::thinking::{Thinking, ThinkingConfig};
use crate::openai::check_tool_choice;
use crate::wire::Entries;
use crate::{ModelFailure, OutputFormat, Request, ToolChoice, ToolSpec};

/// The body of a request.
pub(super) fn write(request: &Request, model: &str) -> Result<Vec<u8>, ModelFailure> {
    if request.parallel_tool_calls == Some(false) {
        let reason = "cannot be turned off in this API";
        return Err(ModelFailure::invalid("parallel_tool_calls", reason));
    }
    if request
        .seed
        .is_some_and(|seed| i32::try_from(seed).is_err())
    {
        return Err(ModelFailure::invalid("seed", "is more than 31 bits"));
    }
    check_tool_choice(request)?;
    let thinking = request.effort.as_ref();
    let body = Body {
        request,
        conversation: Conversation::read(&request.messages)?,
        thinking: thinking.map(|effort| Thinking::of(effort, model)),
    };
    serde_json::to_vec(&body).map_err(|error| ModelFailure::invalid("request", error.to_string()))
}

struct Body<'a> {
    request: &'a Request,
    conversation: Conversation<'a>,
    thinking: Option<Thinking>,
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let request = self.request;
        let mut entries = Entries::begin(serializer, &request.extra)?;
        if !self.conversation.system.parts.is_empty() {
            entries.put("systemInstruction", &self.conversation.system)?;
        }
        entries.put("contents", &self.conversation.contents)?;
        if !request.tools.is_empty() {
            let declarations = request.tools.iter().map(Declaration::of).collect();
            let tools = Tools {
                function_declarations: declarations,
            };
            entries.put("tools", &[tools])?;
        }
        if let Some(calling) = Calling::of(request) {
            let config = ToolConfig {
                function_calling_config: calling,
            };
            entries.put("toolConfig", &config)?;
        }
        if self.has_generation() {
            entries.put_merged("generationConfig", |extra| Generation {
                request,
                thinking: self.thinking,
                extra,
            })?;
        }
        entries.end()
    }
}

impl Body<'_> {
    fn has_generation(&self) -> bool {
        let request = self.request;
        let numbers = request.temperature.or(request.top_p).is_some();
        numbers
            || request.max_tokens.is_some()
            || request.seed.is_some()
            || !request.stop.is_empty()
            || !request.output.is_text()
            || self.thinking.is_some()
    }
}

struct Generation<'a> {
    request: &'a Request,
    thinking: Option<Thinking>,
    extra: &'a Map<String, Value>,
}

impl Serialize for Generation<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let request = self.request;
        let mut entries = Entries::begin(serializer, self.extra)?;
        entries.put_some("temperature", request.temperature)?;
        entries.put_some("topP", request.top_p)?;
        entries.put_some("maxOutputTokens", request.max_tokens)?;
        if !request.stop.is_empty() {
            entries.put("stopSequences", &request.stop)?;
        }
        entries.put_some("seed", request.seed)?;
        if !request.output.is_text() {
            entries.put("responseMimeType", "application/json")?;
        }
        if let OutputFormat::Schema(output) = &request.output {
            entries.put("responseJsonSchema", &output.schema)?;
        }
        if let Some(thinking) = self.thinking {
            entries.put_merged("thinkingConfig", |extra| ThinkingConfig { thinking, extra })?;
        }
        entries.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tools<'a> {
    function_declarations: Vec<Declaration<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Declaration<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_json_schema: Option<&'a Value>,
}

impl<'a> Declaration<'a> {
    fn of(tool: &'a ToolSpec) -> Self {
        // A tool without arguments has no schema here.
        let says_nothing = match &tool.parameters {
            Value::Null => true,
            Value::Object(fields) => fields.is_empty(),
            _ => false,
        };
        Self {
            name: &tool.name,
            description: &tool.description,
            parameters_json_schema: (!says_nothing).then_some(&tool.parameters),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfig<'a> {
    function_calling_config: Calling<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Calling<'a> {
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_function_names: Option<[&'a str; 1]>,
}

impl<'a> Calling<'a> {
    fn of(request: &'a Request) -> Option<Self> {
        // The API takes no choice among nothing.
        if request.tools.is_empty() && !request.extra.contains_key("tools") {
            return None;
        }
        let strict = request.tools.iter().any(|tool| tool.strict == Some(true));
        let (mode, name) = match &request.tool_choice {
            None | Some(ToolChoice::Auto) if strict => ("VALIDATED", None),
            None => return None,
            Some(ToolChoice::Auto) => ("AUTO", None),
            Some(ToolChoice::None) => ("NONE", None),
            Some(ToolChoice::Required) => ("ANY", None),
            Some(ToolChoice::Tool(name)) => ("ANY", Some([name.as_str()])),
        };
        Some(Self {
            mode,
            allowed_function_names: name,
        })
    }
}
