use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fascine_rt::Rt;
use serde_json::Value;

use crate::recorded::entry::{Answer, Entry};
use crate::recorded::file::{Content, File};
use crate::recorded::nearest;
use crate::{CanonicalRequest, Delivery, RecordError, RequestKey};

/// What stands in a recording, and in its file.
pub(crate) struct Book {
    rt: Rt,
    model: String,
    /// The file is written under this lock, where that may block.
    file: Arc<Mutex<File>>,
    entries: Arc<Mutex<Entries>>,
}

#[derive(Default)]
struct Entries {
    in_order: Vec<Entry>,
    by_key: HashMap<(RequestKey, Kind), usize>,
}

/// [`Delivery`], as a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Stream,
    Whole,
}

impl From<Delivery> for Kind {
    fn from(delivery: Delivery) -> Self {
        match delivery {
            Delivery::Stream => Self::Stream,
            Delivery::Whole => Self::Whole,
        }
    }
}

impl Entries {
    /// Adds an answer, unless there is one already: the first is the one that others have seen.
    fn add(&mut self, entry: Entry) {
        let key = (key_of(&entry.request), entry.answer.delivery().into());
        let next = self.in_order.len();
        if *self.by_key.entry(key).or_insert(next) == next {
            self.in_order.push(entry);
        }
    }
}

fn key_of(request: &Value) -> RequestKey {
    CanonicalRequest::of_document(request).key()
}

impl Book {
    /// Reads the file. With the identity of a model to be recorded it may also be new.
    pub(crate) async fn open(
        rt: &Rt,
        path: &Path,
        new: Option<String>,
    ) -> Result<Self, RecordError> {
        let mut file = File::new(path);
        let reading = rt.unblock(move || file.read(new).map(|content| (file, content)));
        let (mut file, Content { model, entries }) = match reading.await {
            Ok(read) => read?,
            Err(error) => return Err(RecordError::io(path, error)),
        };
        let mut all = Entries::default();
        entries.into_iter().for_each(|entry| all.add(entry));
        // Answers that stand there twice count once.
        file.saved = all.in_order.len();
        Ok(Self {
            rt: rt.clone(),
            model,
            file: Arc::new(Mutex::new(file)),
            entries: Arc::new(Mutex::new(all)),
        })
    }

    pub(crate) fn model(&self) -> &str {
        &self.model
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.entries).in_order.len()
    }

    /// Finds the answer that came in this way, or else one that came in the other.
    pub(crate) fn find(&self, asked: &Value, delivery: Delivery) -> Option<Answer> {
        let key = key_of(asked);
        let entries = lock(&self.entries);
        let by_key = |kind| entries.by_key.get(&(key, kind));
        let place = by_key(delivery.into())
            .or_else(|| by_key(Kind::Stream))
            .or_else(|| by_key(Kind::Whole))?;
        Some(entries.in_order[*place].answer.clone())
    }

    pub(crate) fn not_recorded(&self, asked: &Value) -> RecordError {
        let entries = lock(&self.entries);
        let requests = entries.in_order.iter().map(|entry| &entry.request);
        RecordError::NotRecorded {
            nearest: nearest::describe(asked, requests),
        }
    }

    pub(crate) async fn keep(&self, entry: Entry) -> Result<(), RecordError> {
        lock(&self.entries).add(entry);
        self.save().await
    }

    /// Writes all that is there by then; nothing, if somebody else has.
    pub(crate) async fn save(&self) -> Result<(), RecordError> {
        let (file, entries) = (Arc::clone(&self.file), Arc::clone(&self.entries));
        let (needed, model) = (self.len(), self.model.clone());
        let writing = self.rt.unblock(move || {
            let mut file = lock(&file);
            if file.saved >= needed {
                return Ok(());
            }
            let new = lock(&entries).in_order[file.saved..].to_vec();
            file.append(&model, &new, || lock(&entries).in_order.clone())
        });
        match writing.await {
            Ok(written) => written,
            Err(error) => Err(RecordError::io(&lock(&self.file).path, error)),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Book")
            .field("model", &self.model)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
