//! A blocked wait of a thread whose event loop others post to through an eventfd, as libuv's.
#![cfg(all(target_os = "linux", not(any(loom, waitable_kqueue_stand_in))))]

mod common;

use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use common::{Outcome, TIMEOUT, Watchdog};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::eventfd::{EfdFlags, EventFd};
use waitable_event::sys::{Interrupter, Looks, Parker};
use waitable_event::{Deadline, Error, Event};

/// An event loop with one handle for requests.
struct Loop {
    epoll: Epoll,
    eventfd: EventFd,
    is_pending: AtomicBool,
}

impl Loop {
    /// Returns a loop that has polled already, or one that has not.
    fn new(has_polled: bool) -> Outcome<Loop> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let eventfd = eventfd()?;
        if has_polled {
            epoll.add(&eventfd, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
        }
        Ok(Loop { epoll, eventfd, is_pending: AtomicBool::new(false) })
    }

    fn interrupter(&self) -> Outcome<Arc<Interrupter>> {
        Ok(Arc::new(Interrupter::with_loop(self.epoll.0.as_fd().as_raw_fd())?))
    }

    /// Posts through another handle, which has never been pending.
    fn post(&self) {
        assert!(self.eventfd.write(1).is_ok(), "the counter is not full");
    }

    /// Posts a request, as libuv does.
    fn request(&self) {
        if !self.is_pending.swap(true, Ordering::SeqCst) {
            self.post();
        }
    }

    fn has_request(&self) -> Option<bool> {
        Some(self.is_pending.load(Ordering::SeqCst))
    }

    /// Reads what the loop would read.
    fn unread(&self) -> nix::Result<u64> {
        self.eventfd.read()
    }
}

fn eventfd() -> nix::Result<EventFd> {
    EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
}

/// Waits for an event that no thread sets.
fn wait(interrupter: &Arc<Interrupter>, looks: Looks<'_>, timeout: Duration) -> Outcome<Result<bool, Error>> {
    let parker = Parker { interrupter, looks: Some(looks), spin: None };
    Ok(Event::new()?.wait_with(&parker, Deadline::after(Some(timeout))))
}

/// Returns how often a wait looked, which lasted for `timeout`, and in which nothing was posted.
fn count_looks(target: &Loop, interrupter: &Arc<Interrupter>, timeout: u64) -> Outcome<usize> {
    let looked = AtomicUsize::new(0);
    let is_ending = || {
        looked.fetch_add(1, Ordering::Relaxed);
        false
    };
    let looks = Looks { is_ending: &is_ending, are_needed: &|| false, has_request: &|| target.has_request() };
    assert!(!wait(interrupter, looks, Duration::from_millis(timeout))??);
    Ok(looked.into_inner())
}

#[test]
fn a_wait_over_a_readable_loop_looks_no_more_and_leaves_the_loop_readable() -> Outcome {
    let target = Loop::new(true)?;
    let interrupter = target.interrupter()?;
    assert!(count_looks(&target, &interrupter, 300)? <= 1);
    assert_eq!(target.unread(), Err(Errno::EAGAIN));
    target.post();
    target.post();
    // When the loop is found readable, after 5 ms, and when the posts are read.
    assert!(count_looks(&target, &interrupter, 1000)? <= 3);
    assert_eq!(target.unread(), Ok(1));
    // Also when the wait is over before it looks.
    target.post();
    assert!(count_looks(&target, &interrupter, 1)? <= 1);
    assert_eq!(target.unread(), Ok(1));
    Ok(())
}

#[test]
fn an_edge_triggered_loop_finds_an_edge_after_a_wait() -> Outcome {
    let target = Loop::new(false)?;
    target.epoll.add(&target.eventfd, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, 0))?;
    let interrupter = target.interrupter()?;
    let mut events = [EpollEvent::empty()];
    for _ in 0..3 {
        target.post();
        count_looks(&target, &interrupter, 20)?;
        assert_eq!(target.epoll.wait(&mut events, 0_u16)?, 1);
        assert_eq!(target.epoll.wait(&mut events, 0_u16)?, 0);
    }
    Ok(())
}

