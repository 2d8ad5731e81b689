//! The blocking `select()`.

use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{Int32Array, Uint32Array};
use napi_derive::napi;
use waitable_event::sys::{Member, Pipe, look, select_with};
use waitable_event::{Deadline, Error, Event, Joined, Readiness, Snapshot, Wake};

use crate::environment::Environment;
use crate::ffi::{readiness_flags, status};

/// The length of an entry: descriptor, interest and, afterwards, readiness.
pub const SELECT_LENGTH: usize = 3;

/// An event among the descriptors of a `select_descriptors()`.
struct SelectedEvent {
    event: Event,
    /// Holds the descriptor open while the kernel polls it.
    joined: Joined<Pipe>,
    entered: Snapshot,
}

impl SelectedEvent {
    /// Joins the event's waiters, as a blocked wait does: so a `close()` ends the call, and a `set()` that is cleared
    /// immediately is seen.
    fn new(event: Event, waker: Arc<dyn Wake>) -> Result<SelectedEvent, Error> {
        let entered = event.signal().state().observe();
        let joined = event.signal().join(waker)?;
        Ok(SelectedEvent { event, joined, entered })
    }

    /// Marks the event's member as ready if the word says so. Returns true when the word has an outcome.
    fn mark_ready(&self, members: &mut [Member]) -> bool {
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

impl Drop for SelectedEvent {
    fn drop(&mut self) {
        self.event.signal().leave(self.joined.waiter_id);
    }
}

/// Finds out what is ready now, and returns how many are.
fn look_at(environment: &Environment, events: &[u32], members: &mut [Member]) -> Result<usize, Error> {
    // Held open until the kernel was asked, like those of a wait.
    let pipes = events.iter().map(|slot| environment.events.get(*slot)?.signal().doorbell());
    let _pipes: Vec<Arc<Pipe>> = pipes.collect::<Result<_, _>>()?;
    Ok(look(members)?)
}

/// Returns what a descriptor is ready for now, as flags, or a status. Never blocks.
pub fn look_at_descriptor(fd: i32, interest: i32) -> i32 {
    let mut members =
        [Member { fd, interest: readiness_flags::to_interest(interest), readiness: Readiness::default() }];
    status::of_io_count(look(&mut members).map(|_| readiness_flags::from_readiness(members[0].readiness) as usize))
}

/// Blocks until one of the descriptors is ready or `timeout` milliseconds have passed. `members` holds triples of
/// descriptor, interest flags and, afterwards, readiness flags; `events` the slots of those that belong to events.
/// Returns how many are ready.
#[napi]
pub fn select_descriptors(env: Env, mut members: Int32Array, events: Uint32Array, timeout: f64) -> i32 {
    let Some(environment) = Environment::of(&env) else {
        return status::NO_ENVIRONMENT;
    };
    let deadline = Deadline::after_millis(timeout);
    // SAFETY: the facade made the array for this call, which blocks the only thread that has it.
    let entries = unsafe { members.as_mut() };
    let mut list: Vec<Member> = entries
        .chunks_exact(SELECT_LENGTH)
        .map(|entry| Member {
            fd: entry[0],
            interest: readiness_flags::to_interest(entry[1]),
            readiness: Readiness::default(),
        })
        .collect();
    // Before the first sleep opens descriptors of its own: one of them could get a number that is in the list, and was
    // not open. A look needs no descriptors.
    let looked =
        (deadline.has_passed() || !environment.sleeper.is_prepared()).then(|| look_at(environment, &events, &mut list));
    let selected = match looked {
        Some(Ok(0)) if !deadline.has_passed() => None,
        looked => looked,
    };
    let selected = selected.unwrap_or_else(|| {
        environment.sleeper.with_parker(|parker| {
            let events: Vec<SelectedEvent> = events
                .iter()
                .map(|slot| SelectedEvent::new(environment.events.get(*slot)?, parker.interrupter.clone()))
                .collect::<Result<_, _>>()?;
            let ready = select_with(&mut list, parker, deadline, |members| {
                // All of them are marked, not only the first one.
                events.iter().filter(|event| event.mark_ready(members)).count() > 0
            })?;
            match events.iter().any(|selected| selected.event.is_closed()) {
                true => Err(Error::Closed),
                false => ready.ok_or(Error::Interrupted),
            }
        })
    });
    match selected {
        Ok(count) => {
            for (entry, member) in entries.chunks_exact_mut(SELECT_LENGTH).zip(&list) {
                entry[2] = readiness_flags::from_readiness(member.readiness);
            }
            status::of_count(count)
        }
        Err(error) => status::of_error(&error),
    }
}
