mod keeping;

use std::borrow::Cow;

use fascine_message::{Part, Reasoning};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::document::{Document, Item, ItemPart};
use super::event::Event;
use super::progress::{PartKey, Progress, What};
use crate::wire::{List, UnknownFields, owned_fields};
use crate::{Chunk, FinishReason};

/// Turns the items of a response into pieces of an answer.
///
/// The API says everything up to four times: in pieces, as a part, as an item, and in the response at the end. What has
/// come in pieces is not taken again; what has not is taken from the first whole that has it.
#[derive(Debug)]
pub(super) struct Reader {
    provider: Cow<'static, str>,
    started: bool,
    progress: Progress,
    refused: bool,
    annotations: Vec<Value>,
    unknown: UnknownFields,
}

impl Reader {
    /// Reads answers of the provider of this name.
    pub(super) fn new(provider: Cow<'static, str>) -> Self {
        Self {
            provider,
            started: false,
            progress: Progress::default(),
            refused: false,
            annotations: Vec::new(),
            unknown: UnknownFields::default(),
        }
    }

    /// Takes what is known at the beginning.
    pub(super) fn start(&mut self, document: Document<'_>, chunks: &mut Vec<Chunk>) {
        if !std::mem::replace(&mut self.started, true) {
            chunks.push(Chunk::Start {
                id: document.id.into_string().unwrap_or_default(),
                model: document.model.into_string().unwrap_or_default(),
            });
        }
        self.unknown.of_document(document.rest);
    }

    /// Takes the beginning of an item.
    pub(super) fn begin_item(
        &mut self,
        place: Option<u64>,
        mut item: Item<'_>,
        chunks: &mut Vec<Chunk>,
    ) {
        let written = self.progress.item(place, item.id.as_str());
        self.keep_rest_of(&mut item, written);
        let fields = owned_fields(std::mem::take(&mut item.rest));
        self.progress.written_mut(written).fields.extend(fields);
        match item.kind.as_str() {
            Some("function_call") => {
                let (id, name) = (item.call_id.into_string(), item.name.into_string());
                let index = self.progress.call(written);
                chunks.push(call(index, id, name, String::new()));
            }
            Some("message") => self.phase(written, &item, chunks),
            _ => {}
        }
    }

    /// Takes more of an item, or a part of it as a whole.
    pub(super) fn read_part(&mut self, what: What, event: Event<'_>, chunks: &mut Vec<Chunk>) {
        let place = event.output_index.0;
        let written = self.progress.item(place, event.item_id.as_str());
        let key = what.key(event.part_index.or_zero());
        let whole = event.whole.into_string();
        let text = match event.delta.into_string() {
            None if self.progress.written(written).has(key) => None,
            None => whole,
            delta => delta,
        };
        if let Some(text) = text {
            chunks.push(self.part(what, written, key, text));
        }
    }

    /// Takes a whole item, unless it has come.
    pub(super) fn read_item(
        &mut self,
        place: Option<u64>,
        raw: &RawValue,
        chunks: &mut Vec<Chunk>,
    ) -> serde_json::Result<()> {
        let mut item: Item<'_> = serde_json::from_str(raw.get())?;
        let written = self.progress.item(place, item.id.as_str());
        self.keep_rest_of(&mut item, written);
        let mut fields = owned_fields(std::mem::take(&mut item.rest));
        let before = self.progress.written_mut(written);
        if std::mem::replace(&mut before.is_done, true) {
            fields.retain(|name, _| !before.fields.contains_key(name));
            self.keep_fields_of(written, fields);
            return Ok(());
        }
        before.fields.extend(fields);
        let mut fields = before.fields.clone();
        match item.kind.as_str() {
            Some("function_call") => {
                let id = self.whole_call(written, item, chunks);
                self.put_fields(Some(("call_id", id)), fields, chunks);
            }
            Some("message") => {
                self.phase(written, &item, chunks);
                self.parts(What::Text, written, item.content, chunks);
                self.put_fields(None, fields, chunks);
            }
            Some("reasoning") => {
                self.parts(What::Summary, written, item.summary, chunks);
                self.parts(What::Thought, written, item.content, chunks);
                let id = item.id.into_string().unwrap_or_default();
                if let Some(encrypted) = item.encrypted_content.into_string() {
                    let sealed = Reasoning::default().with_id(id.as_str());
                    let sealed = sealed.with_provider(self.name()).with_encrypted(encrypted);
                    chunks.push(Chunk::Reasoning(sealed));
                }
                self.put_fields(Some(("id", id)), fields, chunks);
            }
            Some(_) => {
                let value: Value = serde_json::from_str(raw.get())?;
                fields.retain(|name, _| value.get(name).is_none());
                self.keep_fields_of(written, fields);
                chunks.push(self.other(value));
            }
            None => self.keep_fields_of(written, fields),
        }
        Ok(())
    }

