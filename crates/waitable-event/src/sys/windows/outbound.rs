//! Keeps the promise that code that has a number alone can wait for an event: a socket that is readable while the event
//! is set, which `select()` of every language takes on Windows.
//!
//! It is one side of a connection over the loopback interface. A byte is in it while the event is set.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::windows::io::AsRawSocket;
use std::time::Duration;

use super::code;
use super::number::Fileno;

/// How long the byte may take through the loopback interface before it is given up.
const TRANSIT: Duration = Duration::from_millis(50);

/// A connection of this process with itself.
#[derive(Debug)]
pub(super) struct Outbound {
    reader: TcpStream,
    writer: TcpStream,
    /// Whether there is a byte in it.
    is_marked: bool,
    /// Whether the system has ended the connection, as it does when the machine sleeps.
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
        Ok(Outbound { reader, writer, is_marked: false, is_broken: false })
    }

    /// Returns the number of the side that is readable.
    pub(super) fn reader(&self) -> io::Result<Fileno> {
        Fileno::try_from(self.reader.as_raw_socket()).map_err(|_| code::error(code::NOT_OPEN))
    }

    /// Returns whether the connection is to be replaced.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
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
