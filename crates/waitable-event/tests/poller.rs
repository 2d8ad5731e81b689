//! What a poller promises, whatever the system has for it: the same tests for epoll, kqueue and poll().
#![cfg(all(unix, not(loom)))]

mod common;

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use common::{Outcome, TIMEOUT, Watchdog};
use nix::errno::Errno;
use nix::unistd::{dup2, pipe, read, write};
use waitable_event::{Deadline, Interest, Poller, Readiness, Ready, Trigger};

const BOTH: Interest = Interest { readable: true, writable: true, priority: false };
const WRITABLE: Interest = Interest { readable: false, writable: true, priority: false };
const NOTHING: Interest = Interest { readable: false, writable: false, priority: false };

fn poll(poller: &Poller) -> io::Result<Vec<Ready>> {
    let mut ready = Vec::new();
    poller.poll(&mut ready)?;
    Ok(ready)
}

/// Sleeps until the poller is ready, and returns what it reports.
fn next(poller: &Poller) -> io::Result<Vec<Ready>> {
    let deadline = Deadline::after(Some(TIMEOUT));
    loop {
        assert!(poller.wait(deadline)?, "the poller did not become ready");
        let ready = poll(poller)?;
        // A wake-up without a reason is allowed.
        if !ready.is_empty() {
            return Ok(ready);
        }
    }
}

fn is(error: io::Result<()>, expected: Errno) -> bool {
    error.is_err_and(|error| error.raw_os_error() == Some(expected as i32))
}

fn empty(reader: &OwnedFd) -> nix::Result<usize> {
    read(reader, &mut [0; 64])
}

#[test]
fn a_descriptor_is_taken_once_and_one_that_is_gone_is_not_there() -> Outcome {
    let poller = Poller::new()?;
    let (reader, writer) = pipe()?;
    poller.add(reader.as_fd(), 1, Interest::READABLE, Trigger::Level)?;
    assert!(is(poller.add(reader.as_fd(), 2, Interest::READABLE, Trigger::Level), Errno::EEXIST));
    let (other, other_writer) = pipe()?;
    assert!(is(poller.modify(other.as_fd(), 1, Interest::READABLE, Trigger::Level), Errno::ENOENT));
    // The number of the first pipe becomes the second one's.
    let mut number = reader;
    dup2(&other, &mut number)?;
    drop(writer);
    assert!(is(poller.modify(number.as_fd(), 1, Interest::READABLE, Trigger::Level), Errno::ENOENT));
    poller.add(number.as_fd(), 3, Interest::READABLE, Trigger::Level)?;
    write(&other_writer, b"x")?;
    assert_eq!(next(&poller)?.iter().map(|ready| ready.token).collect::<Vec<_>>(), [3]);
    // SAFETY: goes to calls that answer EBADF.
    let closed = unsafe { BorrowedFd::borrow_raw(1_000_000) };
    assert!(is(poller.add(closed, 4, Interest::READABLE, Trigger::Level), Errno::EBADF));
    assert!(is(poller.modify(closed, 4, Interest::READABLE, Trigger::Level), Errno::EBADF));
    poller.remove(closed)?;
    Ok(())
}

#[test]
fn a_file_is_refused_because_it_is_always_ready() -> Outcome {
    let poller = Poller::new()?;
    let file = File::open(std::env::current_exe()?)?;
    assert!(is(poller.add(file.as_fd(), 1, Interest::READABLE, Trigger::Level), Errno::EPERM));
    Ok(())
}

#[test]
fn two_conditions_of_a_descriptor_are_one_report_and_one_shot_ends_both() -> Outcome {
    let _watchdog = Watchdog::new("two_conditions_of_a_descriptor_are_one_report_and_one_shot_ends_both");
    let poller = Poller::new()?;
    let (near, far) = UnixStream::pair()?;
    write(&far, b"x")?;
    let both = Readiness { readable: true, writable: true, ..Readiness::default() };
    poller.add(near.as_fd(), 7, BOTH, Trigger::Level)?;
    for _ in 0..3 {
        assert_eq!(next(&poller)?, [Ready { token: 7, readiness: both }]);
    }
    poller.remove(near.as_fd())?;
    poller.add(near.as_fd(), 8, BOTH, Trigger::OneShot)?;
    assert_eq!(next(&poller)?, [Ready { token: 8, readiness: both }]);
    write(&far, b"x")?;
    assert_eq!(poll(&poller)?, []);
    poller.modify(near.as_fd(), 9, WRITABLE, Trigger::OneShot)?;
    let writable = Readiness { writable: true, ..Readiness::default() };
    assert_eq!(next(&poller)?, [Ready { token: 9, readiness: writable }]);
    assert_eq!(poll(&poller)?, []);
    Ok(())
}

