//! How other threads have a poller report a token.

use std::sync::{Arc, Mutex, Weak};

use crate::park::Wake;
use crate::sync::lock;
use crate::sys::{Pipe, Selector, Waker};

/// The tokens that other threads want a poller to report. The poller and its wakers share it.
#[derive(Debug)]
pub(crate) struct TokenQueue {
    waker: Arc<Waker>,
    tokens: Mutex<Vec<u64>>,
}

impl TokenQueue {
    /// Returns an empty queue that wakes a poller by `waker`.
    pub(crate) fn new(waker: Arc<Waker>) -> TokenQueue {
        TokenQueue { waker, tokens: Mutex::default() }
    }

    /// Appends `token`, and wakes the poller.
    fn push(&self, token: u64) {
        let is_first = {
            let mut tokens = lock(&self.tokens);
            tokens.push(token);
            tokens.len() == 1
        };
        // The poller empties the whole queue when it wakes, so the first token alone wakes it.
        if is_first {
            self.waker.wake();
        }
    }

    /// Removes and returns all tokens. Call it after the poll that found the waker called, and has drained it: then a
    /// token that is pushed from here on calls it again.
    pub(crate) fn drain(&self) -> Vec<u64> {
        std::mem::take(&mut *lock(&self.tokens))
    }
}

/// Has a poller report `token` when it is called.
pub(crate) struct TokenWaker {
    pub(crate) queue: Arc<TokenQueue>,
    pub(crate) token: u64,
}

impl Wake for TokenWaker {
    fn wake(&self) {
        self.queue.push(self.token);
    }
}

/// Has a poller report a token when an event closes, and only then.
///
/// It holds neither the selector nor the pipe: a waker that only listens must not keep their descriptors open.
pub(crate) struct CloseWaker {
    pub(crate) waker: TokenWaker,
    pub(crate) selector: Weak<Selector>,
    pub(crate) pipe: Weak<Pipe>,
}

impl Wake for CloseWaker {
    fn wake(&self) {}

    fn closed(&self) {
        if let (Some(selector), Some(pipe)) = (self.selector.upgrade(), self.pipe.upgrade()) {
            // Fails only when the pipe is not in the selector.
            let _ = selector.remove(pipe.reader());
        }
        self.waker.wake();
    }
}
