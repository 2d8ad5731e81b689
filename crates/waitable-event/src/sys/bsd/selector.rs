//! Keeps the promises of a poller: descriptors, an alarm, wake-ups from other threads and changes of the wall clock
//! behind one descriptor. A kqueue with a pipe for the wake-ups, and EVFILT_TIMER for the alarm.
//!
//! It behaves as an epoll does, as far as callers can tell: a descriptor that is there already is EEXIST, one that is
//! gone is ENOENT, regular files are EPERM, and all conditions of a descriptor are one report. For that it keeps a
//! table of its members by number. The kernel drops the events of a descriptor that is closed; the table learns of it
//! when the number is used again, because changes of an event that is not there fail.
//!
//! Hang-ups and errors are reported with the conditions of interest alone, and not beside them as by epoll: a
//! descriptor without interest reports nothing. What has ended (EV_EOF) is asked of poll(), which tells a hang-up from
//! an error.

use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{self, isatty};

use super::clock_watch::ClockWatch;
use super::filters::{Changes, Filters, Member};
use super::kqueue::{Event, Kqueue, event, system};
use crate::readiness::{Interest, Polled, Readiness, Ready, Trigger};
use crate::sync::lock;
use crate::sys::native::poll_now;
use crate::sys::unix::poll_flags::{from_interest, to_readiness};
use crate::sys::unix::waker::Waker;

/// The number of events that one poll reads at most. The kernel reports the rest in the next one.
const BATCH: usize = 256;

/// The timers, which have numbers of their own.
const ALARM: usize = 1;
const CLOCK: usize = 2;

/// The time from one comparison of the clocks to the next, where the system does not tell that the clock was set.
const CLOCK_INTERVAL: Duration = Duration::from_secs(1);

/// The longest delay of an alarm. Nanoseconds have to fit.
const LONGEST: Duration = Duration::from_secs(i32::MAX as u64);

/// See `unix/selector.rs`.
#[derive(Debug)]
pub(crate) struct Selector {
    kqueue: Kqueue,
    waker: Arc<Waker>,
    clock: OnceLock<Option<ClockWatch>>,
    /// Locked during each call of kevent() for a member: table and kqueue change together.
    members: Mutex<HashMap<RawFd, Member>>,
}

impl Selector {
    /// The name by which `WAITABLE_EVENT_POLLER` asks for it.
    pub(crate) const NAME: &str = "kqueue";

    /// Returns whether a kqueue reports another one, which is ready.
    pub(crate) fn reports_nested(ready: BorrowedFd<'_>) -> io::Result<bool> {
        let outer = Kqueue::new()?;
        watch(&outer, ready)?;
        Ok(!outer.poll(&mut [MaybeUninit::uninit()])?.is_empty())
    }

    pub(crate) fn new() -> io::Result<Selector> {
        let kqueue = Kqueue::new()?;
        let waker = Waker::new()?;
        watch(&kqueue, waker.as_fd())?;
        Ok(Selector { kqueue, waker: Arc::new(waker), clock: OnceLock::new(), members: Mutex::default() })
    }