#[test]
fn each_request_is_found_and_so_is_the_order_to_end() -> Outcome {
    let _watchdog = Watchdog::new("each_request_is_found_and_so_is_the_order_to_end");
    for is_readable in [false, true] {
        let target = Loop::new(true)?;
        let interrupter = target.interrupter()?;
        if is_readable {
            target.post();
        }
        let (asked, looked) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let is_ending = || {
            looked.store(asked.load(Ordering::SeqCst), Ordering::SeqCst);
            asked.load(Ordering::SeqCst) == 20
        };
        let looks = Looks { is_ending: &is_ending, are_needed: &|| false, has_request: &|| target.has_request() };
        thread::scope(|scope| {
            scope.spawn(|| {
                // The first one announces itself, and the others come while it is pending.
                for count in 1..=20 {
                    if count % 2 == 0 {
                        asked.store(count, Ordering::SeqCst);
                        target.request();
                    } else {
                        // Node makes some requests visible after the post.
                        target.request();
                        asked.store(count, Ordering::SeqCst);
                    }
                    while looked.load(Ordering::SeqCst) != count {
                        thread::yield_now();
                    }
                }
            });
            let outcome = wait(&interrupter, looks, TIMEOUT)?;
            assert!(matches!(outcome, Err(Error::Interrupted)), "{outcome:?}");
            Outcome::Ok(())
        })?;
        assert!(target.unread().is_ok());
    }
    Ok(())
}

#[test]
fn a_request_that_was_pending_before_the_wait_hides_no_other_one() -> Outcome {
    let _watchdog = Watchdog::new("a_request_that_was_pending_before_the_wait_hides_no_other_one");
    let target = Loop::new(true)?;
    // The loop has read the post, and is yet to come to the handle.
    target.is_pending.store(true, Ordering::SeqCst);
    is_looked_at(&target.interrupter()?, &|| target.has_request())?;
    assert_eq!(target.unread(), Err(Errno::EAGAIN));
    Ok(())
}

#[test]
fn a_post_that_a_wait_within_a_look_reads_is_found_by_the_outer_wait_and_by_the_loop() -> Outcome {
    let _watchdog = Watchdog::new("a_post_that_a_wait_within_a_look_reads_is_found_by_the_outer_wait_and_by_the_loop");
    let target = Loop::new(true)?;
    let interrupter = target.interrupter()?;
    target.post();
    let (is_within, looks_within, after_inner) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let has_request = || target.has_request();
    let is_ending_inner = || {
        // The second look reads what was posted at the first one.
        if looks_within.fetch_add(1, Ordering::SeqCst) == 0 {
            target.post();
        }
        false
    };
    let is_ending = || {
        if !is_within.swap(true, Ordering::SeqCst) {
            let looks = Looks { is_ending: &is_ending_inner, are_needed: &|| false, has_request: &has_request };
            let outcome = wait(&interrupter, looks, Duration::from_millis(50));
            assert!(matches!(outcome, Ok(Ok(false))), "{outcome:?}");
            return false;
        }
        after_inner.fetch_add(1, Ordering::SeqCst) == 1
    };
    let looks = Looks { is_ending: &is_ending, are_needed: &|| false, has_request: &has_request };
    let outcome = wait(&interrupter, looks, TIMEOUT)?;
    assert!(matches!(outcome, Err(Error::Interrupted)), "{outcome:?}");
    assert_eq!(target.unread(), Ok(1));
    Ok(())
}

/// Ends a wait by an order that nothing announces.
fn is_looked_at(interrupter: &Arc<Interrupter>, has_request: &dyn Fn() -> Option<bool>) -> Outcome {
    let looked = AtomicUsize::new(0);
    let is_ending = || looked.fetch_add(1, Ordering::SeqCst) == 3;
    let looks = Looks { is_ending: &is_ending, are_needed: &|| false, has_request };
    let outcome = wait(interrupter, looks, TIMEOUT)?;
    assert!(matches!(outcome, Err(Error::Interrupted)), "{outcome:?}");
    Ok(())
}

#[test]
fn a_loop_whose_eventfd_or_handle_is_not_known_is_looked_at() -> Outcome {
    let has_not_polled = Loop::new(false)?;
    let has_two = Loop::new(true)?;
    let another = eventfd()?;
    has_two.epoll.add(&another, EpollEvent::new(EpollFlags::EPOLLIN, 1))?;
    for target in [&has_not_polled, &has_two] {
        let interrupter = target.interrupter()?;
        assert!(!interrupter.has_loop_polled());
        is_looked_at(&interrupter, &|| target.has_request())?;
    }
    // A search without a result is repeated.
    let interrupter = has_not_polled.interrupter()?;
    assert!(!interrupter.has_loop_polled());
    has_not_polled.epoll.add(&has_not_polled.eventfd, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
    assert!(interrupter.has_loop_polled());
    assert!(count_looks(&has_not_polled, &interrupter, 300)? <= 1);

    let target = Loop::new(true)?;
    is_looked_at(&target.interrupter()?, &|| None)
}
