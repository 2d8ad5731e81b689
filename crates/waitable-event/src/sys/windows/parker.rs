//! Keeps the promise that a blocked `wait()` ends when its event is set, its thread is to end, or its time is over: one
//! sleep on the completion port of the thread's event loop.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use windows_sys::Win32::System::IO::OVERLAPPED_ENTRY;

use super::alarm::Alarm;
use super::interrupter::{Interrupter, Kept};
use super::pipe::Pipe;
use super::port::{BATCH, Packets};
use super::source::Watching;
use crate::adaptive_spin::AdaptiveSpin;
use crate::deadline::Deadline;
use crate::park::{Park, Parked, Wake};
use crate::readiness::Interest;
use crate::sys::looks::{FIRST_LOOK, LONGEST_BLIND, Looks};

/// Sleeps on the port of the thread's [`Interrupter`].
///
/// **How a sleep learns that its thread is being ended.** Who ends it posts to the thread's event loop: to one handle,
/// by which all requests come. That is a packet on the port on which the thread sleeps. The sleeper looks after each
/// packet of libuv. One thing is missing: libuv posts nothing for a handle that is pending. So the sleeper asks whether
/// it is ([`Looks::has_request`]), in this order:
///
/// ```text
/// sleeper: dequeue the packet ──► look ──► is the handle pending? ──► sleep on the port
/// poster:  make the handle pending ──► if it was not: post a packet
/// ```
///
/// * It is not pending. Then every later post is a packet, which ends the sleep. Nothing but this thread makes the
///   handle not pending. No request is older than the question.
/// * It is pending. A request may have come after the look, and no further one posts a packet. So the sleeper looks at
///   intervals of at most 20 ms, until the loop has handled the request.
///
/// **When the host does not know the handle,** the sleeper looks at intervals of at most 20 ms from the first packet of
/// libuv on. Before, it looks each time after twice the time: a packet that libuv has dequeued and not handled yet may
/// be the handle's.
///
/// **When a thread may be ended without a post** (a timeout of `node:vm` or of the inspector), or its loop has no port,
/// the sleeper looks at intervals of at most 20 ms.
pub struct Parker<'a> {
    /// The thread's own interrupter.
    pub interrupter: &'a Arc<Interrupter>,
    /// How to learn that the thread is being ended; `None` when it never is.
    pub looks: Option<Looks<'a>>,
    /// Has the thread spin before it sleeps.
    pub spin: Option<&'a AdaptiveSpin>,
}

impl Parker<'_> {
    /// Sleeps until `is_ready` says so, which is asked at the beginning and after each wake-up. The interrupter watches
    /// what it asks.
    pub(super) fn sleep(
        &self,
        is_ready: &mut dyn FnMut() -> io::Result<bool>,
        deadline: Deadline,
    ) -> io::Result<Parked> {
        let interrupter = self.interrupter;
        let port = interrupter.port();
        let mut kept = Kept::new(port);
        let mut packets: Packets = [OVERLAPPED_ENTRY::default(); BATCH];
        let mut pause = FIRST_LOOK;
        let mut are_needed = None;
        let mut alarm = None;
        loop {
            let is_woken = interrupter.consume();
            if is_ready()? {
                return Ok(Parked::Notified);
            }
            if is_woken {
                return Ok(Parked::Woken);
            }
            if deadline.has_passed() {
                return Ok(Parked::TimedOut);
            }
            if alarm.is_none()
                && let Some(remaining) = deadline.remaining()
                && let Some(at) = Instant::now().checked_add(remaining)
            {
                // Where there is none, the sleep ends with the system's tick.
                alarm = Alarm::new(at, interrupter.clone()).ok();
            }
            let next_look = self.looks.and_then(|looks| match are_needed {
                None => Some(pause),
                Some(true) => Some(pause.min(LONGEST_BLIND)),
                Some(false) => match (looks.has_request)() {
                    Some(false) => None,
                    None if kept.is_empty() => Some(pause),
                    _ => Some(pause.min(LONGEST_BLIND)),
                },
            });
            let timeout = deadline.earlier(Deadline::after(next_look)).remaining();
            let count = interrupter.dequeue(&mut packets, timeout)?;
            let has_posts = kept.keep(&packets[..count]);
            if let Some(looks) = self.looks
                && (has_posts || count == 0)
            {
                if count == 0 {
                    pause = pause.saturating_mul(2);
                    are_needed.get_or_insert_with(|| !interrupter.has_loop_polled() || (looks.are_needed)());
                }
                let consumed = interrupter.consumed();
                if (looks.is_ending)() {
                    return Ok(Parked::Interrupted);
                }
                if interrupter.consumed() != consumed {
                    return Ok(Parked::Woken);
                }
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
        let _watching = Watching::new(doorbell.source(), self.waker(), Interest::READABLE);
        self.sleep(&mut || crate::doorbell::Doorbell::is_notified(doorbell), deadline)
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
