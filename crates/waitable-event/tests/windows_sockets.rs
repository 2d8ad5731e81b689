//! Sockets as members of a poller and of a select(), on Windows.
#![cfg(all(windows, not(loom)))]

mod common;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::windows::io::AsRawSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use common::{Outcome, TIMEOUT, Watchdog, join};
use waitable_event::sys::{AsDescriptor, Fileno, Interrupter, Member, Parker, descriptor, look, select};
use waitable_event::{Deadline, Event, Interest, Poller, Readiness, Ready, Trigger};

const WRITABLE: Interest = Interest { readable: false, writable: true, priority: false };

/// Returns the two sides of a connection.
fn connection() -> Outcome<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    let (far, _) = listener.accept()?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    Ok((near, far))
}

fn fileno(socket: &TcpStream) -> Outcome<Fileno> {
    Ok(Fileno::try_from(socket.as_raw_socket())?)
}

fn add(poller: &Poller, socket: &TcpStream, token: u64, interest: Interest, trigger: Trigger) -> Outcome {
    // SAFETY: nothing is needed; the socket outlives its place in the poller.
    let fd = unsafe { descriptor::borrow(fileno(socket)?) }?;
    Ok(poller.add(fd, token, interest, trigger)?)
}

fn poll(poller: &Poller) -> Outcome<Vec<Ready>> {
    let mut ready = Vec::new();
    poller.poll(&mut ready)?;
    Ok(ready)
}

/// Sleeps until the poller reports something.
fn next(poller: &Poller) -> Outcome<Vec<Ready>> {
    let deadline = Deadline::after(Some(TIMEOUT));
    loop {
        assert!(poller.wait(deadline)?, "the poller did not become ready");
        let ready = poll(poller)?;
        if !ready.is_empty() {
            return Ok(ready);
        }
    }
}

fn tokens(ready: &[Ready]) -> Vec<u64> {
    let mut tokens: Vec<u64> = ready.iter().map(|ready| ready.token).collect();
    tokens.sort_unstable();
    tokens
}

#[test]
fn a_socket_is_reported_while_it_is_readable_and_no_longer() -> Outcome {
    let _watchdog = Watchdog::new("a_socket_is_reported_while_it_is_readable_and_no_longer");
    let (mut near, mut far) = connection()?;
    let poller = Poller::new()?;
    add(&poller, &near, 1, Interest::READABLE, Trigger::Level)?;
    assert_eq!(poll(&poller)?, []);
    for _ in 0..20 {
        let writer = thread::spawn({
            let mut far = far.try_clone()?;
            move || far.write_all(b"x")
        });
        assert!(next(&poller)?[0].readiness.readable);
        assert_eq!(tokens(&poll(&poller)?), [1], "still");
        join(writer)?;
        near.read_exact(&mut [0])?;
        assert_eq!(poll(&poller)?, []);
    }
    far.write_all(b"xy")?;
    next(&poller)?;
    near.read_exact(&mut [0])?;
    assert_eq!(tokens(&next(&poller)?), [1], "one byte is left");
    near.read_exact(&mut [0])?;
    drop(far);
    assert!(next(&poller)?[0].readiness.readable, "the end is there to be read");
    assert_eq!(near.read(&mut [0])?, 0);
    Ok(())
}

#[test]
fn one_shot_and_changed_interests() -> Outcome {
    let _watchdog = Watchdog::new("one_shot_and_changed_interests");
    let (near, mut far) = connection()?;
    // SAFETY: as in `add`.
    let fd = unsafe { descriptor::borrow(fileno(&near)?) }?;
    let poller = Poller::new()?;
    add(&poller, &near, 1, WRITABLE, Trigger::OneShot)?;
    assert!(next(&poller)?[0].readiness.writable);
    assert_eq!(poll(&poller)?, [], "once");
    poller.modify(fd, 2, Interest::READABLE, Trigger::Level)?;
    assert_eq!(poll(&poller)?, []);
    far.write_all(b"x")?;
    let ready = next(&poller)?;
    assert_eq!(tokens(&ready), [2]);
    assert!(!ready[0].readiness.writable);
    poller.modify(fd, 3, Interest::default(), Trigger::Level)?;
    assert_eq!(poll(&poller)?, [], "nothing is wanted");
    poller.modify(fd, 4, WRITABLE, Trigger::Level)?;
    assert_eq!(tokens(&next(&poller)?), [4]);
    poller.remove(fd)?;
    assert_eq!(poll(&poller)?, []);
    assert!(!poller.wait(Deadline::after(Some(Duration::from_millis(20))))?, "a removed member wakes no one");
    Ok(())
}

