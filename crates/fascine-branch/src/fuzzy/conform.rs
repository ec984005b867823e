use serde_json::{Map, Value};

use crate::fuzzy::coerce;
use crate::fuzzy::resolve::{allows_null, branches, resolve, types};
use crate::fuzzy::variants::likeliest;
use crate::{Coercion, CoercionKind, ConformError, JsonPath, KeyMatching, Schema, match_keys};

/// A value that was made to fit a schema as far as it can.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Conformed {
    /// The value.
    pub value: Value,
    /// What was changed.
    pub coercions: Vec<Coercion>,
}

/// Makes a value fit a schema where its meaning is plain, and lists what it does.
///
/// Keys are matched with the fields of each object as by [`match_keys`]; values of enums with theirs, if one resembles
/// more than the others; `"12"` becomes 12 where a number belongs, and 12 becomes `"12"` where a string does; a single
/// value becomes an array of one; null stands for a required field that may be null. Of several alternatives
/// the likeliest is taken, judged by types, tags and keys. What cannot be helped stays as it is, for
/// [`Schema::validate`] to say so.
///
/// # Errors
///
/// [`ConformError`] if keys do not match as `matching` demands, and if the value and its schema are too deep or too
/// large to be followed.
///
/// # Examples
///
/// ```
/// use fascine_branch::{KeyMatching, Schema, conform};
/// use serde_json::json;
///
/// let schema = Schema::from_value("spider", json!({
///     "type": "object",
///     "properties": {"eye_count": {"type": "integer"}, "mood": {"enum": ["calm", "cross"]}},
/// }))?;
/// let conformed = conform(json!({"eyeCount": "8", "mood": "Calm"}), &schema, &KeyMatching::default())?;
/// assert_eq!(conformed.value, json!({"eye_count": 8, "mood": "calm"}));
/// assert_eq!(conformed.coercions.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn conform(
    value: Value,
    schema: &Schema,
    matching: &KeyMatching,
) -> Result<Conformed, ConformError> {
    let mut walk = Walk {
        root: schema.as_value(),
        matching,
        path: JsonPath::default(),
        depth: 0,
        steps: 0,
        coercions: Vec::new(),
    };
    let mut value = value;
    walk.visit(&mut value, schema.as_value())?;
    Ok(Conformed {
        value,
        coercions: walk.coercions,
    })
}

/// Goes through a value and its schema side by side.
struct Walk<'s> {
    root: &'s Value,
    matching: &'s KeyMatching,
    path: JsonPath,
    depth: usize,
    steps: u64,
    coercions: Vec<Coercion>,
}

