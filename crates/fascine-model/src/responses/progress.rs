use serde_json::{Map, Value};

/// What has come of each item of a response.
#[derive(Debug, Default)]
pub(super) struct Progress {
    items: Vec<Written>,
    calls: usize,
}

/// What has come of an item.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Its place in the output.
    place: Option<u64>,
    /// The provider's name for it; empty if it has none.
    pub(super) id: String,
    /// Which call it is, if it is one.
    call: Option<usize>,
    parts: Vec<PartKey>,
    /// What has come of it that is not known.
    pub(super) fields: Map<String, Value>,
    /// Whether the whole of it has come.
    pub(super) is_done: bool,
}

/// A part of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartKey {
    Arguments,
    Content(u64),
    Phase,
    Summary(u64),
}

/// What a part of an item is.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    Arguments,
    Refusal,
    Summary,
    Text,
    Thought,
}

impl What {
    pub(super) fn key(self, index: u64) -> PartKey {
        match self {
            Self::Arguments => PartKey::Arguments,
            Self::Refusal | Self::Text | Self::Thought => PartKey::Content(index),
            Self::Summary => PartKey::Summary(index),
        }
    }
}

impl Progress {
    /// Which item is at this place of the output, or has this id; a new one if there is none. Some servers change the
    /// id on the way, so the place counts more.
    pub(super) fn item(&mut self, place: Option<u64>, id: Option<&str>) -> usize {
        let at_place = |item: &Written| place.is_some() && item.place == place;
        let with_id = |item: &Written| {
            let same_place = place.is_none() || item.place.is_none();
            same_place && id.is_some_and(|id| item.id == id)
        };
        let found = self.items.iter().rposition(at_place);
        let found = found.or_else(|| self.items.iter().rposition(with_id));
        let last = self.items.len().checked_sub(1);
        let found = found.or(last.filter(|_| place.is_none() && id.is_none()));
        let found = found.unwrap_or_else(|| {
            self.items.push(Written::default());
            self.items.len() - 1
        });
        let item = &mut self.items[found];
        item.place = item.place.or(place);
        if let Some(id) = id.filter(|_| item.id.is_empty()) {
            id.clone_into(&mut item.id);
        }
        found
    }

    /// Which call the item is; the next, if it has not been one.
    pub(super) fn call(&mut self, item: usize) -> usize {
        let next = self.calls;
        let call = *self.items[item].call.get_or_insert(next);
        self.calls = self.calls.max(call + 1);
        call
    }

    pub(super) fn has_calls(&self) -> bool {
        self.calls > 0
    }

    /// The calls of which no arguments have come.
    pub(super) fn calls_without_arguments(&self) -> impl Iterator<Item = usize> {
        let without = self
            .items
            .iter()
            .filter(|item| !item.has(PartKey::Arguments));
        without.filter_map(|item| item.call)
    }

    /// The place of an item in the output, as far as it is known.
    pub(super) fn place(&self, item: usize) -> String {
        self.items[item].place.unwrap_or(item as u64).to_string()
    }

    /// What is not known of the items that have not come as a whole.
    pub(super) fn take_unfinished(&mut self) -> Vec<(usize, Map<String, Value>)> {
        let items = self.items.iter_mut().enumerate();
        let unfinished = items.filter(|(_, item)| !item.is_done && !item.fields.is_empty());
        unfinished
            .map(|(place, item)| (place, std::mem::take(&mut item.fields)))
            .collect()
    }

    pub(super) fn written(&self, item: usize) -> &Written {
        &self.items[item]
    }

    pub(super) fn written_mut(&mut self, item: usize) -> &mut Written {
        &mut self.items[item]
    }
}

impl Written {
    /// Whether anything of the part has come.
    pub(super) fn has(&self, part: PartKey) -> bool {
        self.parts.contains(&part)
    }

    /// Whether anything of any part has come.
    pub(super) fn has_parts(&self) -> bool {
        !self.parts.is_empty()
    }

    /// Notes that something of the part has come; returns whether it is the first.
    pub(super) fn add(&mut self, part: PartKey) -> bool {
        let is_new = !self.has(part);
        if is_new {
            self.parts.push(part);
        }
        is_new
    }
}
