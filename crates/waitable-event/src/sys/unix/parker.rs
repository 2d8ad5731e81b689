//! Keeps the promise that a blocked `wait()` ends when its event is set, its thread is to end, or its time is over: one
//! sleep on the event's pipe, the thread's waker and the descriptor of its event loop.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags};

use super::interrupter::Interrupter;
use super::pipe::Pipe;
use crate::adaptive_spin::AdaptiveSpin;
use crate::deadline::Deadline;
use crate::park::{Park, Parked, Wake};
use crate::sys::native::sleep;

/// The time from the beginning of a sleep to the first look. Each further look comes after twice the time.
///
/// Most sleeps are over by then, and cost no look.
const FIRST_LOOK: Duration = Duration::from_millis(5);

/// The longest time between two looks while the event loop cannot announce that the thread is being ended.
const LONGEST_BLIND: Duration = Duration::from_millis(20);

/// Sleeps on a doorbell and on the thread's [`Interrupter`] together.
///
/// **How a sleep learns that its thread is being ended.** Who ends it posts to the thread's event loop, whose
/// descriptor becomes readable, and that ends the sleep. There are three cases in which it does not:
///
/// * The loop is readable already: a message waits, or an earlier post. (libuv writes to the descriptor of a handle
///   only when the handle is not pending.) Then the sleeper looks at intervals of at most 20 ms. At each look it polls
///   the loop again.
/// * The thread that ends it posts nothing (a timeout of `node:vm`), or the loop has not polled once yet. The host
///   knows when that is so ([`Looks::are_needed`]), and the sleeper looks as often.
/// * The handle was pending when the sleep began, though the loop had consumed what it wrote: the thread sleeps within
///   a callback of a handle that comes before it. This is rare and has no sign. So every sleep looks now and then, each
///   time after twice the time: the answer takes at most as long as the thread had slept before.
pub struct Parker<'a> {
    /// The thread's own interrupter.
    pub interrupter: &'a Arc<Interrupter>,
    /// How to learn that the thread is being ended; `None` when it never is.
    pub looks: Option<Looks<'a>>,
    /// Has the thread spin before it sleeps.
    pub spin: Option<&'a AdaptiveSpin>,
}

/// How a sleeper learns that its thread is being ended.
#[derive(Clone, Copy)]
pub struct Looks<'a> {
    /// Returns whether the thread is being ended. It may run code that sleeps in turn, and so consumes a wake-up of
    /// this sleep; the sleep then ends as if woken.
    pub is_ending: &'a dyn Fn() -> bool,
    /// Returns whether the thread may be ended without its event loop showing it. Called once a sleep, at the first
    /// look.
    pub are_needed: &'a dyn Fn() -> bool,
}

impl Parker<'_> {
    /// Sleeps until one of `fds` is ready. The last two of them must be the interrupter's. After `Woken` as well as
    /// `Notified` the caller has to check the others.
    pub fn sleep(&self, fds: &mut [PollFd<'_>], deadline: Deadline) -> io::Result<Parked> {
        let interrupter = self.interrupter;
        let mut pause = FIRST_LOOK;
        let mut are_needed = None;
        loop {
            let polls_loop = self.looks.is_some() && interrupter.polls_loop();
            let polled = match &mut *fds {
                [polled @ .., _] if !polls_loop => polled,
                all => all,
            };
            let is_blind = interrupter.is_loop_readable() || are_needed == Some(true);
            let next_look = self.looks.map(|_| if is_blind { pause.min(LONGEST_BLIND) } else { pause });
            let ready = sleep(polled, deadline.earlier(Deadline::after(next_look)))?;
            if ready == 0 && deadline.has_passed() {
                return Ok(Parked::TimedOut);
            }
            let is_ready = |from_end: usize| polled.iter().rev().nth(from_end).and_then(PollFd::any).unwrap_or(false);
            let is_loop_readable = polls_loop && is_ready(0);
            let is_woken = is_ready(usize::from(polls_loop));
            if ready > usize::from(is_loop_readable) + usize::from(is_woken) {
                return Ok(Parked::Notified);
            }
            if is_woken {
                interrupter.consume();
            }
            if let Some(looks) = self.looks
                && (is_loop_readable || ready == 0)
            {
                // After a pause the loop is polled again: it may have been drained in between.
                interrupter.set_loop_readable(is_loop_readable);
                let consumed = interrupter.consumed();
                if (looks.is_ending)() {
                    return Ok(Parked::Interrupted);
                }
                if interrupter.consumed() != consumed {
                    return Ok(Parked::Woken);
                }
                if ready == 0 {
                    are_needed = are_needed.or_else(|| Some((looks.are_needed)()));
                    pause = pause.saturating_mul(2);
                }
            }
            if is_woken {
                return Ok(Parked::Woken);
            }
            // An event loop that always has something new must not defer the deadline.
            if deadline.has_passed() {
                return Ok(Parked::TimedOut);
            }
        }
    }
}

impl Park<Pipe> for Parker<'_> {
    fn waker(&self) -> Arc<dyn Wake> {
        self.interrupter.clone()
    }

    fn spin<T>(&self, poll: impl FnMut() -> Option<T>) -> Option<T> {
        self.spin.filter(|spin| spin.should_spin())?.spin(poll)
    }

    fn park(&self, doorbell: &Pipe, deadline: Deadline) -> io::Result<Parked> {
        let [waker, backend] = self.interrupter.poll_fds()?;
        let mut fds = [PollFd::new(doorbell.reader(), PollFlags::POLLIN), waker, backend];
        let parked = self.sleep(&mut fds, deadline)?;
        if parked == Parked::Notified {
            doorbell.was_notified(&fds[0])?;
        }
        Ok(parked)
    }
}

impl fmt::Debug for Parker<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Parker").finish_non_exhaustive()
    }
}

impl fmt::Debug for Looks<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Looks").finish_non_exhaustive()
    }
}
