//! The events that an environment has open, each under a small number (its slot), and how its reactor watches them.
//! Uses `ffi`, `pollers` and `reactor::pending_arms`.

pub mod event_table;
pub mod open_event;
pub mod watch;
