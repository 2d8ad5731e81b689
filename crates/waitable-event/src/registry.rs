//! How a thread finds what another thread made: by an unguessable number.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, Weak};

use crate::sync::lock;

/// Keys stay below 2^53, so that a JavaScript number holds them exactly.
const KEY_MASK: u64 = (1 << 53) - 1;

/// Things of this process, by key. It does not hold them.
pub(crate) struct Registry<T> {
    /// Seeded by the operating system: an invented key hits a live one with a chance of about one in 2^53 for each
    /// thing that is registered.
    hasher: RandomState,
    entries: Mutex<Entries<T>>,
}

struct Entries<T> {
    made: u64,
    by_key: HashMap<u64, Weak<T>>,
}

impl<T> Registry<T> {
    pub(crate) fn new() -> Registry<T> {
        Registry { hasher: RandomState::new(), entries: Mutex::new(Entries { made: 0, by_key: HashMap::new() }) }
    }

    /// Makes `thing` findable, and returns its key: never 0, and never one that is still in use.
    pub(crate) fn register(&self, thing: Weak<T>) -> u64 {
        let mut entries = lock(&self.entries);
        loop {
            entries.made += 1;
            let key = self.hasher.hash_one(entries.made) & KEY_MASK;
            if key != 0 && !entries.by_key.contains_key(&key) {
                entries.by_key.insert(key, thing);
                return key;
            }
        }
    }

    /// Returns the live thing with this key.
    pub(crate) fn find(&self, key: u64) -> Option<Arc<T>> {
        lock(&self.entries).by_key.get(&key).and_then(Weak::upgrade)
    }

    /// Makes a key invalid.
    pub(crate) fn unregister(&self, key: u64) {
        lock(&self.entries).by_key.remove(&key);
    }
}
