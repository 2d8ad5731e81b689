//! A source that is readable while it is raised.

use std::mem;
use std::sync::{Arc, Mutex};

use slab::Slab;

use super::source::Source;
use crate::park::Wake;
use crate::readiness::{Interest, Readiness};
use crate::sync::lock;

/// The part of a doorbell that is in memory.
#[derive(Default)]
pub(super) struct Level(Mutex<State>);

#[derive(Default)]
struct State {
    is_raised: bool,
    watchers: Slab<Arc<dyn Wake>>,
}

impl Level {
    /// Raises it, and wakes its watchers unless it was raised before. Calls `mirror` with the level locked if it was
    /// not: then no other thread raises or lowers it in between.
    pub(super) fn raise_with(&self, mirror: impl FnOnce()) {
        let mut state = lock(&self.0);
        if !mem::replace(&mut state.is_raised, true) {
            mirror();
            // Under the lock, so that a watcher that has left is not called.
            state.watchers.iter().for_each(|(_, watcher)| watcher.wake());
        }
    }

    /// Raises it, and wakes its watchers unless it was raised before.
    pub(super) fn raise(&self) {
        self.raise_with(|| ());
    }

    /// Lowers it, and returns whether it was raised. Calls `mirror` with that, and with the level locked, in any case.
    pub(super) fn lower_with(&self, mirror: impl FnOnce(bool)) -> bool {
        let mut state = lock(&self.0);
        mirror(state.is_raised);
        mem::take(&mut state.is_raised)
    }

    /// Calls `body` with whether it is raised, while no other thread changes that.
    pub(super) fn with_locked(&self, body: impl FnOnce(bool)) {
        let state = lock(&self.0);
        body(state.is_raised);
    }

    /// Returns whether it is raised.
    pub(super) fn is_raised(&self) -> bool {
        lock(&self.0).is_raised
    }

    /// Wakes the watchers for another reason: a part of the source that is not in memory may be ready.
    pub(super) fn wake_watchers(&self) {
        lock(&self.0).watchers.iter().for_each(|(_, watcher)| watcher.wake());
    }

    /// Ends it: the watchers are told, and called no more.
    pub(super) fn close(&self) {
        let watchers = mem::take(&mut lock(&self.0).watchers);
        watchers.iter().for_each(|(_, watcher)| watcher.closed());
    }

    pub(super) fn watch(&self, watcher: Arc<dyn Wake>) -> usize {
        lock(&self.0).watchers.insert(watcher)
    }

    pub(super) fn unwatch(&self, watch: usize) {
        lock(&self.0).watchers.try_remove(watch);
    }
}

impl Source for Level {
    fn readiness(&self, interest: Interest) -> Readiness {
        Readiness { readable: interest.readable && self.is_raised(), ..Readiness::default() }
    }

    fn watch(&self, watcher: Arc<dyn Wake>, _interest: Interest) -> usize {
        Level::watch(self, watcher)
    }

    fn unwatch(&self, watch: usize) {
        Level::unwatch(self, watch);
    }
}