    pub(crate) fn add(&self, fd: BorrowedFd<'_>, token: u64, interest: Interest, trigger: Trigger) -> io::Result<()> {
        let kind = SFlag::from_bits_truncate(fstat(fd)?.st_mode) & SFlag::S_IFMT;
        if matches!(kind, SFlag::S_IFREG | SFlag::S_IFDIR | SFlag::S_IFBLK) {
            // Always ready. A kqueue would report a file that has grown.
            return Err(Errno::EPERM.into());
        }
        let mut members = lock(&self.members);
        let number = fd.as_raw_fd();
        if members.get(&number).is_some_and(|member| self.is_present(number, member)) {
            return Err(Errno::EEXIST.into());
        }
        let mut member = Member {
            token,
            interest,
            trigger,
            is_socket: kind == SFlag::S_IFSOCK,
            present: Filters::NONE,
            enabled: Filters::NONE,
            is_broken: false,
        };
        match self.apply(number, &mut member) {
            Ok(()) => {
                members.insert(number, member);
                Ok(())
            }
            // A device without events, such as /dev/null: as a file.
            Err(_) if kind == SFlag::S_IFCHR && !isatty(fd).unwrap_or(false) => Err(Errno::EPERM.into()),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn modify(
        &self,
        fd: BorrowedFd<'_>,
        token: u64,
        interest: Interest,
        trigger: Trigger,
    ) -> io::Result<()> {
        let mut members = lock(&self.members);
        let number = fd.as_raw_fd();
        let Some(before) = members.remove(&number) else {
            // EBADF if the number is not open.
            fstat(fd)?;
            return Err(Errno::ENOENT.into());
        };
        let mut member = Member { token, interest, trigger, ..before };
        if member.trigger != before.trigger {
            // A change of an event leaves its flags.
            self.drop_events(number, &member);
            member.present = Filters::NONE;
        }
        self.apply(number, &mut member)?;
        members.insert(number, member);
        Ok(())
    }

    /// Removes a descriptor. One that is not there any more is no error: closing it removed it.
    pub(crate) fn remove(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        let mut members = lock(&self.members);
        if let Some(member) = members.remove(&fd.as_raw_fd()) {
            self.drop_events(fd.as_raw_fd(), &member);
        }
        Ok(())
    }

    /// Returns whether the number still is the descriptor whose events the kqueue has. Changes nothing.
    fn is_present(&self, fd: RawFd, member: &Member) -> bool {
        member.present.each().next().is_some_and(|filter| {
            let is_enabled = member.enabled.contains(filter);
            let flags = if is_enabled { system::EV_ENABLE } else { system::EV_DISABLE };
            matches!(self.kqueue.change([filter.change(fd, flags)]), Ok([0]))
        })
    }

    fn drop_events(&self, fd: RawFd, member: &Member) {
        let mut changes: Vec<Event> =
            member.present.each().map(|filter| filter.change(fd, system::EV_DELETE)).collect();
        // ENOENT or EBADF: the number is another descriptor's, or none.
        let _ = self.kqueue.change_all(&mut changes);
    }

    /// Has the kqueue report what `member` wants. On an error it has no event of the descriptor.
    ///
    /// # Errors
    ///
    /// ENOENT or EBADF when the number is not the descriptor any more whose events the kqueue had.
    fn apply(&self, fd: RawFd, member: &mut Member) -> io::Result<()> {
        let Changes { mut of_present, additions, present, enabled } = Changes::of(member, fd);
        self.kqueue.change_all(&mut of_present)?;
        member.is_broken = false;
        let mut added = Filters::NONE;
        for (filter, addition) in additions {
            match self.kqueue.change([addition])? {
                [0] => added = added.with(filter),
                // The reader of the pipe is gone. It is reported without the kqueue's help.
                [error] if error == Errno::EPIPE as i32 && filter == Filters::WRITE => member.is_broken = true,
                [error] => {
                    self.drop_events(fd, &Member { present: added.with(member.present), ..*member });
                    return Err(io::Error::from_raw_os_error(error));
                }
            }
        }
        member.present = present;
        member.enabled = enabled;
        if member.is_broken {
            member.present = present.without(Filters::WRITE);
            member.enabled = enabled.without(Filters::WRITE);
            if member.present.is_empty() {
                let [error] = self.kqueue.change([Filters::READ.change(fd, system::EV_ADD | system::EV_DISABLE)])?;
                if error != 0 {
                    return Err(io::Error::from_raw_os_error(error));
                }
                member.present = Filters::READ;
            }
            // Makes the kqueue ready for the next poll.
            self.waker.wake();
        }
        Ok(())
    }

    pub(crate) fn set_alarm(&self, delay: Option<Duration>) -> io::Result<()> {
        let Some(delay) = delay else {
            // ENOENT after it was reported.
            self.kqueue.change([event(ALARM, system::EVFILT_TIMER, system::EV_DELETE)])?;
            return Ok(());
        };
        // Sets a timer anew that is there, and drops what is pending of it. If the kernel refuses, that timer stays.
        let mut set = event(ALARM, system::EVFILT_TIMER, system::EV_ADD | system::EV_ONESHOT);
        set.fflags = TIMER;
        set.data = nanoseconds(delay.clamp(Duration::from_nanos(1), LONGEST));
        self.kqueue.change_all(&mut [set])
    }

    pub(crate) fn watch_clock(&self) -> io::Result<()> {
        if self.clock.get().is_some() {
            return Ok(());
        }
        match self.clock.get_or_init(ClockWatch::new) {
            Some(clock) => watch(&self.kqueue, clock.as_fd()),
            None => {
                let mut tick = event(CLOCK, system::EVFILT_TIMER, system::EV_ADD);
                tick.fflags = TIMER;
                tick.data = nanoseconds(CLOCK_INTERVAL);
                self.kqueue.change_all(&mut [tick])
            }
        }
    }

    pub(crate) fn waker(&self) -> &Arc<Waker> {
        &self.waker
    }

    pub(crate) fn poll(&self, mut each: impl FnMut(Ready)) -> io::Result<Polled> {
        let mut events = [const { MaybeUninit::<Event>::uninit() }; BATCH];
        let mut members = lock(&self.members);
        let mut polled = Polled::default();
        let mut reports = Reports::default();
        for event in self.kqueue.poll(&mut events)? {
            if event.filter == system::EVFILT_TIMER {
                polled.alarm_expired |= event.ident == ALARM;
                continue;
            }
            let fd = event.ident as RawFd;
            if fd == self.waker.as_fd().as_raw_fd() {
                polled.is_woken = true;
            } else if let Some(member) = members.get_mut(&fd) {
                reports.add(fd, member, event);
            } else if let Some(Some(clock)) = self.clock.get()
                && fd == clock.as_fd().as_raw_fd()
            {
                // Each notification is a number. That there was one makes the poller ready, with nothing to report.
                let _ = unistd::read(clock, &mut [0; 512]);
            }
        }
        if polled.is_woken {
            // Before the caller looks for what the waker was called for.
            self.waker.drain();
            for (fd, member) in members.iter_mut().filter(|(_, member)| member.is_broken) {
                reports.add_broken(*fd, member);
                if member.is_broken {
                    self.waker.wake();
                }
            }
        }
        for (fd, ready) in reports.0 {
            if let Some(member) = members.get_mut(&fd)
                && member.trigger == Trigger::OneShot
            {
                let mut rest: Vec<Event> =
                    member.enabled.each().map(|filter| filter.change(fd, system::EV_DISABLE)).collect();
                // Fails only for a descriptor that was closed meanwhile.
                let _ = self.kqueue.change_all(&mut rest);
                member.enabled = Filters::NONE;
            }
            each(ready);
        }
        Ok(polled)
    }
}

impl AsFd for Selector {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.kqueue.as_fd()
    }
}

/// The unit of timers. macOS is asked not to delay them to save power.
#[cfg(target_vendor = "apple")]
const TIMER: u32 = system::NOTE_NSECONDS | system::NOTE_CRITICAL;
#[cfg(not(target_vendor = "apple"))]
const TIMER: u32 = system::NOTE_NSECONDS;

/// Returns a duration in the type that the data of a timer has, which differs between systems.
fn nanoseconds<T: TryFrom<u128> + Default>(duration: Duration) -> T {
    let largest = (1_u128 << (8 * size_of::<T>() - 1)) - 1;
    T::try_from(duration.as_nanos().min(largest)).unwrap_or_default()
}

/// Has the kqueue report a descriptor of the selector's own for as long as it is readable.
fn watch(kqueue: &Kqueue, fd: BorrowedFd<'_>) -> io::Result<()> {
    kqueue.change_all(&mut [Filters::READ.change(fd.as_raw_fd(), system::EV_ADD)])
}

/// What a poll reports: one entry for a descriptor, whatever the number of its events.
#[derive(Default)]
struct Reports(Vec<(RawFd, Ready)>);

impl Reports {
    fn add(&mut self, fd: RawFd, member: &mut Member, event: &Event) {
        let filter = Filters::of_event(event);
        let readiness = if event.flags & (system::EV_EOF | system::EV_ERROR) == 0 {
            Readiness {
                readable: filter == Filters::READ,
                writable: filter == Filters::WRITE,
                priority: filter != Filters::READ && filter != Filters::WRITE,
                ..Readiness::default()
            }
        } else {
            ended(fd, member.interest)
        };
        let several = member.present.are_several();
        if member.trigger == Trigger::OneShot {
            member.enabled = member.enabled.without(filter);
        }
        self.merge(fd, Ready { token: member.token, readiness }, several);
    }

