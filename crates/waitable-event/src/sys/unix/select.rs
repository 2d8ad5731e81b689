//! Keeps the promise of a select() with the rules of Python's, and without its limit of 1024 descriptors: over the
//! sleep of a blocked wait.

use std::io;
use std::os::fd::{BorrowedFd, RawFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};

use super::descriptor;
use super::parker::Parker;
use super::poll_flags::{from_interest, to_readiness};
use crate::deadline::Deadline;
use crate::park::Parked;
use crate::readiness::{Interest, Readiness};
use crate::sys::native::{poll_now, sleep};

/// One descriptor of a [`select`] call.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// The descriptor.
    pub fd: RawFd,
    /// What the caller wants to hear of.
    pub interest: Interest,
    /// What the descriptor is ready for, after the call.
    pub readiness: Readiness,
}

/// Sleeps until `fd` is readable, and returns whether it is: false when `deadline` passed first.
pub(crate) fn await_readable(fd: BorrowedFd<'_>, deadline: Deadline) -> io::Result<bool> {
    Ok(sleep(&mut [PollFd::new(fd, PollFlags::POLLIN)], deadline)? > 0)
}

/// Finds out what is ready now, and returns how many members are ready for what the caller wants of them. Opens
/// nothing, and does not sleep.
///
/// # Errors
///
/// EBADF for a number that is not open.
pub fn look(members: &mut [Member]) -> io::Result<usize> {
    let mut fds = Vec::with_capacity(members.len());
    for member in members.iter() {
        // SAFETY: poll() answers POLLNVAL for a number that is not open.
        fds.push(PollFd::new(unsafe { descriptor::borrow(member.fd) }?, from_interest(member.interest)));
    }
    poll_now(&mut fds)?;
    for (fd, member) in fds.iter().zip(members.iter_mut()) {
        member.readiness = readiness(fd)?;
    }
    Ok(count_ready(members))
}

/// Waits until a member is ready for what the caller wants of it, and returns how many are: zero when the deadline
/// passed first, `None` when the thread is being ended.
///
/// It has the rules of select() over poll(), which has no limit on descriptor numbers. A hang-up or an error makes a
/// descriptor readable, an error makes it writable, and a number that is not open is the error EBADF.
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
    let mut polled: Vec<usize> = (0..members.len()).collect();
    loop {
        let mut fds = Vec::with_capacity(polled.len() + 2);
        for &index in &polled {
            // SAFETY: poll() answers POLLNVAL for a number that is not open.
            let fd = unsafe { descriptor::borrow(members[index].fd) }?;
            fds.push(PollFd::new(fd, from_interest(members[index].interest)));
        }
        fds.extend(parker.interrupter.poll_fds()?);
        match parker.sleep(&mut fds, deadline)? {
            Parked::Interrupted => return Ok(None),
            Parked::TimedOut => return Ok(Some(0)),
            Parked::Woken if on_wake(members) => return Ok(Some(count_ready(members))),
            Parked::Woken => {}
            Parked::Notified => {
                for (fd, &index) in fds.iter().zip(&polled) {
                    members[index].readiness = readiness(fd)?;
                }
                match count_ready(members) {
                    0 => {}
                    ready => return Ok(Some(ready)),
                }
                // A hang-up or an error that select() does not count, of a member that is to be written, for example.
                // poll() would report it again immediately and forever, so that member is not polled any more.
                polled.retain(|&index| members[index].readiness == Readiness::default());
            }
        }
    }
}

fn count_ready(members: &[Member]) -> usize {
    members.iter().filter(|member| member.readiness.satisfies(member.interest)).count()
}

fn readiness(fd: &PollFd<'_>) -> io::Result<Readiness> {
    to_readiness(fd.revents().unwrap_or(PollFlags::empty())).ok_or_else(|| Errno::EBADF.into())
}
