//! One kqueue: its events, and the entries of the epoll that stand for them.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::{
    EV_ADD, EV_CLEAR, EV_DELETE, EV_DISABLE, EV_DISPATCH, EV_ENABLE, EV_EOF, EV_ONESHOT, EVFILT_EXCEPT, EVFILT_READ,
    EVFILT_TIMER, EVFILT_WRITE, NOTE_NSECONDS, kevent as Event,
};

/// Marks the data of an entry that is a timer's.
const TIMER: u64 = 1 << 32;

const FILTERS: [i16; 3] = [EVFILT_READ, EVFILT_WRITE, EVFILT_EXCEPT];

pub(crate) struct Queue {
    epoll: c_int,
    notes: BTreeMap<(usize, i16), Note>,
    timers: BTreeMap<usize, OwnedFd>,
}

struct Note {
    /// As it was added: with its flags and its `udata`.
    event: Event,
    is_enabled: bool,
}

pub(crate) fn last_error() -> c_int {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}

/// `epoll_ctl(2)`.
pub(crate) fn control(epoll: c_int, operation: c_int, fd: c_int, events: u32, data: u64) -> Result<(), c_int> {
    let mut event = libc::epoll_event { events, u64: data };
    // SAFETY: the kernel reads the event.
    match unsafe { libc::epoll_ctl(epoll, operation, fd, &mut event) } {
        0 => Ok(()),
        _ => Err(last_error()),
    }
}

impl Queue {
    pub(crate) fn new(epoll: c_int) -> Queue {
        Queue { epoll, notes: BTreeMap::new(), timers: BTreeMap::new() }
    }

    pub(crate) fn change(&mut self, change: &Event) -> Result<(), c_int> {
        match change.filter {
            EVFILT_TIMER => self.change_timer(change),
            filter if FILTERS.contains(&filter) && change.flags & EV_CLEAR == 0 => self.change_descriptor(change),
            _ => Err(libc::EINVAL),
        }
    }

    fn has(&self, ident: usize) -> bool {
        FILTERS.iter().any(|filter| self.notes.contains_key(&(ident, *filter)))
    }

    /// Has the epoll poll `ident` for what its events want. ENOENT when the number is not the descriptor any more.
    fn update(&self, ident: usize) -> Result<(), c_int> {
        let mut mask = 0;
        for (filter, bits) in [
            (EVFILT_READ, libc::EPOLLIN | libc::EPOLLRDHUP),
            (EVFILT_WRITE, libc::EPOLLOUT),
            (EVFILT_EXCEPT, libc::EPOLLPRI),
        ] {
            if self.notes.get(&(ident, filter)).is_some_and(|note| note.is_enabled) {
                mask |= bits as u32;
            }
        }
        // An epoll always polls for a hang-up, which nothing here wants to hear of.
        let mask = if mask == 0 { libc::EPOLLET as u32 } else { mask };
        control(self.epoll, libc::EPOLL_CTL_MOD, ident as c_int, mask, ident as u64)
    }