    /// Takes the response at the end.
    pub(super) fn end(
        &mut self,
        document: Document<'_>,
        chunks: &mut Vec<Chunk>,
    ) -> serde_json::Result<()> {
        let mut document = document;
        let output = std::mem::take(&mut document.output).into_items();
        let (status, usage) = (std::mem::take(&mut document.status), document.usage.take());
        let details = std::mem::take(&mut document.incomplete_details);
        self.start(document, chunks);
        for (place, raw) in (0..).zip(output) {
            self.read_item(Some(place), raw, chunks)?;
        }
        chunks.extend(self.progress.calls_without_arguments().map(|index| {
            let nothing = "{}".to_owned();
            call(index, None, None, nothing)
        }));
        for (written, fields) in self.progress.take_unfinished() {
            self.keep_fields_of(written, fields);
        }
        self.unknown.of_whole(&["incomplete_details"], details.rest);
        if let Some(counts) = usage {
            chunks.extend(counts.usage().map(Chunk::Usage));
            counts.keep_rest(&mut self.unknown);
        }
        let mut extra = self.unknown.take_extra(&[]);
        if !self.annotations.is_empty() {
            let annotations = std::mem::take(&mut self.annotations);
            extra.insert("annotations".to_owned(), annotations.into());
        }
        if !extra.is_empty() {
            chunks.push(Chunk::Extra(extra));
        }
        let status = status.as_str().unwrap_or("completed");
        chunks.push(Chunk::Finish(match (status, details.reason.as_str()) {
            ("completed", _) if self.progress.has_calls() => FinishReason::ToolCalls,
            ("completed", _) if self.refused => FinishReason::Refusal,
            ("completed", _) => FinishReason::Stop,
            (_, Some("max_output_tokens" | "max_tokens")) => FinishReason::Length,
            (_, Some("content_filter")) => FinishReason::ContentFilter,
            (_, Some(reason)) => FinishReason::Other(reason.to_owned()),
            (status, None) => FinishReason::Other(status.to_owned()),
        }));
        Ok(())
    }

    /// Takes a whole call, and gives its id.
    fn whole_call(&mut self, written: usize, item: Item<'_>, chunks: &mut Vec<Chunk>) -> String {
        let index = self.progress.call(written);
        // The call is answered by its `call_id`, which is not the id of the item.
        let id = item.call_id.into_string().or(item.id.into_string());
        let id = id.unwrap_or_else(|| format!("call_{index}"));
        let key = What::Arguments.key(0);
        let arguments = item.arguments.into_string();
        let arguments = arguments.filter(|_| self.progress.written_mut(written).add(key));
        let arguments = arguments.unwrap_or_default();
        let name = item.name.into_string();
        chunks.push(call(index, Some(id.clone()), name, arguments));
        id
    }

    fn parts(
        &mut self,
        what: What,
        written: usize,
        parts: List<ItemPart<'_>>,
        chunks: &mut Vec<Chunk>,
    ) {
        for (index, part) in (0..).zip(parts.into_items()) {
            let is_refusal = part.refusal.as_str().is_some();
            let what = if is_refusal { What::Refusal } else { what };
            let key = what.key(index);
            if let Some(raw) = part.annotations.0
                && let Ok(annotations) = serde_json::from_str::<Vec<Value>>(raw.get())
            {
                self.annotations.extend(annotations);
            }
            let text = part.text.into_string().or(part.refusal.into_string());
            if let Some(text) = text.filter(|_| !self.progress.written(written).has(key)) {
                chunks.push(self.part(what, written, key, text));
            }
        }
    }

    /// A piece of the part with this key.
    fn part(&mut self, what: What, written: usize, key: PartKey, text: String) -> Chunk {
        let item = self.progress.written_mut(written);
        let is_next = item.has_parts();
        let is_new = item.add(key);
        match what {
            What::Arguments => {
                let index = self.progress.call(written);
                call(index, None, None, text)
            }
            What::Refusal => {
                self.refused = true;
                Chunk::Text(text)
            }
            What::Summary | What::Thought => {
                let paragraph = if is_new && is_next { "\n\n" } else { "" };
                let text = format!("{paragraph}{text}");
                let thought = Reasoning::new(text).with_id(item.id.as_str());
                Chunk::Reasoning(thought.with_provider(self.name()))
            }
            What::Text => Chunk::Text(text),
        }
    }

    /// A message says which stage of the work it is of, and wants that back.
    fn phase(&mut self, written: usize, item: &Item<'_>, chunks: &mut Vec<Chunk>) {
        if let Some(phase) = item.phase.as_str()
            && self.progress.written_mut(written).add(PartKey::Phase)
        {
            chunks.push(self.other(json!({ "phase": phase })));
        }
    }

    fn name(&self) -> String {
        self.provider.to_string()
    }

    fn other(&self, value: Value) -> Chunk {
        let provider = self.name();
        Chunk::Part(Part::Other { provider, value })
    }
}

fn call(index: usize, id: Option<String>, name: Option<String>, arguments: String) -> Chunk {
    Chunk::ToolCall {
        index,
        id,
        name,
        arguments,
    }
}
