//! select(), and reading and writing of somebody's descriptors.

use napi::Env;
use napi::bindgen_prelude::{Int32Array, Uint8Array};
use napi_derive::napi;
use waitable_event::sys::{Member, descriptor, select};
use waitable_event::{Deadline, Readiness};

use crate::environment::Environment;
use crate::poller::{flags, interest};
use crate::{blocking, status};

/// Blocks until one of the descriptors is ready or `timeout` milliseconds have passed. `members` holds triples of
/// descriptor, wanted flags and, afterwards, ready flags. Returns how many are ready.
#[napi]
pub fn select_descriptors(env: Env, mut members: Int32Array, timeout: f64) -> i32 {
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
    match blocking::with_parker(environment, |parker| select(&mut list, parker, deadline)) {
        Ok(Some(ready)) => {
            for (triple, member) in triples.chunks_exact_mut(3).zip(&list) {
                triple[2] = flags(member.readiness);
            }
            status::of_count(Ok(ready))
        }
        Ok(None) => status::INTERRUPTED,
        Err(error) => status::of_io(&error),
    }
}

/// Duplicates a descriptor, close-on-exec and non-blocking. Returns the copy, which the caller owns.
#[napi]
pub fn duplicate_descriptor(fd: i32) -> i32 {
    status::of(descriptor::duplicate(fd).map_err(Into::into))
}

/// Reads into `buffer`: the count, 0 at the end of the file.
#[napi]
pub fn read_descriptor(fd: i32, mut buffer: Uint8Array) -> i32 {
    // SAFETY: the facade made the buffer for this call and shares it with nobody.
    status::of_count(descriptor::read(fd, unsafe { buffer.as_mut() }))
}

/// Writes what fits of `data`: the count.
#[napi]
pub fn write_descriptor(fd: i32, data: Uint8Array) -> i32 {
    status::of_count(descriptor::write(fd, &data))
}

/// Closes a descriptor that `duplicate_descriptor` returned.
#[napi]
pub fn close_descriptor(fd: i32) -> i32 {
    descriptor::close(fd).map_or_else(|error| status::of_io(&error), |()| 0)
}
