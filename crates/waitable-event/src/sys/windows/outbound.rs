//! Keeps the promise that code that has a number alone can wait for an event: a socket that is readable while the event
//! is set, which `select()` of every language takes on Windows.
//!
//! It is one side of a connection over the loopback interface. A byte is in it while the event is set.
//!
//! **When the connection ends,** by the system, which resets it when the machine sleeps, or by code that has the
//! number, the socket would be readable for good, and who waits for it would never sleep again. So the other side is
//! watched. When the end comes, the connection is closed: a wait for the number fails from then on.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::windows::io::AsRawSocket;
use std::sync::Arc;
use std::time::Duration;

use windows_sys::Win32::Networking::WinSock::SOCKET;

use super::afd::Socket;
use super::code;
use super::number::Fileno;
use super::source::Watching;
use crate::park::Wake;
use crate::readiness::Interest;

/// How long the byte may take through the loopback interface before it is given up.
const TRANSIT: Duration = Duration::from_millis(50);

/// A connection of this process with itself.
pub(super) struct Outbound {
    /// The watch on the writer, which is dropped before that is closed.
    watching: Option<Arc<Watching>>,
    reader: TcpStream,
    writer: TcpStream,
    /// Whether there is a byte in it.
    is_marked: bool,
    /// Whether a call has found that the connection has ended.
    is_broken: bool,
}

impl Outbound {
    /// Returns a connection without a byte in it.
    pub(super) fn new() -> io::Result<Outbound> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let writer = TcpStream::connect(listener.local_addr()?)?;
        let own = writer.local_addr()?;
        // Another program may have connected first.
        let reader = loop {
            let (stream, peer) = listener.accept()?;
            if peer == own {
                break stream;
            }
        };
        writer.set_nodelay(true)?;
        writer.set_nonblocking(true)?;
        reader.set_nonblocking(true)?;
        Ok(Outbound { reader, writer, watching: None, is_marked: false, is_broken: false })
    }

    /// Has `watcher` woken when the connection may have ended. It may be woken before this returns.
    pub(super) fn watch(&mut self, watcher: Arc<dyn Wake>) {
        let source = Arc::new(Socket::new(self.writer.as_raw_socket() as SOCKET));
        self.watching = Some(Arc::new(Watching::new(source, watcher, Interest::READABLE)));
    }

    /// Throws away what code that has the number has sent. Returns the watch if there was anything: it ends the next
    /// time only if it is rearmed, for [`Interest::READABLE`], when nothing is locked.
    pub(super) fn clear_writer(&mut self) -> Option<Arc<Watching>> {
        let (mut buffer, mut had_bytes) = ([0; 512], false);
        loop {
            match self.writer.read(&mut buffer) {
                Ok(1..) => had_bytes = true,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                _ => {
                    self.is_broken = true;
                    break;
                }
            }
        }
        self.watching.clone().filter(|_| had_bytes)
    }

    /// Returns the number of the side that is readable.
    pub(super) fn reader(&self) -> io::Result<Fileno> {
        Fileno::try_from(self.reader.as_raw_socket()).map_err(|_| code::error(code::NOT_OPEN))
    }

    /// Returns whether a call has found that the connection has ended.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Returns whether the connection has ended.
    pub(super) fn has_ended(&self) -> bool {
        let is_open = |side: &TcpStream| match side.peek(&mut [0]) {
            Ok(count) => count > 0,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        };
        self.is_broken || !is_open(&self.reader) || !is_open(&self.writer)
    }

    /// Has it be readable.
    pub(super) fn mark(&mut self) {
        if !self.is_marked {
            match self.writer.write(&[1]) {
                Ok(count) => self.is_marked = count > 0,
                Err(error) => self.is_broken = error.kind() != ErrorKind::WouldBlock,
            }
        }
    }

    /// Has it not be readable. Waits for the byte if that is under way. Code that has the number may have
    /// read it.
    pub(super) fn unmark(&mut self) {
        if !std::mem::take(&mut self.is_marked) {
            return;
        }
        let mut byte = [0];
        let mut result = self.reader.read(&mut byte);
        if result.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
            // A socket with a time limit blocks for that long.
            let waits = self.reader.set_nonblocking(false).and_then(|()| {
                self.reader.set_read_timeout(Some(TRANSIT))?;
                result = self.reader.read(&mut byte);
                self.reader.set_nonblocking(true)
            });
            self.is_broken = waits.is_err();
        }
        self.is_broken |= match result {
            Ok(count) => count == 0,
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        };
    }
}
