//! Keeps the promise that another thread, or the thread's own event loop, ends the sleep of a thread: by packets on the
//! completion port on which it sleeps.

use std::io;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use super::port::{Packets, Port};
use super::sleepers::Sleeper;
use crate::park::Wake;

use windows_sys::Win32::System::IO::OVERLAPPED_ENTRY;

/// The completion port of libuv's loop, as the address that its handle is.
pub type LoopPort = usize;

/// The key of our packets. libuv associates its files with a key of zero, and ignores a packet without an `OVERLAPPED`.
const KEY: usize = 0x7761_6974;

/// Where a thread sleeps: on the completion port of its own event loop or, where there is none, on a port of its own.
///
/// A wake-up is a packet, and a mark: the packet may come when the thread does not sleep, and libuv drops it then. So a
/// sleep begins with a look at the mark. A packet that finds no mark is an old one.
#[derive(Debug)]
pub struct Interrupter {
    port: Port,
    has_loop: bool,
    sleeper: Sleeper,
    is_woken: AtomicBool,
    /// How often wake-ups were consumed. It is the thread's own, and orders nothing.
    consumed: AtomicU32,
}

impl Interrupter {
    /// Returns an interrupter for a thread without an event loop.
    pub fn new() -> io::Result<Interrupter> {
        Interrupter::on(Port::new()?, false)
    }

    /// Returns an interrupter for a thread with an event loop, which dequeues its packets from `port`. It holds a
    /// duplicate of the handle, so a late wake-up reaches no other port.
    ///
    /// # Errors
    ///
    /// Those of a handle that is no port.
    pub fn with_loop(port: LoopPort) -> io::Result<Interrupter> {
        let port = Port::duplicate(ptr::with_exposed_provenance_mut(port))?;
        // Fails for a handle of another kind. The packet is an old one for the first sleep, or nothing to libuv.
        port.post(0, KEY, ptr::null())?;
        Interrupter::on(port, true)
    }

    fn on(port: Port, has_loop: bool) -> io::Result<Interrupter> {
        let is_woken = AtomicBool::new(false);
        Ok(Interrupter { port, has_loop, sleeper: Sleeper::new(), is_woken, consumed: AtomicU32::new(0) })
    }

    /// Returns whether posts to the thread's event loop reach this. They do also before the loop has run.
    pub fn has_loop_polled(&self) -> bool {
        self.has_loop
    }

    /// Returns the port.
    pub(super) fn port(&self) -> &Port {
        &self.port
    }

    /// Dequeues packets of the port, for which the thread sleeps.
    pub(super) fn dequeue(&self, packets: &mut Packets, timeout: Option<Duration>) -> io::Result<usize> {
        self.sleeper.sleep(|| self.port.dequeue(packets, timeout))
    }

    /// Consumes the calls of the waker. Returns whether there were any.
    pub(super) fn consume(&self) -> bool {
        // The acquisition has what the thread does next see what the waker's thread did before.
        let was_woken = self.is_woken.swap(false, Ordering::AcqRel);
        if was_woken {
            self.consumed.fetch_add(1, Ordering::Relaxed);
        }
        was_woken
    }

    /// Returns how often wake-ups were consumed. When the number has changed, a sleep within this one may have consumed
    /// a wake-up that was meant for both.
    pub(super) fn consumed(&self) -> u32 {
        self.consumed.load(Ordering::Relaxed)
    }
}

impl Wake for Interrupter {
    fn wake(&self) {
        // One packet is enough until the thread looks at the mark.
        if !self.is_woken.swap(true, Ordering::AcqRel) {
            // It fails while the kernel has no memory for a packet. Without it the thread would sleep on.
            while self.port.post(0, KEY, ptr::null()).is_err() {
                std::thread::yield_now();
            }
        }
    }
}

/// The packets of libuv that a sleeper keeps from the loop until the sleep ends.
///
/// **Why the loop loses nothing.** The loop belongs to the thread that sleeps, so it cannot dequeue meanwhile. Whatever
/// is dequeued here is posted again when the sleep ends, as it was: libuv reads the outcome of an operation from its
/// `OVERLAPPED`, which is not touched. The order stays: what the port still holds is dequeued first, and follows what
/// was dequeued before. Only a packet that comes while they are posted may get between them. libuv has one read under
/// way for each stream, and the order of packets of different files is arbitrary anyway.
#[derive(Debug)]
pub(super) struct Kept<'a> {
    port: &'a Port,
    packets: Vec<Packet>,
}

struct Packet(OVERLAPPED_ENTRY);

impl std::fmt::Debug for Packet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Packet").field(&self.0.lpOverlapped).finish()
    }
}

impl<'a> Kept<'a> {
    pub(super) fn new(port: &'a Port) -> Kept<'a> {
        Kept { port, packets: Vec::new() }
    }

    /// Returns whether there are any.
    pub(super) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// Keeps those of `packets` that are libuv's. Returns whether there were any.
    pub(super) fn keep(&mut self, packets: &[OVERLAPPED_ENTRY]) -> bool {
        let before = self.packets.len();
        let foreign = |packet: &&OVERLAPPED_ENTRY| !(packet.lpCompletionKey == KEY && packet.lpOverlapped.is_null());
        self.packets.extend(packets.iter().filter(foreign).copied().map(Packet));
        self.packets.len() > before
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        if self.packets.is_empty() {
            return;
        }
        let mut packets = Packets::from([OVERLAPPED_ENTRY::default(); super::port::BATCH]);
        // Our own packets may be lost here: their marks are still there.
        while let Ok(count @ 1..) = self.port.dequeue(&mut packets, Some(Duration::ZERO)) {
            self.keep(&packets[..count]);
        }
        for Packet(packet) in &self.packets {
            let post =
                || self.port.post(packet.dwNumberOfBytesTransferred, packet.lpCompletionKey, packet.lpOverlapped);
            // It fails while the kernel has no memory for a packet. Without it the loop would wait indefinitely.
            while post().is_err() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}
