//! How a thread finds an event that another thread made: by an unguessable number.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{LazyLock, Mutex, Weak};

use crate::Event;
use crate::event::Inner;
use crate::sync::lock;

/// Keys stay below 2^53, so that they pass through a JavaScript number unharmed.
const KEY_MASK: u64 = (1 << 53) - 1;

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::default);

#[derive(Default)]
struct Registry {
    /// Seeded by the operating system: an invented key hits a live one with a chance of about
    /// one in 2^53 for each event there is.
    hasher: RandomState,
    events: Mutex<Events>,
}

#[derive(Default)]
struct Events {
    made: u64,
    by_key: HashMap<u64, Weak<Inner>>,
}

/// Makes `event` findable, and returns its key: never 0, never one that was given out before and
/// is still in use.
pub(crate) fn register(event: Weak<Inner>) -> u64 {
    let registry = &*REGISTRY;
    let mut events = lock(&registry.events);
    loop {
        events.made += 1;
        let key = registry.hasher.hash_one(events.made) & KEY_MASK;
        if key != 0 && !events.by_key.contains_key(&key) {
            events.by_key.insert(key, event);
            return key;
        }
    }
}

/// The live event with this key.
pub(crate) fn find(key: u64) -> Option<Event> {
    lock(&REGISTRY.events).by_key.get(&key).and_then(Event::upgrade)
}

/// Forgets a key.
pub(crate) fn forget(key: u64) {
    lock(&REGISTRY.events).by_key.remove(&key);
}
