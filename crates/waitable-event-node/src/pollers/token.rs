//! The tokens of a reactor's poller: those of the facade, and those that stand for events.

/// The highest token of the facade, which JavaScript keeps in an `Int32Array`.
pub const LAST_TOKEN: i32 = i32::MAX;

/// Tokens of events start here.
const FIRST_EVENT: u64 = 1 << 53;

/// Returns the token of the event in `slot`.
pub fn of_event(slot: u32) -> u64 {
    FIRST_EVENT + u64::from(slot)
}

/// Returns the slot of the event that `token` stands for, unless `token` is the facade's.
pub fn event_slot(token: u64) -> Option<u32> {
    token.checked_sub(FIRST_EVENT).and_then(|slot| u32::try_from(slot).ok())
}
