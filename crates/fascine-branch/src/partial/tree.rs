use serde_json::{Map, Value};

use crate::JsonPath;

/// A value that grows, and what of it is still open.
///
/// Between two pieces of text it is one tree. While a piece is read, whatever is open is taken out of the tree and lies on
/// a stack, so that it grows in place; taking it out and putting it back costs a step for each open level.
#[derive(Debug, Default)]
pub(super) struct Tree {
    root: Option<Value>,
    open: Vec<Open>,
    /// The string at the end of the innermost one.
    leaf: Option<String>,
    /// How many of `open`, and whether the leaf, are in the tree.
    attached: usize,
    leaf_attached: bool,
    /// What a reader of the whole tree has to go through.
    pub(super) size: Size,
    /// Whether a reader would see something else than the last time.
    pub(super) changed: bool,
    /// How often something was taken out or put back.
    pub(super) moves: u64,
}

/// How large a tree is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Size {
    /// Values and keys.
    pub(super) nodes: u64,
    /// Bytes of strings.
    pub(super) bytes: u64,
}

#[derive(Debug)]
struct Open {
    container: Value,
    /// Of an object, the key whose value is open or comes next.
    key: Option<String>,
    /// Whether the object has that key already, because the value was seen before it was complete.
    has_key: bool,
}

impl Tree {
    /// The tree, without what is not in it yet.
    pub(super) fn root(&self) -> Option<&Value> {
        self.root.as_ref()
    }

    pub(super) fn take_root(&mut self) -> Option<Value> {
        self.root.take()
    }

    pub(super) fn levels(&self) -> usize {
        self.open.len()
    }

    pub(super) fn is_in_object(&self) -> bool {
        self.open
            .last()
            .is_some_and(|open| open.container.is_object())
    }

    pub(super) fn has_leaf(&self) -> bool {
        self.leaf.is_some()
    }

    /// Where the innermost value that is open stands.
    pub(super) fn path(&self) -> JsonPath {
        let mut path = JsonPath::default();
        let levels = self.open.len();
        let mut value = self.root.as_ref();
        for (level, open) in self.open.iter().enumerate() {
            let is_last = level + 1 == levels && self.leaf.is_none();
            match (value, &open.key) {
                _ if is_last => break,
                (Some(Value::Object(fields)), Some(key)) => {
                    path.push_field(key);
                    value = fields.get(key);
                }
                (Some(Value::Array(items)), _) => {
                    path.push_item(items.len().saturating_sub(1));
                    value = items.last();
                }
                _ => break,
            }
        }
        path
    }

    pub(super) fn open_array(&mut self) {
        self.open_container(Value::Array(Vec::new()));
    }

    pub(super) fn open_object(&mut self) {
        self.open_container(Value::Object(Map::new()));
    }

    fn open_container(&mut self, container: Value) {
        self.open.push(Open {
            container,
            key: None,
            has_key: false,
        });
        self.grow();
    }

    /// Closes the innermost container. Whether it was the outermost.
    pub(super) fn close(&mut self) -> bool {
        let Some(open) = self.open.pop() else {
            return true;
        };
        match self.open.is_empty() {
            true => {
                self.root = Some(open.container);
                true
            }
            false => {
                self.put(open.container);
                false
            }
        }
    }

    pub(super) fn key(&mut self, key: String) {
        self.size.bytes += key.len() as u64;
        self.size.nodes += 1;
        if let Some(open) = self.open.last_mut() {
            open.key = Some(key);
            open.has_key = false;
        }
    }

    /// Adds a value that is complete.
    pub(super) fn scalar(&mut self, value: Value) {
        self.put(value);
        self.grow();
    }

    pub(super) fn open_string(&mut self) {
        self.leaf = Some(String::new());
        self.grow();
    }

    /// Adds to the string that is open.
    pub(super) fn push_str(&mut self, text: &str) {
        if let Some(leaf) = &mut self.leaf
            && !text.is_empty()
        {
            leaf.push_str(text);
            self.size.bytes += text.len() as u64;
            self.changed = true;
        }
    }

    pub(super) fn close_string(&mut self) {
        if let Some(leaf) = self.leaf.take() {
            self.put(Value::String(leaf));
        }
    }

    fn grow(&mut self) {
        self.size.nodes += 1;
        self.changed = true;
    }

    fn put(&mut self, value: Value) {
        let Some(open) = self.open.last_mut() else {
            return;
        };
        let key = open.key.take().unwrap_or_default();
        match &mut open.container {
            Value::Array(items) => items.push(value),
            Value::Object(fields) => drop(fields.insert(key, value)),
            _ => {}
        }
    }

    /// Puts the outermost `levels` of what is open into the tree, and with all of them the leaf if it is to be seen.
    pub(super) fn attach(&mut self, levels: usize, leaf: bool) {
        let levels = levels.min(self.open.len());
        let mut inner = None;
        self.leaf_attached = leaf && levels == self.open.len() && self.leaf.is_some();
        if self.leaf_attached {
            inner = self.leaf.take().map(Value::String);
            self.leaf = Some(String::new());
        }
        self.attached = levels;
        self.moves += levels as u64;
        for open in self.open[..levels].iter_mut().rev() {
            let mut container = open.container.take();
            open.place(&mut container, inner.take());
            inner = Some(container);
        }
        if inner.is_some() {
            self.root = inner;
        }
    }

    /// Takes what is open out of the tree.
    pub(super) fn detach(&mut self) {
        if self.attached == 0 {
            return;
        }
        let levels = std::mem::take(&mut self.attached);
        let leaf = std::mem::take(&mut self.leaf_attached);
        self.moves += levels as u64;
        let mut value = self.root.take().unwrap_or_default();
        for level in 0..levels {
            let is_last = level + 1 == levels;
            let open = &mut self.open[level];
            let inner = match (&mut value, &open.key) {
                _ if is_last && !leaf => None,
                (Value::Array(items), _) => items.pop(),
                // The key stays in the object, so that putting the value back is no insertion.
                (Value::Object(fields), Some(key)) => fields.get_mut(key).map(Value::take),
                _ => None,
            };
            open.container = std::mem::replace(&mut value, inner.unwrap_or_default());
        }
        if let (true, Value::String(text)) = (leaf, value) {
            self.leaf = Some(text);
        }
    }
}

impl Open {
    /// Puts what is open in it into a container; or nothing, and then nothing is to be seen of it.
    fn place(&mut self, container: &mut Value, inner: Option<Value>) {
        match (container, &self.key, inner) {
            (Value::Array(items), _, Some(value)) => items.push(value),
            (Value::Object(fields), Some(key), Some(value)) => {
                match fields.get_mut(key) {
                    Some(place) => *place = value,
                    None => drop(fields.insert(key.clone(), value)),
                }
                self.has_key = true;
            }
            (Value::Object(fields), Some(key), None) if self.has_key => {
                fields.remove(key);
                self.has_key = false;
            }
            _ => {}
        }
    }
}
