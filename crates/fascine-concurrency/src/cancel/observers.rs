use std::fmt;
use std::sync::Weak;

/// Somebody who has to know when a scope is cancelled, ends, or has its deadline moved.
pub(crate) trait Observer: Send + Sync {
    /// Something happened: look at it. Called without any lock held.
    fn tell(&self);
}

/// A list of observers from which each can leave in constant time.
#[derive(Debug, Default)]
pub(crate) struct Observers {
    entries: Vec<Option<Weak<dyn Observer>>>,
    free: Vec<usize>,
}

impl Observers {
    pub(crate) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
        }
    }

    pub(crate) fn insert(&mut self, observer: Weak<dyn Observer>) -> usize {
        match self.free.pop() {
            Some(key) => {
                self.entries[key] = Some(observer);
                key
            }
            None => {
                self.entries.push(Some(observer));
                self.entries.len() - 1
            }
        }
    }

    /// Takes one out, to be dropped outside the lock.
    pub(crate) fn remove(&mut self, key: usize) -> Option<Weak<dyn Observer>> {
        let removed = self.entries.get_mut(key)?.take();
        if removed.is_some() {
            self.free.push(key);
        }
        removed
    }

    /// Those who are on the list now, to be told outside the lock.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot(self.entries.iter().flatten().cloned().collect())
    }
}

impl fmt::Debug for dyn Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

pub(crate) struct Snapshot(Vec<Weak<dyn Observer>>);

impl Snapshot {
    pub(crate) fn tell(self) {
        for observer in self.0 {
            if let Some(observer) = observer.upgrade() {
                observer.tell();
            }
        }
    }
}
