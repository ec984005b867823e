use serde_json::{Map, Value};

/// An array or object that is still open.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) items: Vec<Value>,
    pub(super) fields: Map<String, Value>,
    /// The key whose value comes next.
    pub(super) key: Option<String>,
    /// Whether a comma was the last thing.
    pub(super) comma: bool,
    /// Whether something stands before that comma, or before the place of it.
    pub(super) started: bool,
}

/// What kind of bracket opened a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `[`
    Array,
    /// `name(`
    Call,
    /// `{`
    Object,
    /// `{`, and values without keys
    Set,
    /// `(`
    Tuple,
}

impl Frame {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            items: Vec::new(),
            fields: Map::new(),
            key: None,
            comma: false,
            started: false,
        }
    }

    /// Whether a key comes next, or the end.
    pub(super) fn wants_key(&self) -> bool {
        self.kind == Kind::Object && self.key.is_none()
    }

    /// The bracket that closes it.
    pub(super) fn closer(&self) -> u8 {
        self.kind.closer()
    }

    /// Adds a value. Whether there was one of the same key.
    pub(super) fn put(&mut self, value: Value) -> bool {
        self.comma = false;
        self.started = true;
        match self.key.take() {
            Some(key) => self.fields.insert(key, value).is_some(),
            None => {
                self.items.push(value);
                false
            }
        }
    }

    /// The value, once it is closed. `trailing` is whether a comma stands at the end of it.
    pub(super) fn into_value(self, trailing: bool) -> Value {
        let Self {
            kind,
            mut items,
            fields,
            ..
        } = self;
        let single = match items.as_slice() {
            // `{{..}}`, as templates write it.
            [Value::Object(_)] => matches!(kind, Kind::Call | Kind::Set | Kind::Tuple),
            [_] => matches!(kind, Kind::Call | Kind::Tuple),
            _ => false,
        };
        match kind {
            Kind::Object => Value::Object(fields),
            _ if single && !trailing => items.pop().unwrap_or_default(),
            _ => Value::Array(items),
        }
    }
}

impl Kind {
    pub(super) fn closer(self) -> u8 {
        match self {
            Self::Array => b']',
            Self::Object | Self::Set => b'}',
            Self::Call | Self::Tuple => b')',
        }
    }
}
