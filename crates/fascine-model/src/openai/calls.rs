use serde_json::{Map, Value};

use super::answer::{Call, Function};
use crate::Chunk;
use crate::wire::{Rest, merge, owned_fields};

/// The tool calls of an answer, whose pieces may come in turns.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// The name of the answer, for ids that are made up.
    answer: String,
    known: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    /// The server's number for it, if it has one.
    number: Option<u64>,
    id: Option<String>,
    has_arguments: bool,
    /// What else was said of it.
    fields: Map<String, Value>,
}

impl Calls {
    /// Sets what made up ids are made of.
    pub(super) fn name_after(&mut self, answer: &str) {
        answer.clone_into(&mut self.answer);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Takes a call, or more of one.
    pub(super) fn read(&mut self, mut call: Call<'_>) -> Chunk {
        let id = call.id.into_string();
        let arguments = call.function.take_arguments();
        let name = call.function.name.into_string();
        // A call of another type has its name elsewhere.
        let is_function = call.kind.as_str().is_none_or(|kind| kind == FUNCTION);
        let names = name.is_some() || !is_function;
        let place = self.place(call.index.0, id.as_deref(), names);
        let known = &mut self.known[place];
        known.keep(call.kind.as_str(), call.rest, call.function.rest);
        known.has_arguments |= !arguments.is_empty();
        // Some give another id with each piece: the first counts.
        let id = id.filter(|_| known.id.is_none());
        if id.is_some() {
            known.id.clone_from(&id);
        }
        Chunk::ToolCall {
            index: place,
            id,
            name,
            arguments,
        }
    }

    /// Takes a call as it was written when there was but one.
    pub(super) fn read_function(&mut self, function: Function<'_>) -> Chunk {
        let call = Call {
            function,
            ..Call::default()
        };
        self.read(call)
    }

    /// A call without arguments has an empty object of them, and every call has an id.
    pub(super) fn finish(&mut self, chunks: &mut Vec<Chunk>) {
        for (index, known) in self.known.iter_mut().enumerate() {
            if known.has_arguments && known.id.is_some() {
                continue;
            }
            let made_up = || format!("call_{}_{index}", self.answer);
            let arguments = if known.has_arguments { "" } else { "{}" };
            known.has_arguments = true;
            let id = known.id.is_none().then(made_up);
            known.id = known.id.take().or_else(|| id.clone());
            chunks.push(Chunk::ToolCall {
                index,
                id,
                name: None,
                arguments: arguments.to_owned(),
            });
        }
    }

    /// What else was said of the calls, each with the id of its call; for after the end.
    pub(super) fn take_fields(&mut self) -> Vec<Value> {
        let said = self
            .known
            .iter_mut()
            .filter(|known| !known.fields.is_empty());
        let objects = said.map(|known| {
            let mut fields = std::mem::take(&mut known.fields);
            fields.insert("id".to_owned(), known.id.clone().into());
            fields.into()
        });
        objects.collect()
    }

    /// Where the call is that a piece belongs to: by number, by id, or the last. A name with another id begins a new
    /// call, also under an old number: some number every call 0.
    fn place(&mut self, number: Option<u64>, id: Option<&str>, has_name: bool) -> usize {
        let same_number = |known: &Known| number.is_some() && known.number == number;
        let same_id = |known: &Known| id.is_some() && known.id.as_deref() == id;
        let by_id = self.known.iter().rposition(same_id);
        let found = match number {
            Some(_) => self.known.iter().rposition(same_number),
            None if by_id.is_some() => by_id,
            None => self.known.len().checked_sub(1),
        };
        let other_id = |place: &usize| {
            let known = self.known[*place].id.as_deref();
            has_name && id.is_some() && known.is_some() && known != id
        };
        match found.filter(|place| !other_id(place)) {
            Some(place) => place,
            None if number.is_none() && by_id.is_some() => by_id.unwrap_or_default(),
            None => {
                self.known.push(Known {
                    number,
                    id: None,
                    has_arguments: false,
                    fields: Map::new(),
                });
                self.known.len() - 1
            }
        }
    }
}

impl Known {
    /// Keeps what else a piece says, of the call and of its function.
    fn keep(&mut self, kind: Option<&str>, call: Rest<'_>, function: Rest<'_>) {
        if let Some(kind) = kind.filter(|kind| *kind != FUNCTION) {
            self.fields.insert("type".to_owned(), kind.into());
        }
        for (name, value) in owned_fields(call) {
            merge(self.fields.entry(name).or_insert(Value::Null), value);
        }
        if !function.is_empty() {
            let fields = self.fields.entry(FUNCTION).or_insert(Value::Null);
            merge(fields, owned_fields(function).into());
        }
    }
}

const FUNCTION: &str = "function";
