//! The N-API binding of waitable-event: free functions over small integers, nothing else.
//!
//! Nothing here throws. A function returns its value, or a negative number: `-errno` from the system or one of the
//! codes in `ffi::status`. The facade makes its own errors of them, in JavaScript, so that `instanceof` holds in
//! every realm.
//!
//! | room | what it holds |
//! |---|---|
//! | `ffi/` | how values cross into JavaScript, and the functions of libuv and V8 |
//! | `events/` | the events that an environment has open, and how its reactor watches them |
//! | `pollers/` | pollers that report into memory that JavaScript reads |
//! | `reactor/` | what wakes Node's event loop, and what it does before it returns to that loop |
//! | `sleeper.rs` | how a thread blocks so that `terminate()` can end it |
//! | `uv_signals.rs` | how watches of signals share them with libuv, and so with Node |
//! | `environment.rs` | what one Node environment (the main thread, a worker) owns, and its teardown |
//! | `bindings/` | the functions that JavaScript calls |
//!
//! Imports point in one direction: `ffi` < `pollers`, `reactor::pending_arms` < `events` < the rest of `reactor` <
//! `environment` < `bindings`. `scripts/check-rust-rooms.mjs` checks it.
//!
//! The functions are free ones, because methods of `#[napi]` classes lock a process-wide mutex twice a call.

mod bindings;
mod environment;
mod events;
mod ffi;
mod pollers;
mod reactor;
mod sleeper;
mod uv_signals;
