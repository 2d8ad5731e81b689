//! A process that has used up its descriptors. The test runs in a process of its own, which is that process.
#![cfg(all(unix, not(loom)))]

mod common;

use std::fs::File;
use std::io;
use std::time::Duration;

use common::{Outcome, TIMEOUT};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc::rlim_t;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use waitable_event::sys::{Interrupter, descriptor};
use waitable_event::{Error, Event, Poller};

const LIMIT: rlim_t = 64;

/// Returns how many descriptors are open, without /proc, which takes a descriptor to read.
fn open_descriptors() -> io::Result<usize> {
    let mut count = 0;
    for number in 0..i32::try_from(LIMIT).unwrap_or(i32::MAX) {
        // SAFETY: fcntl() answers EBADF for a number that is not open.
        let fd = unsafe { descriptor::borrow(number) }?;
        count += usize::from(fcntl(fd, FcntlArg::F_GETFD).is_ok());
    }
    Ok(count)
}

fn is_emfile<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Io(error)) if error.raw_os_error() == Some(Errno::EMFILE as i32))
}

/// Whether a thread is woken by an eventfd.
const HAS_EVENTFD: bool = cfg!(all(target_os = "linux", not(waitable_kqueue_stand_in)));

#[test]
fn without_descriptors_new_fails_and_leaks_nothing_and_old_events_work() -> Outcome {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, LIMIT.min(hard), hard)?;
    let old = Event::new()?;
    // The first poller of a process makes what all of them share.
    drop(Poller::new()?);
    let before = open_descriptors()?;
    let poller = Poller::new()?;
    let poller_needs = open_descriptors()? - before;
    drop(poller);
    let mut files = Vec::new();
    let full = loop {
        match File::open("/dev/null") {
            Ok(file) => files.push(file),
            Err(error) => break error,
        }
    };
    assert_eq!(full.raw_os_error(), Some(Errno::EMFILE as i32));

    assert!(is_emfile(&Event::new()));
    old.set()?;
    assert!(old.wait(Some(TIMEOUT))?, "a set event needs nothing to wait for");
    old.clear()?;
    assert!(!old.wait(Some(Duration::ZERO))?, "a probe needs nothing either");
    assert!(is_emfile(&old.wait(Some(TIMEOUT))), "a sleep does, on a thread that never slept before");

    for free in 1..=6 {
        files.pop();
        let before = open_descriptors()?;
        assert_eq!(Event::new().is_ok(), free >= 2);
        // An eventfd, or a pipe.
        assert_eq!(Interrupter::new().is_ok(), free >= if HAS_EVENTFD { 1 } else { 2 });
        assert_eq!(Poller::new().is_ok(), free >= poller_needs);
        assert_eq!(open_descriptors()?, before, "with {free} descriptors free");
    }
    assert!(!old.wait(Some(Duration::from_millis(1)))?, "the thread can sleep as soon as there are descriptors");
    Ok(())
}
