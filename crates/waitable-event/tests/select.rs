//! The wait for many descriptors.
#![cfg(all(unix, not(loom)))]

mod common;

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Outcome, TIMEOUT, Watchdog, join};
use nix::errno::Errno;
use nix::unistd::pipe;
use waitable_event::sys::{Interrupter, Looks, Member, Parker, select};
use waitable_event::{Deadline, Event, Interest, Readiness, Wake};

const WRITABLE: Interest = Interest { readable: false, writable: true, priority: false };
const PRIORITY: Interest = Interest { readable: false, writable: false, priority: true };

fn member(fd: RawFd, interest: Interest) -> Member {
    Member { fd, interest, readiness: Readiness::default() }
}

fn select_within(members: &mut [Member], timeout: Duration) -> io::Result<Option<usize>> {
    let interrupter = Arc::new(Interrupter::new()?);
    let parker = Parker { interrupter: &interrupter, looks: None, spin: None };
    select(members, &parker, Deadline::after(Some(timeout)))
}

fn reader(event: &Event) -> Outcome<RawFd> {
    Ok(event.signal().doorbell()?.reader_fileno())
}

#[test]
fn the_set_one_of_two_events_is_ready() -> Outcome {
    let [clear, set] = [Event::new()?, Event::new()?];
    set.set()?;
    let mut members = [member(reader(&clear)?, Interest::READABLE), member(reader(&set)?, Interest::READABLE)];
    assert_eq!(select_within(&mut members, TIMEOUT)?, Some(1));
    assert_eq!(members.map(|member| member.readiness.readable), [false, true]);
    Ok(())
}

#[test]
fn an_event_that_another_thread_sets_ends_the_wait() -> Outcome {
    let _watchdog = Watchdog::new("an_event_that_another_thread_sets_ends_the_wait");
    let event = Event::new()?;
    let mut members = [member(reader(&event)?, Interest::READABLE)];
    let setter = thread::spawn({
        let event = event.clone();
        move || event.set()
    });
    assert_eq!(select_within(&mut members, TIMEOUT)?, Some(1));
    join(setter)?;
    assert!(event.is_set()?, "polling does not clear");
    Ok(())
}

#[test]
fn a_timeout_never_ends_early_and_zero_probes() -> Outcome {
    let event = Event::new()?;
    let mut members = [member(reader(&event)?, Interest::READABLE)];
    let timeout = Duration::from_micros(2_300);
    let before = Instant::now();
    assert_eq!(select_within(&mut members, timeout)?, Some(0));
    assert!(before.elapsed() >= timeout);
    assert_eq!(select_within(&mut members, Duration::ZERO)?, Some(0));
    event.set()?;
    assert_eq!(select_within(&mut members, Duration::ZERO)?, Some(1));
    let before = Instant::now();
    assert_eq!(select_within(&mut [], timeout)?, Some(0), "of no descriptors none is ready");
    assert!(before.elapsed() >= timeout);
    Ok(())
}

#[test]
fn readable_and_writable_are_told_apart_and_one_descriptor_may_be_given_twice() -> Outcome {
    let (near, far) = UnixStream::pair()?;
    let fd = near.as_raw_fd();
    let mut members = [member(fd, Interest::READABLE), member(fd, WRITABLE)];
    assert_eq!(select_within(&mut members, TIMEOUT)?, Some(1));
    assert!(!members[0].readiness.satisfies(members[0].interest));
    assert!(members[1].readiness.writable);
    io::Write::write_all(&mut &far, b"x")?;
    assert_eq!(select_within(&mut members, TIMEOUT)?, Some(2));
    Ok(())
}

#[test]
fn a_hang_up_is_readable_and_an_error_is_writable() -> Outcome {
    let (reader, writer) = pipe()?;
    drop(writer);
    let mut members = [member(reader.as_raw_fd(), Interest::READABLE)];
    assert_eq!(select_within(&mut members, TIMEOUT)?, Some(1));
    assert!(members[0].readiness.hang_up);

    let (reader, writer) = pipe()?;
    drop(reader);
    let mut members = [member(writer.as_raw_fd(), WRITABLE)];
    assert_eq!(select_within(&mut members, TIMEOUT)?, Some(1));
    assert!(members[0].readiness.error);
    Ok(())
}

#[test]
fn a_hang_up_that_was_not_asked_for_neither_ends_the_wait_nor_hides_the_others() -> Outcome {
    let (hung_up, writer) = pipe()?;
    drop(writer);
    let event = Event::new()?;
    let mut members = [
        member(hung_up.as_raw_fd(), WRITABLE),
        member(hung_up.as_raw_fd(), PRIORITY),
        member(reader(&event)?, Interest::READABLE),
    ];
    let timeout = Duration::from_millis(20);
    let before = Instant::now();
    assert_eq!(select_within(&mut members, timeout)?, Some(0));
    assert!(before.elapsed() >= timeout);
    event.set()?;
    assert_eq!(select_within(&mut members, TIMEOUT)?, Some(1));
    assert!(members[2].readiness.readable);
    Ok(())
}

#[test]
fn a_number_that_is_not_open_is_a_bad_descriptor() -> Outcome {
    let event = Event::new()?;
    event.set()?;
    for bad in [-1, i32::MIN, i32::MAX] {
        let mut members = [member(reader(&event)?, Interest::READABLE), member(bad, Interest::READABLE)];
        let outcome = select_within(&mut members, TIMEOUT);
        assert_eq!(outcome.err().and_then(|error| error.raw_os_error()), Some(Errno::EBADF as i32), "{bad}");
    }
    Ok(())
}

#[test]
fn a_call_to_the_parker_does_not_end_the_wait_but_the_end_of_its_thread_does() -> Outcome {
    let _watchdog = Watchdog::new("a_call_to_the_parker_does_not_end_the_wait_but_the_end_of_its_thread_does");
    let event = Event::new()?;
    let mut members = [member(reader(&event)?, Interest::READABLE)];
    let interrupter = Arc::new(Interrupter::new()?);
    interrupter.wake();
    let timeout = Duration::from_millis(5);
    let before = Instant::now();
    let parker = Parker { interrupter: &interrupter, looks: None, spin: None };
    assert_eq!(select(&mut members, &parker, Deadline::after(Some(timeout)))?, Some(0));
    assert!(before.elapsed() >= timeout);

    let asked = AtomicUsize::new(0);
    let is_ending = || asked.fetch_add(1, Ordering::Relaxed) == 2;
    let looks = Some(Looks { is_ending: &is_ending, are_needed: &|| true, has_request: &|| None });
    let parker = Parker { interrupter: &interrupter, looks, spin: None };
    assert_eq!(select(&mut members, &parker, Deadline::NEVER)?, None);
    assert_eq!(asked.into_inner(), 3);
    Ok(())
}
