//! The tools of a request, and whether the model has to call one.

use serde::Serialize;
use serde_json::Value;

use super::dialect::ToolChoices;
use crate::{ModelFailure, Request, ToolChoice, ToolSpec};

#[derive(Serialize)]
pub(super) struct WireTool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    parameters: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum WireChoice<'a> {
    Tool {
        #[serde(rename = "type")]
        kind: &'static str,
        function: Name<'a>,
    },
    Word(&'static str),
}

#[derive(Serialize)]
pub(super) struct Name<'a> {
    name: &'a str,
}

impl<'a> WireTool<'a> {
    fn new(tool: &'a ToolSpec) -> Self {
        Self {
            kind: "function",
            function: Function {
                name: &tool.name,
                description: &tool.description,
                parameters: &tool.parameters,
                strict: tool.strict,
            },
        }
    }
}

/// The tools, and the choice among them.
pub(super) fn tools<'a>(
    request: &'a Request,
    choices: ToolChoices,
) -> Result<(Vec<WireTool<'a>>, Option<WireChoice<'a>>), ModelFailure> {
    check_tool_choice(request)?;
    let all = request.tools.iter();
    let named = |name: &'a str| WireChoice::Tool {
        kind: "function",
        function: Name { name },
    };
    let required = match choices {
        ToolChoices::All | ToolChoices::Words => "required",
        ToolChoices::WordIsAny => "any",
    };
    let choice = request
        .tool_choice
        .as_ref()
        .filter(|_| !request.tools.is_empty());
    let choice = match choice {
        None => None,
        Some(ToolChoice::Auto) => Some(WireChoice::Word("auto")),
        Some(ToolChoice::None) => Some(WireChoice::Word("none")),
        Some(ToolChoice::Required) => Some(WireChoice::Word(required)),
        Some(ToolChoice::Tool(name)) if matches!(choices, ToolChoices::Words) => {
            // Without words for one of them, it is the only one there is.
            let only = all.filter(|tool| tool.name == *name).map(WireTool::new);
            return Ok((only.collect(), Some(WireChoice::Word(required))));
        }
        Some(ToolChoice::Tool(name)) => Some(named(name)),
    };
    Ok((all.map(WireTool::new).collect(), choice))
}

/// A choice needs something to choose from.
///
/// # Errors
///
/// [`ModelFailure::InvalidRequest`] when a tool has to be called that is not there.
pub(crate) fn check_tool_choice(request: &Request) -> Result<(), ModelFailure> {
    let is_there = match &request.tool_choice {
        None | Some(ToolChoice::Auto | ToolChoice::None) => true,
        _ if request.extra.contains_key("tools") => true,
        Some(ToolChoice::Required) => !request.tools.is_empty(),
        Some(ToolChoice::Tool(name)) => request.tools.iter().any(|tool| tool.name == *name),
    };
    if is_there {
        return Ok(());
    }
    Err(ModelFailure::invalid(
        "tool_choice",
        "asks for a tool that the request does not have",
    ))
}
