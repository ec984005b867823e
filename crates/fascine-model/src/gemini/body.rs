use serde::Serialize;
use serde::ser::SerializeMap;
use serde_json::Value;

use super::contents::Conversation;
use super::thinking::Thinking;
use crate::wire::{Extended, Object, WriteFields};
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
    let thinking = request.effort.as_ref();
    let body = Body {
        request,
        conversation: Conversation::read(&request.messages)?,
        thinking: thinking.map(|effort| Thinking::of(effort, model)),
    };
    let document = Extended {
        fields: &body,
        extra: Some(&request.extra),
    };
    serde_json::to_vec(&document)
        .map_err(|error| ModelFailure::invalid("request", error.to_string()))
}

struct Body<'a> {
    request: &'a Request,
    conversation: Conversation<'a>,
    thinking: Option<Thinking>,
}

impl WriteFields for Body<'_> {
    fn write<M: SerializeMap>(&self, object: &mut Object<'_, M>) -> Result<(), M::Error> {
        let request = self.request;
        if !self.conversation.system.parts.is_empty() {
            object.put("systemInstruction", &self.conversation.system)?;
        }
        object.put("contents", &self.conversation.contents)?;
        if !request.tools.is_empty() {
            let function_declarations = request.tools.iter().map(Declaration::of).collect();
            object.put(
                "tools",
                &[Tools {
                    function_declarations,
                }],
            )?;
        }
        if let Some(function_calling_config) = Calling::of(request) {
            object.put(
                "toolConfig",
                &ToolConfig {
                    function_calling_config,
                },
            )?;
        }
        let generation = Generation {
            request,
            thinking: self.thinking,
        };
        if generation.says_something() {
            object.put_object("generationConfig", &generation)?;
        }
        Ok(())
    }
}

struct Generation<'a> {
    request: &'a Request,
    thinking: Option<Thinking>,
}

impl Generation<'_> {
    fn says_something(&self) -> bool {
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

impl WriteFields for Generation<'_> {
    fn write<M: SerializeMap>(&self, object: &mut Object<'_, M>) -> Result<(), M::Error> {
        let request = self.request;
        object.put_some("temperature", request.temperature)?;
        object.put_some("topP", request.top_p)?;
        object.put_some("maxOutputTokens", request.max_tokens)?;
        if !request.stop.is_empty() {
            object.put("stopSequences", &request.stop)?;
        }
        object.put_some("seed", request.seed)?;
        if !request.output.is_text() {
            object.put("responseMimeType", "application/json")?;
        }
        if let OutputFormat::Schema(output) = &request.output {
            object.put("responseJsonSchema", &output.schema)?;
        }
        if let Some(thinking) = &self.thinking {
            object.put_object("thinkingConfig", thinking)?;
        }
        Ok(())
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
