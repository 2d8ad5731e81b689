//! What a thread or a poller can wait for.

use std::sync::Arc;

use windows_sys::Win32::Networking::WinSock::SOCKET;

use crate::park::Wake;
use crate::readiness::{Interest, Readiness};

/// Something that becomes ready.
///
/// **Order of locks.** A source calls its watchers while it is locked, and a watcher may lock a poller, which is a
/// source in turn. So locks are taken upwards: doorbell, poller of a loop, poller of a reactor. A caller that
/// asks or watches a source holds no lock of a poller.
pub(super) trait Source: Send + Sync {
    /// Returns what it is ready for now.
    fn readiness(&self, interest: Interest) -> Readiness;

    /// Has `watcher` woken whenever the source may have become ready for `interest`, and closed when the source ends.
    /// It is not woken for a readiness that was there before. Returns the number for [`Source::unwatch`].
    fn watch(&self, watcher: Arc<dyn Wake>, interest: Interest) -> usize;

    /// Undoes [`Source::watch`]. The watcher is not called any more once this has returned.
    fn unwatch(&self, watch: usize);

    /// Has a watcher woken again, which found the source not ready, or which wants something else now. What is ready in
    /// the meantime wakes it. Only sources of the kernel need that.
    fn rearm(&self, _watch: usize, _interest: Interest) {}

    /// Returns the socket that it is, if it is one.
    fn socket(&self) -> Option<SOCKET> {
        None
    }

    /// Returns whether it may be ready before its watchers are woken: packets of the kernel tell of it.
    fn has_packets(&self) -> bool {
        self.socket().is_some()
    }

    /// Returns whether it reports hang-ups and errors, which a watcher without any interest is told of, too.
    fn may_hang_up(&self) -> bool {
        false
    }
}

/// A watch on a source, for as long as this lives.
pub(super) struct Watching {
    source: Arc<dyn Source>,
    watch: usize,
}

impl Watching {
    pub(super) fn new(source: Arc<dyn Source>, watcher: Arc<dyn Wake>, interest: Interest) -> Watching {
        let watch = source.watch(watcher, interest);
        Watching { source, watch }
    }

    /// Returns the source.
    pub(super) fn source(&self) -> &dyn Source {
        &*self.source
    }

    /// Has the watcher woken again, which found the source not ready.
    pub(super) fn rearm(&self, interest: Interest) {
        self.source.rearm(self.watch, interest);
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.source.unwatch(self.watch);
    }
}
