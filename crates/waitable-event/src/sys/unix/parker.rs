//! Keeps the promise that a blocked `wait()` ends when its event is set, its thread is to end, or its time is over: one
//! sleep on the event's pipe, the thread's waker and the descriptor of its event loop.

use std::fmt;
use std::io;
use std::sync::Arc;

use nix::poll::{PollFd, PollFlags};

use super::interrupter::Interrupter;
use super::pipe::Pipe;
use crate::adaptive_spin::AdaptiveSpin;
use crate::deadline::Deadline;
use crate::park::{Park, Parked, Wake};
use crate::sys::looks::{FIRST_LOOK, LONGEST_BLIND, Looks};
use crate::sys::native::{Posts, sleep};

/// Sleeps on a doorbell and on the thread's [`Interrupter`] together.
///
/// **How a sleep learns that its thread is being ended.** Who ends it posts to the thread's event loop: to one handle,
/// by which all requests come. Until the first look the sleeper polls the loop's descriptor, unless that was readable
/// before: then something unread hides the post, for 5 ms at most.
///
/// From the first look on the sleeper polls the loop's eventfd, which shows each post, because the sleeper reads it
/// (`loop_eventfd.rs`). It looks after each post, and has no other reason to wake. One thing is missing: libuv writes
/// to the eventfd only if the handle is not pending. So the sleeper asks whether it is ([`Looks::has_request`]), in
/// this order:
///
/// ```text
/// sleeper: read the eventfd ──► look ──► is the handle pending? ──► poll the eventfd
/// poster:  make the handle pending ──► if it was not: write to the eventfd
/// ```
///
/// * It is not pending. Then every later post writes to the eventfd, and does so after the sleeper has read it: a write
///   that came before that read would have shown the handle as pending. Nothing but this thread reads the eventfd or
///   makes the handle not pending, so the poll reports the write. No request is older than the question.
/// * It is pending. A request may have come after the look, and no further one writes. So the sleeper looks at
///   intervals of at most 20 ms, until the loop has handled the request. Node makes the handle pending before it makes
///   some requests visible to V8: the next look finds those.
///
/// **When there is no such eventfd, or the host does not know the handle,** the sleeper polls the loop's descriptor on.
/// It looks at intervals of at most 20 ms while the loop is readable. Otherwise it looks each time after twice the
/// time, since the handle may be pending without a sign: the answer takes at most as long as the thread had slept.
///
/// **When a thread may be ended without a post** (a timeout of `node:vm` or of the inspector, or a loop that has not
/// polled yet), the sleeper looks at intervals of at most 20 ms. The host knows when that is so
/// ([`Looks::are_needed`]).
pub struct Parker<'a> {
    /// The thread's own interrupter.
    pub interrupter: &'a Arc<Interrupter>,
    /// How to learn that the thread is being ended; `None` when it never is.
    pub looks: Option<Looks<'a>>,
    /// Has the thread spin before it sleeps.
    pub spin: Option<&'a AdaptiveSpin>,
}

impl Parker<'_> {
    /// Sleeps until one of `fds` is ready. The last two of them must be the interrupter's, and the last one may be
    /// replaced. After `Woken` as well as `Notified` the caller has to check the others.
    pub fn sleep(&self, fds: &mut [PollFd<'_>], deadline: Deadline) -> io::Result<Parked> {
        let interrupter = self.interrupter;
        let mut pause = FIRST_LOOK;
        let mut are_needed = None;
        // From the first look on, if they can be had. They are written back however the sleep ends.
        let mut posts: Option<Posts<'_>> = None;
        loop {
            let polls_loop = self.looks.is_some() && (posts.is_some() || interrupter.polls_loop());
            if let (Some(posts), Some(last)) = (&posts, fds.last_mut()) {
                *last = posts.poll_fd()?;
            }
            let polled = match &mut *fds {
                [polled @ .., _] if !polls_loop => polled,
                all => all,
            };
            let next_look = self.looks.and_then(|looks| match posts {
                Some(_) => ((looks.has_request)() != Some(false)).then(|| pause.min(LONGEST_BLIND)),
                None if interrupter.is_loop_readable() || are_needed == Some(true) => Some(pause.min(LONGEST_BLIND)),
                None => Some(pause),
            });
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
                let consumed = interrupter.consumed();
                if let Some(posts) = &mut posts {
                    if is_loop_readable {
                        posts.read()?;
                    }
                } else {
                    // After a pause the loop is polled again: it may have been drained in between.
                    interrupter.set_loop_readable(is_loop_readable);
                    if ready == 0 && are_needed.is_none() {
                        let needed = (looks.are_needed)();
                        are_needed = Some(needed);
                        posts = if needed { None } else { self.posts(looks) };
                    }
                }
                if (looks.is_ending)() {
                    return Ok(Parked::Interrupted);
                }
                if interrupter.consumed() != consumed {
                    return Ok(Parked::Woken);
                }
                if ready == 0 {
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

    /// Returns the posts to the loop, where it is known what they announce.
    fn posts(&self, looks: Looks<'_>) -> Option<Posts<'_>> {
        (looks.has_request)()?;
        self.interrupter.loop_eventfd().map(Posts::new)
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