    fn add_broken(&mut self, fd: RawFd, member: &mut Member) {
        member.is_broken = member.trigger == Trigger::Level;
        self.merge(fd, Ready { token: member.token, readiness: ended(fd, member.interest) }, true);
    }

    fn merge(&mut self, fd: RawFd, ready: Ready, may_be_there: bool) {
        let present = if may_be_there { self.0.iter_mut().find(|(other, _)| *other == fd) } else { None };
        let Some((_, Ready { readiness, .. })) = present else {
            self.0.push((fd, ready));
            return;
        };
        readiness.readable |= ready.readiness.readable;
        readiness.writable |= ready.readiness.writable;
        readiness.priority |= ready.readiness.priority;
        readiness.hang_up |= ready.readiness.hang_up;
        readiness.error |= ready.readiness.error;
    }
}

/// Returns the readiness of a descriptor whose other side has ended.
fn ended(fd: RawFd, interest: Interest) -> Readiness {
    // SAFETY: poll() answers POLLNVAL for a number that is not open.
    let mut fds = [PollFd::new(unsafe { BorrowedFd::borrow_raw(fd) }, from_interest(interest))];
    let polled = poll_now(&mut fds).ok().and_then(|_| to_readiness(fds[0].revents().unwrap_or(PollFlags::empty())));
    match polled {
        Some(readiness) if readiness != Readiness::default() => readiness,
        _ => Readiness { readable: interest.readable, hang_up: true, ..Readiness::default() },
    }
}
