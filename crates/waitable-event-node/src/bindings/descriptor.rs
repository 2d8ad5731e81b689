//! select(), and reading and writing of somebody's descriptors.

use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{Int32Array, Uint32Array};
use napi_derive::napi;
use waitable_event::sys::{Member, Pipe, descriptor, select_with};
use waitable_event::{Deadline, Error, Event, Joined, Readiness, Snapshot, Wake};

use crate::bindings::event::event_in;
use crate::environment::Environment;
use crate::ffi::status;
use crate::pollers::batch_poller::{flags, interest};
use crate::sleeper as blocking;

/// An event among the descriptors of a `select_descriptors()`.
struct Watched {
    event: Event,
    /// Holds the descriptor open for as long as the kernel is asked about it.
    joined: Joined<Pipe>,
    entered: Snapshot,
}

impl Watched {
    /// Joins the event's waiters, as a blocked wait does: so a `close()` ends the call, and a `set()` that is
    /// cleared at once is seen.
    fn new(event: Event, waker: Arc<dyn Wake>) -> Result<Watched, Error> {
        let entered = event.signal().state().observe();
        let joined = event.signal().join(waker)?;
        Ok(Watched { event, joined, entered })
    }

    /// Marks the event's member; true when there is something to say.
    fn look(&self, members: &mut [Member]) -> bool {
        let Some(outcome) = self.event.signal().outcome(self.entered) else {
            return false;
        };
        let fd = self.joined.doorbell.reader_fileno();
        for member in members.iter_mut().filter(|member| member.fd == fd) {
            member.readiness.readable |= outcome.is_ok();
        }
        true
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.event.signal().leave(self.joined.waiter_id);
    }
}

/// Blocks until one of the descriptors is ready or `timeout` milliseconds have passed. `members` holds triples of
/// descriptor, wanted flags and, afterwards, ready flags; `events` the slots of those that are events'. Returns
/// how many are ready.
#[napi]
pub fn select_descriptors(env: Env, mut members: Int32Array, events: Uint32Array, timeout: f64) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    let deadline = Deadline::after_millis(timeout);
    // SAFETY: the facade made the array for this call, which blocks the only thread that has it.
    let triples = unsafe { members.as_mut() };
    let mut list: Vec<Member> = triples
        .chunks_exact(3)
        .map(|triple| Member { fd: triple[0], interest: interest(triple[1]), readiness: Readiness::default() })
        .collect();
    let selected = blocking::with_parker(environment, |parker| {
        let watched: Vec<Watched> = events
            .iter()
            .map(|slot| Watched::new(event_in(environment, *slot)?, parker.interrupter.clone()))
            .collect::<Result<_, _>>()?;
        let ready = select_with(&mut list, parker, deadline, |members| {
            watched.iter().filter(|event| event.look(members)).count() > 0
        })?;
        match watched.iter().any(|watched| watched.event.is_closed()) {
            true => Err(Error::Closed),
            false => ready.ok_or(Error::Interrupted),
        }
    });
    match selected {
        Ok(ready) => {
            for (triple, member) in triples.chunks_exact_mut(3).zip(&list) {
                triple[2] = flags(member.readiness);
            }
            status::of_count(Ok(ready))
        }
        Err(error) => status::of_error(&error),
    }
}

/// Duplicates a descriptor, close-on-exec and non-blocking. Returns the copy, which the caller owns.
#[napi]
pub fn duplicate_descriptor(fd: i32) -> i32 {
    status::of(descriptor::duplicate(fd).map_err(Into::into))
}

/// Reads into `buffer`: the count, 0 at the end of the file.
pub fn read(fd: i32, buffer: &mut [u8]) -> i32 {
    status::of_count(descriptor::read(fd, buffer))
}

/// Writes what fits of `data`: the count.
pub fn write(fd: i32, data: &[u8]) -> i32 {
    status::of_count(descriptor::write(fd, data))
}

/// Closes a descriptor that `duplicate_descriptor` returned.
#[napi]
pub fn close_descriptor(fd: i32) -> i32 {
    descriptor::close(fd).map_or_else(|error| status::of_io(&error), |()| 0)
}
