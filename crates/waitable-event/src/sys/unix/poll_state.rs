//! What a poller without a kernel's set of descriptors shares with the thread that sleeps for it (`poll_watcher.rs`).

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::stat::SFlag;

use super::file_status::{FileStatus, file_status};
use super::poll_flags::{from_interest, to_readiness};
use super::waker::Waker;
use crate::deadline::Deadline;
use crate::readiness::{Interest, Polled, Readiness, Ready, Trigger};
use crate::sync::lock;
use crate::sys::native::poll_now;

/// The time from one comparison of the clocks to the next: nothing tells that the wall clock was set.
const CLOCK_INTERVAL: Duration = Duration::from_secs(1);

/// The number of members that one poll reports at most. The next one reports the rest.
const BATCH: usize = 256;

/// A poller.
#[derive(Debug)]
pub(super) struct Shared {
    /// Readable while a member may be ready.
    doorbell: Waker,
    /// Called by other threads.
    pub(super) waker: Arc<Waker>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    members: BTreeMap<RawFd, Member>,
    /// The number that was reported last. The next poll begins behind it, so that each member has its turn.
    last: RawFd,
    alarm: Deadline,
    /// When to compare the clocks next.
    clock: Deadline,
    watches_clock: bool,
    /// Whether the thread sleeps for this poller. If it does not, the doorbell is readable.
    is_armed: bool,
    /// Why the thread could not sleep.
    error: Option<i32>,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    token: u64,
    interest: Interest,
    trigger: Trigger,
    /// Whether it reports. One shot does so once.
    is_enabled: bool,
    /// The file behind the number: another one means that the descriptor was closed.
    file: (i128, i128),
}

fn is_file(fd: BorrowedFd<'_>, file: (i128, i128)) -> bool {
    file_status(fd).is_ok_and(|status| status.identity == file)
}

impl Shared {
    pub(super) fn new() -> io::Result<Shared> {
        let state = State {
            members: BTreeMap::new(),
            last: -1,
            alarm: Deadline::NEVER,
            clock: Deadline::NEVER,
            watches_clock: false,
            is_armed: true,
            error: None,
        };
        Ok(Shared { doorbell: Waker::new()?, waker: Arc::new(Waker::new()?), state: Mutex::new(state) })
    }

