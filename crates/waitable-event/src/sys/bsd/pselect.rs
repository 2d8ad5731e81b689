//! Keeps the promise that a blocked wait is neither early nor late by more than the kernel's own delay, whatever
//! signals interrupt it, and whatever it waits for: pselect(), with a timeout in nanoseconds. (macOS, which has no
//! ppoll().)
//!
//! macOS's poll() does not know devices, among them terminals, and its kevent() refuses some as well. select() takes
//! all of them, and the kqueue of an event loop: Electron waits for libuv's in the same way. In the variant that is
//! called here the sets may be of any size. What select() cannot say is asked of poll() afterwards: whether a pipe has
//! data or has ended.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc::{c_int, c_short, c_void, pollfd, timespec};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::deadline::Deadline;
use crate::sys::unix::retry::retry;

#[cfg(target_vendor = "apple")]
type Word = u32;
#[cfg(not(target_vendor = "apple"))]
type Word = nix::libc::c_ulong;

unsafe extern "C" {
    #[cfg_attr(target_vendor = "apple", link_name = "pselect$DARWIN_EXTSN")]
    fn pselect(
        count: c_int,
        readable: *mut Word,
        writable: *mut Word,
        exceptional: *mut Word,
        timeout: *const timespec,
        signals: *const c_void,
    ) -> c_int;
}

