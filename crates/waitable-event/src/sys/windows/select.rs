//! Keeps the promise of a select() with the rules of Python's, over the sleep of a blocked wait.

use std::cell::OnceCell;
use std::io;
use std::sync::Arc;

use super::descriptor;
use super::interrupter::Interrupter;
use super::number::{AsFileno, Descriptor, Fileno};
use super::parker::Parker;
use super::source::Watching;
use crate::deadline::Deadline;
use crate::park::Parked;
use crate::readiness::{Interest, Readiness};

/// One descriptor of a [`select`] call.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// The descriptor.
    pub fd: Fileno,
    /// What the caller wants to hear of.
    pub interest: Interest,
    /// What the descriptor is ready for, after the call.
    pub readiness: Readiness,
}

/// Sleeps until `fd` is readable, and returns whether it is: false when `deadline` passed first.
pub(crate) fn await_readable(fd: Descriptor<'_>, deadline: Deadline) -> io::Result<bool> {
    thread_local! {
        static INTERRUPTER: OnceCell<Arc<Interrupter>> = const { OnceCell::new() };
    }
    let interrupter = INTERRUPTER.with(|cell| match cell.get() {
        Some(interrupter) => Ok::<_, io::Error>(interrupter.clone()),
        None => {
            let interrupter = Arc::new(Interrupter::new()?);
            Ok(cell.get_or_init(|| interrupter).clone())
        }
    })?;
    let parker = Parker { interrupter: &interrupter, looks: None, spin: None };
    let mut members = [Member { fd: fd.as_raw_fd(), interest: Interest::READABLE, readiness: Readiness::default() }];
    Ok(select(&mut members, &parker, deadline)?.unwrap_or(0) > 0)
}

/// Finds out what is ready now, and returns how many members are ready for what the caller wants of them. Opens
/// nothing, and does not sleep.
///
/// # Errors
///
/// EBADF for a number that is not open.
pub fn look(members: &mut [Member]) -> io::Result<usize> {
    for member in members.iter_mut() {
        member.readiness = descriptor::source(member.fd)?.readiness(member.interest);
    }
    Ok(count_ready(members))
}

/// Waits until a member is ready for what the caller wants of it, and returns how many are: zero when the deadline
/// passed first, `None` when the thread is being ended.
///
/// It has the rules of select(). A hang-up or an error makes a descriptor readable, an error makes it writable, and a
/// number that is not open is the error EBADF.
pub fn select(members: &mut [Member], parker: &Parker<'_>, deadline: Deadline) -> io::Result<Option<usize>> {
    select_with(members, parker, deadline, |_| false)
}

/// Waits as [`select`] does, and calls `on_wake` when the interrupter's waker was called. `on_wake` may mark members as
/// ready, and ends the wait when it returns true.
pub fn select_with(
    members: &mut [Member],
    parker: &Parker<'_>,
    deadline: Deadline,
    mut on_wake: impl FnMut(&mut [Member]) -> bool,
) -> io::Result<Option<usize>> {
    let watches: Vec<Watching> = members
        .iter()
        .map(|member| {
            let source = descriptor::source(member.fd)?;
            Ok(Watching::new(source, parker.interrupter.clone(), member.interest))
        })
        .collect::<io::Result<_>>()?;
    loop {
        let mut is_ready = || {
            for (member, watching) in members.iter_mut().zip(&watches) {
                member.readiness = watching.source().readiness(member.interest);
                if !member.readiness.satisfies(member.interest) {
                    watching.rearm(member.interest);
                }
            }
            Ok(count_ready(members) > 0)
        };
        match parker.sleep(&mut is_ready, deadline)? {
            Parked::Interrupted => return Ok(None),
            Parked::TimedOut => return Ok(Some(0)),
            Parked::Notified => return Ok(Some(count_ready(members))),
            Parked::Woken if on_wake(members) => return Ok(Some(count_ready(members))),
            Parked::Woken => {}
        }
    }
}

fn count_ready(members: &[Member]) -> usize {
    members.iter().filter(|member| member.readiness.satisfies(member.interest)).count()
}