    /// Returns the descriptor that is readable while a member may be ready.
    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.doorbell.as_fd()
    }

    /// Returns whether the thread has to be woken.
    pub(super) fn add(&self, fd: BorrowedFd<'_>, token: u64, interest: Interest, trigger: Trigger) -> io::Result<bool> {
        let FileStatus { identity: file, kind } = file_status(fd)?;
        if matches!(kind, SFlag::S_IFREG | SFlag::S_IFDIR | SFlag::S_IFBLK) {
            // Always ready: as epoll, which does not take them.
            return Err(Errno::EPERM.into());
        }
        let mut state = lock(&self.state);
        let number = fd.as_raw_fd();
        if state.members.get(&number).is_some_and(|member| member.file == file) {
            return Err(Errno::EEXIST.into());
        }
        state.members.insert(number, Member { token, interest, trigger, is_enabled: true, file });
        Ok(state.is_armed)
    }

    /// Returns whether the thread has to be woken.
    pub(super) fn modify(
        &self,
        fd: BorrowedFd<'_>,
        token: u64,
        interest: Interest,
        trigger: Trigger,
    ) -> io::Result<bool> {
        let file = file_status(fd)?.identity;
        let mut state = lock(&self.state);
        let is_armed = state.is_armed;
        match state.members.get_mut(&fd.as_raw_fd()) {
            Some(member) if member.file == file => {
                *member = Member { token, interest, trigger, is_enabled: true, file };
                Ok(is_armed)
            }
            _ => Err(Errno::ENOENT.into()),
        }
    }

    /// Returns whether the thread has to be woken: also if it does not sleep for this poller, it may still sleep on the
    /// number.
    pub(super) fn remove(&self, fd: RawFd) -> bool {
        lock(&self.state).members.remove(&fd).is_some()
    }

    /// Returns whether the thread has to be woken.
    pub(super) fn set_alarm(&self, alarm: Deadline) -> bool {
        let mut state = lock(&self.state);
        state.alarm = alarm;
        state.is_armed
    }

    /// Returns whether the thread has to be woken.
    pub(super) fn watch_clock(&self) -> bool {
        let mut state = lock(&self.state);
        if !mem::replace(&mut state.watches_clock, true) {
            state.clock = Deadline::after(Some(CLOCK_INTERVAL));
        }
        state.is_armed
    }

    /// Calls `each` with what is ready now. Returns whether the thread has to be woken beside the rest.
    pub(super) fn poll(&self, mut each: impl FnMut(Ready)) -> io::Result<(Polled, bool)> {
        let mut state = lock(&self.state);
        let state = &mut *state;
        state.is_armed = false;
        if let Some(error) = state.error.take() {
            // The doorbell stays readable: the next poll arms the poller again.
            self.doorbell.wake();
            return Err(io::Error::from_raw_os_error(error));
        }
        let mut stays_ready = false;
        let (before, behind) =
            (state.members.range(..=state.last), state.members.range(state.last.saturating_add(1)..));
        let entries = behind.chain(before).filter(|(_, member)| member.is_enabled);
        let numbers: Vec<RawFd> = entries.map(|(fd, _)| *fd).collect();
        let mut fds = vec![PollFd::new(self.waker.as_fd(), PollFlags::POLLIN)];
        fds.extend(numbers.iter().map(|fd| {
            // SAFETY: the number goes to poll() and fstat(), which answer for one that is not open.
            PollFd::new(unsafe { BorrowedFd::borrow_raw(*fd) }, from_interest(state.members[fd].interest))
        }));
        poll_now(&mut fds)?;
        let mut count = 0;
        for fd in fds[1..].iter().filter(|fd| fd.any() == Some(true)) {
            if count == BATCH {
                stays_ready = true;
                break;
            }
            let number = fd.as_fd().as_raw_fd();
            let Some(member) = state.members.get_mut(&number) else {
                continue;
            };
            match to_readiness(fd.revents().unwrap_or(PollFlags::empty())) {
                Some(readiness) if is_file(fd.as_fd(), member.file) && readiness != Readiness::default() => {
                    member.is_enabled = member.trigger == Trigger::Level;
                    stays_ready |= member.is_enabled;
                    count += 1;
                    state.last = number;
                    each(Ready { token: member.token, readiness });
                }
                // Closing a descriptor removes it.
                _ => drop(state.members.remove(&number)),
            }
        }
        let polled = Polled { is_woken: fds[0].any() == Some(true), alarm_expired: state.alarm.has_passed() };
        if polled.is_woken {
            self.waker.drain();
        }
        if polled.alarm_expired {
            state.alarm = Deadline::NEVER;
        }
        if state.clock.has_passed() {
            state.clock = Deadline::after(Some(CLOCK_INTERVAL));
        }
        if stays_ready {
            self.doorbell.wake();
        } else {
            self.doorbell.drain();
            state.is_armed = true;
        }
        Ok((polled, !stays_ready))
    }

    /// Adds what the thread is to sleep on for this poller.
    pub(super) fn collect(&self, entries: &mut HashMap<RawFd, PollFlags>, deadline: &mut Option<Deadline>) {
        let state = lock(&self.state);
        if !state.is_armed {
            return;
        }
        let own = (self.waker.as_fd().as_raw_fd(), PollFlags::POLLIN);
        let members = state.members.iter().filter(|(_, member)| member.is_enabled);
        for (fd, flags) in members.map(|(fd, member)| (*fd, from_interest(member.interest))).chain([own]) {
            *entries.entry(fd).or_insert(PollFlags::empty()) |= flags;
        }
        let own = state.alarm.earlier(state.clock);
        *deadline = Some(deadline.map_or(own, |other| other.earlier(own)));
    }

    /// Makes the doorbell readable if one of the `ready` numbers is a member, or a deadline has passed.
    pub(super) fn notify_if_ready(&self, ready: &HashMap<RawFd, PollFlags>) {
        let mut state = lock(&self.state);
        if !state.is_armed {
            return;
        }
        let always = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
        let is_ready = ready.contains_key(&self.waker.as_fd().as_raw_fd())
            || state.alarm.has_passed()
            || state.clock.has_passed()
            || ready.iter().any(|(fd, revents)| {
                let member = state.members.get(fd).filter(|member| member.is_enabled);
                member.is_some_and(|member| revents.intersects(from_interest(member.interest) | always))
            });
        if is_ready {
            state.is_armed = false;
            self.doorbell.wake();
        }
    }

    /// Has the next poll fail.
    pub(super) fn fail(&self, error: &io::Error) {
        let mut state = lock(&self.state);
        if mem::replace(&mut state.is_armed, false) {
            state.error = Some(error.raw_os_error().unwrap_or(Errno::EIO as i32));
            self.doorbell.wake();
        }
    }
}