/// Sleeps until one of `fds` is ready, and returns how many are: zero when `deadline` passed first.
///
/// A signal handler, SIGSTOP and SIGCONT may interrupt it; the sleep continues with the rest of the time. Zero is
/// returned only when the clock says that the deadline has passed. A hang-up or an error ends the sleep where `fds`
/// asks for reading or writing.
///
/// # Errors
///
/// Those of pselect(): ENOMEM.
pub fn sleep(fds: &mut [PollFd<'_>], deadline: Deadline) -> io::Result<usize> {
    if is_highest_closed(fds) {
        return mark_closed(fds);
    }
    let mut sets = Sets::of(fds);
    loop {
        match sets.select(fds, deadline.remaining())? {
            0 if !deadline.has_passed() => {}
            count => return Ok(count),
        }
    }
}

/// Finds out which of `fds` are ready now, and returns how many are. Does not sleep.
pub(crate) fn poll_now(fds: &mut [PollFd<'_>]) -> io::Result<usize> {
    if is_highest_closed(fds) {
        return mark_closed(fds);
    }
    Sets::of(fds).select(fds, Some(Duration::ZERO))
}

/// Returns whether the highest number is not open. The kernel ignores numbers beyond its table, and answers EBADF for
/// others that are not open. If the highest one is open, all of them are in the table.
fn is_highest_closed(fds: &[PollFd<'_>]) -> bool {
    let highest = fds.iter().map(AsFd::as_fd).max_by_key(AsRawFd::as_raw_fd);
    highest.is_some_and(|fd| fcntl(fd, FcntlArg::F_GETFD).is_err())
}

/// Three sets of descriptors, one behind the other.
struct Sets {
    /// One more than the highest number.
    count: c_int,
    /// The number of words of one set.
    length: usize,
    words: Vec<Word>,
}

/// The sets in their order, with the conditions that each stands for.
const CONDITIONS: [PollFlags; 3] = [PollFlags::POLLIN, PollFlags::POLLOUT, PollFlags::POLLPRI];

impl Sets {
    /// Returns empty sets with room for `fds`.
    fn of(fds: &[PollFd<'_>]) -> Sets {
        let count = fds.iter().map(|fd| fd.as_fd().as_raw_fd() + 1).max().unwrap_or(0);
        let length = usize::try_from(count).unwrap_or(0).div_ceil(Word::BITS as usize);
        Sets { count, length, words: vec![0; 3 * length] }
    }

    fn place(&self, set: usize, fd: c_int) -> (usize, Word) {
        let fd = fd as usize;
        (set * self.length + fd / Word::BITS as usize, 1 << (fd % Word::BITS as usize))
    }

    /// Sleeps once, writes what `fds` are ready for into them, and returns how many are. Zero when a signal came.
    fn select(&mut self, fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> io::Result<usize> {
        self.words.fill(0);
        for fd in fds.iter() {
            for (set, condition) in CONDITIONS.into_iter().enumerate() {
                if fd.events().contains(condition) {
                    let (word, bit) = self.place(set, fd.as_fd().as_raw_fd());
                    self.words[word] |= bit;
                }
            }
        }
        let timeout = timeout.map(timespec_of);
        let [readable, writable, exceptional] = [0, 1, 2].map(|set| self.words[set * self.length..].as_mut_ptr());
        // SAFETY: the kernel reads and writes as many bits of each set as `count` says: the sets have room for them,
        // and do not overlap. It reads the timeout, if there is one. Without signals the mask stays as it is.
        let selected = Errno::result(unsafe {
            pselect(
                self.count,
                readable,
                writable,
                exceptional,
                timeout.as_ref().map_or(ptr::null(), ptr::from_ref),
                ptr::null(),
            )
        });
        match selected {
            Ok(0) | Err(Errno::EINTR) => Ok(0),
            Ok(_) => self.describe(fds),
            Err(Errno::EBADF) => mark_closed(fds),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes what the selected ones of `fds` are ready for, and returns how many are.
    fn describe(&self, fds: &mut [PollFd<'_>]) -> io::Result<usize> {
        retry(|| poll(fds, PollTimeout::ZERO))?;
        let mut ready = 0;
        for fd in fds.iter_mut() {
            let mut selected = PollFlags::empty();
            for (set, condition) in CONDITIONS.into_iter().enumerate() {
                let (word, bit) = self.place(set, fd.as_fd().as_raw_fd());
                selected.set(condition, self.words[word] & bit != 0);
            }
            let polled = fd.revents().unwrap_or(PollFlags::empty());
            let is_unknown = polled.is_empty() || polled.contains(PollFlags::POLLNVAL);
            let revents = match is_unknown {
                // A device, or it was ready for a moment only.
                true => selected,
                // poll() does not tell of all exceptional conditions.
                false => polled | (selected & PollFlags::POLLPRI),
            };
            set_revents(fd, revents);
            ready += usize::from(!revents.is_empty());
        }
        Ok(ready)
    }
}

/// Marks those of `fds` that are not open, as poll() does, and returns how many there are.
fn mark_closed(fds: &mut [PollFd<'_>]) -> io::Result<usize> {
    let mut count = 0;
    for fd in fds.iter_mut() {
        let is_closed = fcntl(fd.as_fd(), FcntlArg::F_GETFD).is_err();
        set_revents(fd, if is_closed { PollFlags::POLLNVAL } else { PollFlags::empty() });
        count += usize::from(is_closed);
    }
    Ok(count)
}

fn set_revents(fd: &mut PollFd<'_>, revents: PollFlags) {
    let raw: *mut pollfd = ptr::from_mut(fd).cast();
    // SAFETY: `PollFd` is a transparent `pollfd`.
    unsafe { (*raw).revents = revents.bits() as c_short };
}

/// Returns `duration`, or as much of it as the kernel's clock type holds; the caller's loop sleeps the rest.
fn timespec_of(duration: Duration) -> timespec {
    /// macOS refuses more than 10^8 seconds.
    const LONGEST: Duration = Duration::from_secs(100_000_000);
    *nix::sys::time::TimeSpec::from_duration(duration.min(LONGEST)).as_ref()
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use nix::unistd::pipe;

    use super::*;

    fn revents(fd: &PollFd<'_>) -> PollFlags {
        fd.revents().unwrap_or(PollFlags::empty())
    }

    #[test]
    fn an_end_is_told_from_data_and_a_file_is_ready() -> io::Result<()> {
        let (reader, writer) = pipe()?;
        let null = File::open("/dev/null")?;
        let mut fds = [PollFd::new(reader.as_fd(), PollFlags::POLLIN), PollFd::new(null.as_fd(), PollFlags::POLLIN)];
        assert_eq!(poll_now(&mut fds[..1])?, 0);
        assert_eq!(poll_now(&mut fds)?, 1);
        assert_eq!(fds.map(|fd| revents(&fd)), [PollFlags::empty(), PollFlags::POLLIN]);
        drop(writer);
        let mut fds = [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
        assert_eq!(sleep(&mut fds, Deadline::NEVER)?, 1);
        assert_eq!(revents(&fds[0]), PollFlags::POLLHUP);
        Ok(())
    }

    #[test]
    fn numbers_that_are_not_open_are_marked() -> io::Result<()> {
        let (reader, _writer) = pipe()?;
        let closed = 1_000_000;
        // SAFETY: goes to calls that answer EBADF.
        let closed = unsafe { std::os::fd::BorrowedFd::borrow_raw(closed) };
        let mut fds = [PollFd::new(reader.as_fd(), PollFlags::POLLIN), PollFd::new(closed, PollFlags::POLLIN)];
        assert_eq!(sleep(&mut fds, Deadline::NEVER)?, 1);
        assert_eq!(fds.map(|fd| revents(&fd)), [PollFlags::empty(), PollFlags::POLLNVAL]);
        Ok(())
    }
}
