//! An event that any thread can set and any thread can wait for.
//!
//! [`Event`] is the Rust half of BACpypes' `event.WaitableEvent`: the methods of Python's
//! `threading.Event` over a pipe, so that the same event can also sit among other file descriptors
//! in `select()`, `poll()` or `epoll`, and so that another process can set it by writing one byte.
//!
//! The way of one wake-up: [`Event::set`] moves the state word in `state.rs`, `signal.rs` rings the
//! pipe when the word was clear, and whoever sleeps in [`Event::wait`] (`sys::Parker`) or in a
//! [`Poller`] wakes from the pipe. `signal.rs` holds the argument why no wake-up is lost; it is
//! checked with loom in `tests/loom.rs`.
//!
//! ```
//! use std::{thread, time::Duration};
//! use waitable_event::Event;
//!
//! let event = Event::new()?;
//! let setter = event.clone();
//! thread::spawn(move || setter.set());
//! assert!(event.wait(Some(Duration::from_secs(10)))?);
//! event.clear()?;
//! assert!(!event.is_set()?);
//! # Ok::<(), waitable_event::Error>(())
//! ```

#[cfg(not(loom))]
mod adaptive_spin;
mod deadline;
mod error;
#[cfg(not(loom))]
mod event;
#[cfg(not(loom))]
mod poller;
#[cfg(not(loom))]
mod registry;
mod signal;
mod state;
mod sync;
#[cfg(not(loom))]
pub mod sys;

#[cfg(not(loom))]
pub use adaptive_spin::Linger;
pub use deadline::Deadline;
pub use error::Error;
#[cfg(not(loom))]
pub use event::{Event, WeakEvent};
#[cfg(not(loom))]
pub use poller::{Interest, Poller, Readiness, Ready, Trigger};
pub use signal::{Bell, Joined, Park, Parked, Signal, Wake};
pub use state::{Snapshot, State};