impl<'s> Walk<'s> {
    fn visit(&mut self, value: &mut Value, schema: &'s Value) -> Result<(), ConformError> {
        self.step(1)?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(ConformError::TooDeep {
                path: self.path.clone(),
                limit: MAX_DEPTH,
            });
        }
        if let Some(keywords) = resolve(self.root, schema) {
            self.visit_keywords(value, keywords)?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn visit_keywords(
        &mut self,
        value: &mut Value,
        keywords: &'s Map<String, Value>,
    ) -> Result<(), ConformError> {
        for part in keywords
            .get("allOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            self.visit(value, part)?;
        }
        if let Some(branches) = branches(keywords) {
            let keys = value.as_object().map_or(0, Map::len);
            self.step((branches.len() * (1 + keys)) as u64)?;
            if let Some(branch) = likeliest(self.root, branches, value) {
                self.visit(value, branch)?;
            }
        }
        let types = types(keywords);
        if let Some(kind) = coerce::to_types(value, &types) {
            self.note(kind)?;
        }
        if let Some(kind) = coerce::to_option(value, keywords, self.matching) {
            self.note(kind)?;
        }
        match value {
            Value::Array(items) => self.visit_items(items, keywords),
            Value::Object(fields) => self.visit_fields(fields, keywords),
            _ => Ok(()),
        }
    }

    fn visit_items(
        &mut self,
        items: &mut [Value],
        keywords: &'s Map<String, Value>,
    ) -> Result<(), ConformError> {
        let first = keywords.get("prefixItems").and_then(Value::as_array);
        let first = first.map(Vec::as_slice).unwrap_or_default();
        let rest = keywords.get("items");
        for (index, item) in items.iter_mut().enumerate() {
            let Some(schema) = first.get(index).or(rest) else {
                return Ok(());
            };
            let here = self.path.len();
            self.path.push_item(index);
            self.visit(item, schema)?;
            self.path.truncate(here);
        }
        Ok(())
    }

    fn visit_fields(
        &mut self,
        fields: &mut Map<String, Value>,
        keywords: &'s Map<String, Value>,
    ) -> Result<(), ConformError> {
        let others = keywords.get("additionalProperties");
        let properties = keywords.get("properties").and_then(Value::as_object);
        if let Some(properties) = properties {
            // Where any key is welcome, an unknown one is no misspelling.
            if !others.is_some_and(|others| others.is_object() || *others == Value::Bool(true)) {
                self.match_keys(fields, properties)?;
            }
            let required = keywords.get("required").and_then(Value::as_array);
            self.add_nulls(
                fields,
                properties,
                required.map(Vec::as_slice).unwrap_or_default(),
            )?;
        }
        for (key, value) in fields.iter_mut() {
            let Some(schema) = properties.and_then(|fields| fields.get(key)).or(others) else {
                continue;
            };
            let here = self.path.len();
            self.path.push_field(key);
            self.visit(value, schema)?;
            self.path.truncate(here);
        }
        Ok(())
    }

    fn match_keys(
        &mut self,
        fields: &mut Map<String, Value>,
        properties: &Map<String, Value>,
    ) -> Result<(), ConformError> {
        if fields.len() == properties.len() && fields.keys().all(|key| properties.contains_key(key))
        {
            return Ok(());
        }
        self.step((fields.len() * properties.len()) as u64)?;
        let dropped: Map<String, Value> = match self.matching.drops() {
            true => fields.clone(),
            false => Map::new(),
        };
        let names = properties.keys().map(String::as_str);
        let matched = match_keys(std::mem::take(fields), names, self.matching);
        let matched = matched.map_err(|source| ConformError::Keys {
            path: self.path.clone(),
            source,
        })?;
        for renamed in matched.renamed {
            let (from, score) = (renamed.from, renamed.score);
            self.note_field(&renamed.to, CoercionKind::Renamed { from, score })?;
        }
        for (key, value) in dropped {
            if matched.unmatched.binary_search(&key).is_ok() {
                self.note_field(&key, CoercionKind::Dropped { value })?;
            }
        }
        for field in &matched.filled {
            self.note_field(field, CoercionKind::Filled)?;
        }
        *fields = matched.object;
        Ok(())
    }

    /// Null for what has to be there, may be null, and is missing.
    fn add_nulls(
        &mut self,
        fields: &mut Map<String, Value>,
        properties: &Map<String, Value>,
        required: &[Value],
    ) -> Result<(), ConformError> {
        for name in required.iter().filter_map(Value::as_str) {
            let is_nullable = |schema: &Value| allows_null(self.root, schema);
            if !fields.contains_key(name) && properties.get(name).is_some_and(is_nullable) {
                fields.insert(name.to_owned(), Value::Null);
                self.note_field(name, CoercionKind::Null)?;
            }
        }
        Ok(())
    }

    fn note(&mut self, kind: CoercionKind) -> Result<(), ConformError> {
        let path = self.path.clone();
        self.note_at(path, kind)
    }

    fn note_field(&mut self, field: &str, kind: CoercionKind) -> Result<(), ConformError> {
        let path = self.path.field(field);
        self.note_at(path, kind)
    }

    /// A path may be long, so what is listed counts by its length.
    fn note_at(&mut self, path: JsonPath, kind: CoercionKind) -> Result<(), ConformError> {
        self.step(path.len() as u64)?;
        self.coercions.push(Coercion { path, kind });
        Ok(())
    }

    fn step(&mut self, steps: u64) -> Result<(), ConformError> {
        self.steps += steps;
        match self.steps > MOST_STEPS {
            true => Err(ConformError::TooMuchWork { limit: MOST_STEPS }),
            false => Ok(()),
        }
    }
}

/// A value has at most 127 levels; the others are references and alternatives.
const MAX_DEPTH: usize = 256;
/// More than a value of 10 MiB takes.
const MOST_STEPS: u64 = 50_000_000;
