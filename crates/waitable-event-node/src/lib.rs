//! The N-API binding of waitable-event: free functions over small integers, nothing else.
//!
//! Nothing here throws. A function returns its value, or a negative number: `-errno` from the system
//! or one of the codes in [`status`]. The facade turns them into its own error classes, which are made
//! in JavaScript so that `instanceof` holds in every realm.
//!
//! | file | what it holds |
//! |---|---|
//! | `environment.rs` | what one Node environment (the main thread, a worker) owns, and its teardown |
//! | `event.rs` | the events that this environment has open |
//! | `watch.rs` | events that are awaited in the environment's own loop |
//! | `linger.rs` | a turn: events that are awaited again, and are set, before the thread goes to sleep |
//! | `poller.rs`, `members.rs` | pollers: what a run loop waits for |
//! | `loops.rs` | run loops that are ready again in the same turn |
//! | `blocking.rs` | how a thread sleeps so that it can be ended |
//! | `signals.rs` | signals that stop a loop |
//! | `driver/` | how a poller wakes Node's event loop |
//! | `fast.rs` | the functions of these files that must be fast |
//! | `descriptor.rs` | select(), and reading and writing of somebody's descriptors |
//!
//! Free functions, because methods of `#[napi]` classes take a process-wide lock twice a call.

mod bindings;
mod environment;
mod events;
mod ffi;
mod pollers;
mod reactor;
mod sleeper;