#[test]
fn interest_comes_and_goes() -> Outcome {
    let _watchdog = Watchdog::new("interest_comes_and_goes");
    let poller = Poller::new()?;
    let (near, far) = UnixStream::pair()?;
    poller.add(near.as_fd(), 1, NOTHING, Trigger::Level)?;
    write(&far, b"x")?;
    assert_eq!(poll(&poller)?, []);
    poller.modify(near.as_fd(), 1, Interest::READABLE, Trigger::Level)?;
    assert!(next(&poller)?[0].readiness.readable);
    poller.modify(near.as_fd(), 1, WRITABLE, Trigger::Level)?;
    let [report] = next(&poller)?[..] else { return Err("one report".into()) };
    assert_eq!((report.readiness.readable, report.readiness.writable), (false, true));
    poller.modify(near.as_fd(), 1, NOTHING, Trigger::Level)?;
    assert_eq!(poll(&poller)?, []);
    // What has changed between the calls is found by the one that asks again.
    let (reader, writer) = pipe()?;
    poller.add(reader.as_fd(), 2, Interest::READABLE, Trigger::OneShot)?;
    write(&writer, b"x")?;
    assert_eq!(next(&poller)?.len(), 1);
    empty(&reader)?;
    poller.modify(reader.as_fd(), 2, Interest::READABLE, Trigger::OneShot)?;
    assert_eq!(poll(&poller)?, []);
    write(&writer, b"x")?;
    assert_eq!(next(&poller)?.len(), 1);
    Ok(())
}

#[test]
fn the_end_of_a_pipe_is_told_from_data_and_a_pipe_without_readers_is_an_error() -> Outcome {
    let _watchdog = Watchdog::new("the_end_of_a_pipe_is_told_from_data_and_a_pipe_without_readers_is_an_error");
    let poller = Poller::new()?;
    let (reader, writer) = pipe()?;
    poller.add(reader.as_fd(), 1, Interest::READABLE, Trigger::Level)?;
    write(&writer, b"x")?;
    drop(writer);
    let ended = Readiness { readable: true, hang_up: true, ..Readiness::default() };
    assert_eq!(next(&poller)?, [Ready { token: 1, readiness: ended }]);
    empty(&reader)?;
    let ended = Readiness { hang_up: true, ..Readiness::default() };
    assert_eq!(next(&poller)?, [Ready { token: 1, readiness: ended }]);
    poller.remove(reader.as_fd())?;

    // One that breaks while it is there, and one that is broken when it comes.
    for is_late in [false, true] {
        for trigger in [Trigger::Level, Trigger::OneShot] {
            let (reader, writer) = pipe()?;
            if is_late {
                drop(reader);
                poller.add(writer.as_fd(), 2, WRITABLE, trigger)?;
            } else {
                poller.add(writer.as_fd(), 2, NOTHING, trigger)?;
                drop(reader);
                poller.modify(writer.as_fd(), 2, WRITABLE, trigger)?;
            }
            for _ in 0..3 {
                let [report] = next(&poller)?[..] else { return Err("one report".into()) };
                assert!(report.token == 2 && report.readiness.error, "{report:?}");
                if trigger == Trigger::OneShot {
                    assert_eq!(poll(&poller)?, []);
                    poller.modify(writer.as_fd(), 2, WRITABLE, trigger)?;
                }
            }
            poller.remove(writer.as_fd())?;
            assert_eq!(poll(&poller)?, []);
        }
    }
    Ok(())
}

#[test]
fn a_poller_within_a_poller_is_ready_while_it_has_something_to_report() -> Outcome {
    let _watchdog = Watchdog::new("a_poller_within_a_poller_is_ready_while_it_has_something_to_report");
    let [outer, middle, inner] = [Poller::new()?, Poller::new()?, Poller::new()?];
    outer.add(middle.as_fd(), 1, Interest::READABLE, Trigger::Level)?;
    middle.add(inner.as_fd(), 2, Interest::READABLE, Trigger::Level)?;
    let (reader, writer) = pipe()?;
    inner.add(reader.as_fd(), 3, Interest::READABLE, Trigger::Level)?;
    for _ in 0..10 {
        write(&writer, b"x")?;
        assert_eq!(next(&outer)?[0].token, 1);
        assert_eq!(next(&middle)?[0].token, 2);
        assert_eq!(next(&inner)?[0].token, 3);
        empty(&reader)?;
        // A wake-up too many at each level, none too few.
        for poller in [&inner, &middle, &outer] {
            poll(poller)?;
        }
        assert_eq!(poll(&inner)?, []);
    }
    Ok(())
}

#[test]
fn of_more_members_than_one_poll_reports_each_has_its_turn() -> Outcome {
    let _watchdog = Watchdog::new("of_more_members_than_one_poll_reports_each_has_its_turn");
    const COUNT: usize = 400;
    let poller = Poller::new()?;
    let pipes = (0..COUNT).map(|_| pipe()).collect::<nix::Result<Vec<_>>>()?;
    for (token, (_, writer)) in pipes.iter().enumerate() {
        poller.add(writer.as_fd(), token as u64, WRITABLE, Trigger::Level)?;
    }
    let mut reported = vec![0; COUNT];
    for _ in 0..6 {
        next(&poller)?.iter().for_each(|ready| reported[ready.token as usize] += 1);
    }
    assert!(reported.iter().all(|count| *count >= 2), "{reported:?}");
    Ok(())
}