    fn change_descriptor(&mut self, change: &Event) -> Result<(), c_int> {
        let key = (change.ident, change.filter);
        let fd = c_int::try_from(change.ident).map_err(|_| libc::EBADF)?;
        // Closing a descriptor removes its events.
        if self.has(change.ident) && self.update(change.ident).is_err() {
            self.notes.retain(|(ident, filter), _| *ident != change.ident || *filter == EVFILT_TIMER);
        }
        // SAFETY: reads flags, or fails.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
            return Err(libc::EBADF);
        }
        if change.flags & EV_DELETE != 0 {
            self.notes.remove(&key).ok_or(libc::ENOENT)?;
            return match self.has(change.ident) {
                true => self.update(change.ident),
                false => control(self.epoll, libc::EPOLL_CTL_DEL, fd, 0, 0),
            };
        }
        if !self.notes.contains_key(&key) {
            if change.flags & EV_ADD == 0 {
                return Err(libc::ENOENT);
            }
            if change.filter == EVFILT_WRITE && is_broken_pipe(fd) {
                return Err(libc::EPIPE);
            }
            if !self.has(change.ident) {
                control(self.epoll, libc::EPOLL_CTL_ADD, fd, libc::EPOLLET as u32, change.ident as u64)?;
            }
            self.notes.insert(key, Note { event: *change, is_enabled: true });
        }
        if let Some(note) = self.notes.get_mut(&key) {
            // The flags stay as they were when the event was added.
            note.event.udata = change.udata;
            if change.flags & (EV_ENABLE | EV_ADD) != 0 {
                note.is_enabled = true;
            }
            if change.flags & EV_DISABLE != 0 {
                note.is_enabled = false;
            }
        }
        self.update(change.ident)
    }

    fn change_timer(&mut self, change: &Event) -> Result<(), c_int> {
        let key = (change.ident, EVFILT_TIMER);
        if change.flags & EV_DELETE != 0 {
            self.notes.remove(&key).ok_or(libc::ENOENT)?;
            return self.set_timer(change.ident, 0, false);
        }
        // Nothing else is needed here.
        if change.flags & EV_ADD == 0 || change.fflags != NOTE_NSECONDS || change.data < 0 {
            return Err(libc::EINVAL);
        }
        if !self.timers.contains_key(&change.ident) {
            let flags = libc::TFD_CLOEXEC | libc::TFD_NONBLOCK;
            // SAFETY: makes a descriptor.
            let timer = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, flags) };
            if timer < 0 {
                return Err(last_error());
            }
            // SAFETY: just made.
            let timer = unsafe { OwnedFd::from_raw_fd(timer) };
            let data = TIMER | change.ident as u64;
            control(self.epoll, libc::EPOLL_CTL_ADD, timer.as_raw_fd(), libc::EPOLLIN as u32, data)?;
            self.timers.insert(change.ident, timer);
        }
        // A timer that is added again is set again, and what is pending of it is dropped.
        self.set_timer(change.ident, change.data.max(1) as i64, change.flags & EV_ONESHOT == 0)?;
        self.notes.insert(key, Note { event: *change, is_enabled: true });
        Ok(())
    }

    /// Sets a timer; zero stops it. Its descriptor stays until the kqueue is closed.
    fn set_timer(&self, ident: usize, nanoseconds: i64, is_periodic: bool) -> Result<(), c_int> {
        let Some(timer) = self.timers.get(&ident) else {
            return Ok(());
        };
        let time = libc::timespec { tv_sec: nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000 };
        let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let value = libc::itimerspec { it_interval: if is_periodic { time } else { zero }, it_value: time };
        // SAFETY: reads the value.
        match unsafe { libc::timerfd_settime(timer.as_raw_fd(), 0, &value, std::ptr::null_mut()) } {
            0 => Ok(()),
            _ => Err(last_error()),
        }
    }

    /// Returns what is pending: at most `capacity` events.
    pub(crate) fn take_events(&mut self, capacity: usize) -> Result<Vec<Event>, c_int> {
        let mut entries = vec![libc::epoll_event { events: 0, u64: 0 }; capacity];
        // SAFETY: the kernel writes at most so many entries.
        let count = unsafe { libc::epoll_wait(self.epoll, entries.as_mut_ptr(), capacity as c_int, 0) };
        if count < 0 {
            return Err(last_error());
        }
        let mut events = Vec::new();
        for libc::epoll_event { events: ready, u64: data } in entries.into_iter().take(count as usize) {
            // An entry of the epoll may be three events. What has no room stays, and is reported the next time.
            if events.len() + self.count_enabled((data & !TIMER) as usize) > capacity {
                continue;
            }
            if data & TIMER != 0 {
                self.take_timer((data & !TIMER) as usize, &mut events);
            } else {
                self.take_descriptor(data as usize, ready as c_int, &mut events);
            }
        }
        Ok(events)
    }

    fn count_enabled(&self, ident: usize) -> usize {
        let notes = FILTERS.iter().filter_map(|filter| self.notes.get(&(ident, *filter)));
        notes.filter(|note| note.is_enabled).count().max(1)
    }

    fn take_timer(&mut self, ident: usize, events: &mut Vec<Event>) {
        let (Some(timer), Some(note)) = (self.timers.get(&ident), self.notes.get(&(ident, EVFILT_TIMER))) else {
            return;
        };
        let mut count = 0_u64;
        // SAFETY: eight bytes of ours.
        if unsafe { libc::read(timer.as_raw_fd(), (&raw mut count).cast(), size_of::<u64>()) } < 0 {
            return;
        }
        events.push(Event { data: 0, ..note.event });
        if note.event.flags & EV_ONESHOT != 0 {
            self.notes.remove(&(ident, EVFILT_TIMER));
        }
    }

    fn take_descriptor(&mut self, ident: usize, ready: c_int, events: &mut Vec<Event>) {
        let ended = libc::EPOLLHUP | libc::EPOLLERR;
        let mut has_changed = false;
        for (filter, bits, end) in [
            (EVFILT_READ, libc::EPOLLIN, ended | libc::EPOLLRDHUP),
            (EVFILT_WRITE, libc::EPOLLOUT, ended),
            (EVFILT_EXCEPT, libc::EPOLLPRI, ended),
        ] {
            let Some(note) = self.notes.get_mut(&(ident, filter)) else {
                continue;
            };
            if !note.is_enabled || ready & (bits | end) == 0 {
                continue;
            }
            let flags = if ready & end == 0 { 0 } else { EV_EOF };
            events.push(Event { flags: note.event.flags | flags, data: 0, ..note.event });
            if note.event.flags & EV_DISPATCH != 0 {
                note.is_enabled = false;
                has_changed = true;
            }
            if note.event.flags & EV_ONESHOT != 0 {
                self.notes.remove(&(ident, filter));
                has_changed = true;
            }
        }
        if has_changed {
            let _ = match self.has(ident) {
                true => self.update(ident),
                false => control(self.epoll, libc::EPOLL_CTL_DEL, ident as c_int, 0, 0),
            };
        }
    }
}

/// Returns whether `fd` is the write side of a pipe without readers.
fn is_broken_pipe(fd: c_int) -> bool {
    let mut polled = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
    // SAFETY: the kernel reads and writes one entry.
    let polls = unsafe { libc::poll(&mut polled, 1, 0) } == 1 && polled.revents & libc::POLLERR != 0;
    // SAFETY: all zeroes are a `stat`, which the kernel fills.
    unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        polls && libc::fstat(fd, &mut stat) == 0 && stat.st_mode & libc::S_IFMT == libc::S_IFIFO
    }
}
