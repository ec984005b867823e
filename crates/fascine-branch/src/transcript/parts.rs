//! What a message of OpenAI's says.

use fascine_message::{Content, Part, ToolResult};
use serde_json::{Map, Value};

use super::loss::Losses;
use super::{TranscriptError, media};

/// Reads what was said: a text, a list of parts, or nothing where that may be.
pub(super) fn read(
    index: usize,
    content: Value,
    may_be_missing: bool,
    losses: &mut Losses,
) -> Result<Content, TranscriptError> {
    match content {
        Value::Null if may_be_missing => Ok(Content::new()),
        Value::String(text) if text.is_empty() && may_be_missing => Ok(Content::new()),
        Value::String(text) => Ok(vec![Part::text(text)]),
        Value::Array(parts) => {
            let mut content = Content::new();
            for (position, part) in parts.into_iter().enumerate() {
                let field = format!("content[{position}]");
                content.extend(read_part(index, &field, part, losses)?);
            }
            Ok(content)
        }
        Value::Null => Err(TranscriptError::invalid(index, "content", "is missing")),
        _ => {
            let reason = "is neither a text nor a list of parts";
            Err(TranscriptError::invalid(index, "content", reason))
        }
    }
}

/// Reads what a tool has said, which is text.
pub(super) fn result(
    index: usize,
    call_id: String,
    content: Value,
) -> Result<Part, TranscriptError> {
    let invalid = |field: String| {
        TranscriptError::invalid(index, field, "is no text, and a tool says nothing else")
    };
    let text = match content {
        Value::String(text) => text,
        Value::Array(parts) => {
            let mut text = String::new();
            for (position, part) in parts.iter().enumerate() {
                let said = part["text"].as_str().filter(|_| part["type"] == "text");
                text.push_str(said.ok_or_else(|| invalid(format!("content[{position}]")))?);
            }
            text
        }
        _ => return Err(invalid("content".to_owned())),
    };
    Ok(Part::ToolResult(ToolResult::new(call_id, text)))
}

/// What is left of an object when all that is known was taken out. Fields that say nothing are no loss.
pub(super) fn check_rest(
    index: usize,
    within: &str,
    rest: &Map<String, Value>,
    losses: &mut Losses,
) -> Result<(), TranscriptError> {
    for (name, value) in rest {
        let says_nothing = match value {
            Value::Null => true,
            Value::Array(values) => values.is_empty(),
            _ => false,
        };
        if !says_nothing {
            losses.add(
                index,
                format!("{within}{name}"),
                "a field that is not known",
            )?;
        }
    }
    Ok(())
}

fn read_part(
    index: usize,
    field: &str,
    part: Value,
    losses: &mut Losses,
) -> Result<Option<Part>, TranscriptError> {
    let invalid = |reason: &str| TranscriptError::invalid(index, field, reason);
    let Value::Object(mut part) = part else {
        return Err(invalid("is no object"));
    };
    let kind = match part.remove("type") {
        Some(Value::String(kind)) => kind,
        _ => return Err(invalid("has no `type`")),
    };
    let mut inner = match kind.as_str() {
        "text" => part
            .remove("text")
            .map(|text| Map::from_iter([("text".to_owned(), text)])),
        "file" | "image_url" | "input_audio" => match part.remove(&kind) {
            Some(Value::Object(inner)) => Some(inner),
            _ => None,
        },
        other => {
            losses.add(index, field, format!("a part of type {other:?}"))?;
            return Ok(None);
        }
    }
    .ok_or_else(|| invalid(&format!("has no `{kind}`")))?;
    let mut take = |name: &str| match inner.remove(name) {
        Some(Value::String(text)) => Some(text),
        Some(other) => {
            inner.insert(name.to_owned(), other);
            None
        }
        None => None,
    };
    let missing = |name: &str| invalid(&format!("has no text `{name}`"));
    let read = match kind.as_str() {
        "text" => Part::text(take("text").ok_or_else(|| missing("text"))?),
        "image_url" => {
            let url = take("url").ok_or_else(|| missing("url"))?;
            let detail = take("detail").filter(|detail| detail != "auto");
            if detail.is_some() {
                let what = "how closely to look at a picture";
                losses.add(index, format!("{field}.image_url.detail"), what)?;
            }
            Part::Image(media::read_image(&url).map_err(invalid)?)
        }
        "input_audio" => {
            let data = take("data").ok_or_else(|| missing("data"))?;
            let format = take("format").ok_or_else(|| missing("format"))?;
            Part::Audio(media::read_audio(&data, &format).map_err(invalid)?)
        }
        _ => {
            let (data, id, name) = (take("file_data"), take("file_id"), take("filename"));
            let document = media::read_document(data.as_deref(), id.as_deref(), name.as_deref());
            Part::Document(document.map_err(invalid)?)
        }
    };
    check_rest(index, &format!("{field}."), &part, losses)?;
    check_rest(index, &format!("{field}.{kind}."), &inner, losses)?;
    Ok(Some(read))
}
