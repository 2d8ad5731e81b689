//! How a sleeper looks whether its thread is being ended, and how often: on every system the same.

use std::time::Duration;

/// The time from the beginning of a sleep to the first look, unless something announces an end before.
///
/// Most sleeps are over by then, and cost no look.
pub const FIRST_LOOK: Duration = Duration::from_millis(5);

/// The longest time between two looks while nothing announces that the thread is being ended.
pub const LONGEST_BLIND: Duration = Duration::from_millis(20);

/// How a sleeper learns that its thread is being ended.
#[derive(Clone, Copy)]
pub struct Looks<'a> {
    /// Returns whether the thread is being ended. It may run code that sleeps in turn, and so consumes a wake-up of
    /// this sleep; the sleep then ends as if woken.
    pub is_ending: &'a dyn Fn() -> bool,
    /// Returns whether the thread may be ended without its event loop showing it. Called once a sleep, at the first
    /// look.
    pub are_needed: &'a dyn Fn() -> bool,
    /// Returns whether the thread has a request that its event loop has not handled yet. Until it has, nothing
    /// that the sleeper watches shows a further request. `None` if the host does not know.
    pub has_request: &'a dyn Fn() -> Option<bool>,
}