#[test]
fn a_poller_in_a_poller_reports_its_socket() -> Outcome {
    let _watchdog = Watchdog::new("a_poller_in_a_poller_reports_its_socket");
    let (near, mut far) = connection()?;
    let (outer, inner) = (Poller::new()?, Poller::new()?);
    add(&inner, &near, 1, Interest::READABLE, Trigger::Level)?;
    outer.add(inner.as_fd(), 7, Interest::READABLE, Trigger::Level)?;
    assert_eq!(poll(&outer)?, []);
    far.write_all(b"x")?;
    assert_eq!(tokens(&next(&outer)?), [7]);
    assert_eq!(tokens(&poll(&inner)?), [1]);
    Ok(())
}

#[test]
fn a_poll_reports_a_ready_socket_while_another_thread_asks() -> Outcome {
    let _watchdog = Watchdog::new("a_poll_reports_a_ready_socket_while_another_thread_asks");
    // Both go on until each has asked so often: so they overlap.
    const POLLS: usize = 2000;
    let (near, _far) = connection()?;
    let (outer, inner) = (Poller::new()?, Poller::new()?);
    add(&inner, &near, 1, WRITABLE, Trigger::Level)?;
    outer.add(inner.as_fd(), 7, Interest::READABLE, Trigger::Level)?;
    let polls = [const { AtomicUsize::new(0) }; 2];
    let are_over = || polls.iter().all(|count| count.load(Ordering::Relaxed) >= POLLS);
    thread::scope(|scope| {
        let asks = scope.spawn(|| -> Outcome {
            while !are_over() {
                poll(&outer)?;
                polls[0].fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        });
        let mut missed = 0;
        while !are_over() {
            missed += usize::from(tokens(&poll(&inner)?) != [1]);
            polls[1].fetch_add(1, Ordering::Relaxed);
        }
        assert!(matches!(asks.join(), Ok(Ok(()))));
        assert_eq!(missed, 0);
        Ok(())
    })
}

#[test]
fn select_takes_sockets_and_the_number_of_an_event() -> Outcome {
    let _watchdog = Watchdog::new("select_takes_sockets_and_the_number_of_an_event");
    let (near, mut far) = connection()?;
    let event = Event::new()?;
    let number = event.signal().doorbell()?.shared_reader()?;
    let member = |fd, interest| Member { fd, interest, readiness: Readiness::default() };
    let mut members = [member(fileno(&near)?, Interest::READABLE), member(number, Interest::READABLE)];
    assert_eq!(look(&mut members)?, 0);
    let interrupter = Arc::new(Interrupter::new()?);
    let parker = Parker { interrupter: &interrupter, looks: None, spin: None };
    assert_eq!(select(&mut members, &parker, Deadline::after_millis(5.5))?, Some(0));
    for round in 0..50 {
        let setter = thread::spawn({
            let event = event.clone();
            move || event.set()
        });
        assert_eq!(select(&mut members, &parker, Deadline::after(Some(TIMEOUT)))?, Some(1), "round {round}");
        assert!(members[1].readiness.readable);
        join(setter)?;
        event.clear()?;
        assert_eq!(look(&mut members)?, 0, "cleared in round {round}");
    }
    far.write_all(b"x")?;
    assert_eq!(select(&mut members, &parker, Deadline::after(Some(TIMEOUT)))?, Some(1));
    assert!(members[0].readiness.readable);
    Ok(())
}

#[test]
fn a_number_that_is_not_open_is_refused() -> Outcome {
    let mut members = [Member { fd: 0x7654, interest: Interest::READABLE, readiness: Readiness::default() }];
    assert!(look(&mut members).is_err());
    assert!(descriptor::check(-1).is_err());
    let closed = {
        let event = Event::new()?;
        event.signal().doorbell()?.reader_fileno()
    };
    assert!(descriptor::check(closed).is_err());
    Ok(())
}
