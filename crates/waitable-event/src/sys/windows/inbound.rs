//! Keeps the promise that another process can set an event: by a byte that it writes to a named pipe, of which it has
//! inherited the write side.
//!
//! A read of no bytes ends when there is a byte in the pipe, and takes none. Then the thread of operations moves what
//! is there to a buffer. So a writer never waits for long: writes to a full pipe of Windows block, and the writer may
//! be the very thread that would read. What does not fit into the buffer is dropped: the bytes before have set the
//! event.
//!
//! It is notified while there is a byte in the buffer or in the pipe.

use std::collections::VecDeque;
use std::ffi::c_void;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle, RawHandle};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use windows_sys::Win32::Foundation::{
    ERROR_BROKEN_PIPE, ERROR_IO_PENDING, GENERIC_WRITE, HANDLE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, OPEN_EXISTING, PIPE_ACCESS_INBOUND, ReadFile,
};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED};
use windows_sys::Win32::System::Pipes::{CreateNamedPipeW, PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_BYTE, PeekNamedPipe};
use windows_sys::Win32::System::Threading::CreateEventW;

use super::code;
use super::files::numbers;
use super::number::Fileno;
use super::operations::{Ended, Operation, associate};
use crate::sync::{Mutex, lock};

/// The number of bytes that fit into the pipe.
const CAPACITY: u32 = 1 << 16;

/// The number of bytes that one drain reads at most, so that a writer without a pause cannot keep it busy. The buffer
/// holds as many.
const DRAIN_LIMIT: usize = 1 << 20;

/// The owner of an inbound pipe.
pub(super) trait OnInbound: Send + Sync {
    /// Is called when there may be a byte. Returns whether there is one.
    fn on_inbound(&self) -> io::Result<bool>;
    /// Waits for a byte in the pipe again.
    fn arm_inbound(&self);
}

/// The pipe through which other processes set an event.
pub(super) struct Inbound {
    reader: OwnedHandle,
    /// The write side, which this process holds, so that the pipe does not end.
    writer: Fileno,
    reading: Mutex<Reading>,
    bell: Weak<dyn OnInbound>,
    is_broken: AtomicBool,
}

/// What only one thread uses at a time: the one that reads.
#[derive(Default)]
struct Reading {
    /// Whether a read of no bytes is under way.
    is_armed: bool,
    buffer: VecDeque<u8>,
}

impl Inbound {
    /// Returns an empty pipe, which wakes those who watch `bell`.
    pub(super) fn new(bell: Weak<dyn OnInbound>) -> io::Result<Arc<Inbound>> {
        let numbers = numbers()?;
        let (reader, writer) = pipe()?;
        associate(reader.as_raw_handle())?;
        let handle = std::os::windows::io::IntoRawHandle::into_raw_handle(writer);
        let number = (numbers.open)(handle);
        if number < 0 {
            // SAFETY: the handle is not owned by a number.
            drop(unsafe { OwnedHandle::from_raw_handle(handle) });
            return Err(code::error(code::TOO_MANY_FILES));
        }
        let (reading, is_broken) = (Mutex::new(Reading::default()), AtomicBool::new(false));
        let inbound = Arc::new(Inbound { reader, writer: number, reading, bell, is_broken });
        inbound.arm();
        Ok(inbound)
    }

    /// Returns the number of the write side.
    pub(super) fn writer(&self) -> Fileno {
        self.writer
    }

    /// Returns whether there is a byte.
    ///
    /// # Errors
    ///
    /// EBADF when foreign code has closed all write sides, and there is none.
    pub(super) fn is_notified(&self) -> io::Result<bool> {
        self.is_notified_with(|| self.available())
    }

    /// Looks into the buffer, and then calls `available` to look into the pipe. The lock is held for both: a byte that
    /// is moved between two looks would be in neither.
    fn is_notified_with(&self, available: impl FnOnce() -> io::Result<usize>) -> io::Result<bool> {
        let reading = lock(&self.reading);
        Ok(!reading.buffer.is_empty() || available()? > 0)
    }

    /// Returns whether the pipe was seen to have ended.
    fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }

    fn available(&self) -> io::Result<usize> {
        let mut available = 0;
        // SAFETY: the handle is open, and the call writes one number.
        let result = unsafe {
            let nothing = ptr::null_mut();
            PeekNamedPipe(self.reader.as_raw_handle(), ptr::null_mut(), 0, nothing, &mut available, nothing)
        };
        match code::check(result) {
            Ok(()) => Ok(available as usize),
            Err(error) if code::is(&error, ERROR_BROKEN_PIPE) => {
                self.is_broken.store(true, Ordering::Relaxed);
                Err(code::error(code::NOT_OPEN))
            }
            Err(error) => Err(error),
        }
    }

    /// Reads up to `buffer.len()` bytes, and returns the count: zero when there is none, or the pipe has ended.
    pub(super) fn read(self: &Arc<Inbound>, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.with_all(|bytes| {
            let count = buffer.len().min(bytes.len());
            buffer.iter_mut().zip(bytes.drain(..count)).for_each(|(place, byte)| *place = byte);
            count
        });
        self.arm();
        count
    }

    /// Takes all bytes, and returns whether there were any.
    pub(super) fn drain(self: &Arc<Inbound>) -> io::Result<bool> {
        let had_bytes = self.with_all(|bytes| {
            let had_bytes = !bytes.is_empty();
            // A buffer that was large once is given back.
            *bytes = VecDeque::new();
            had_bytes
        });
        self.arm();
        had_bytes
    }

    /// Calls `body` with the buffer, after what is in the pipe was moved there.
    fn with_all<T>(&self, body: impl FnOnce(&mut VecDeque<u8>) -> T) -> io::Result<T> {
        let mut reading = lock(&self.reading);
        let mut moved = 0;
        // Only this thread reads: what is there stays there until it is read.
        while moved < DRAIN_LIMIT {
            let available = match self.available() {
                Ok(0) => break,
                Ok(available) => available,
                Err(_) if self.is_broken() => break,
                Err(error) => return Err(error),
            };
            let mut chunk = [0; 4096];
            let wanted = available.min(chunk.len());
            let count = read_now(self.reader.as_raw_handle(), &mut chunk[..wanted])?;
            let kept = count.min(DRAIN_LIMIT - reading.buffer.len().min(DRAIN_LIMIT));
            reading.buffer.extend(&chunk[..kept]);
            moved += count;
        }
        Ok(body(&mut reading.buffer))
    }

    /// Has [`Ended::ended`] called when there is a byte in the pipe, unless that is so already.
    fn arm(self: &Arc<Inbound>) {
        let mut reading = lock(&self.reading);
        if !reading.is_armed {
            let file = self.reader.as_raw_handle();
            let begun = Operation::begin(self.clone(), (), |overlapped, _| read_nothing(file, overlapped));
            reading.is_armed = begun.is_ok();
        }
    }
}

impl Ended for Inbound {
    fn ended(&self) {
        lock(&self.reading).is_armed = false;
        // When it fails, the one who is woken finds out why.
        let _ = self.with_all(|_| ());
        if let Some(bell) = self.bell.upgrade()
            && bell.on_inbound().is_ok()
            && !self.is_broken()
        {
            bell.arm_inbound();
        }
    }
}

impl Inbound {
    /// Closes the write side, and ends the operation that is under way, which holds this. Call it once.
    pub(super) fn close(&self) {
        // SAFETY: the handle is open. It fails when nothing is under way.
        unsafe { CancelIoEx(self.reader.as_raw_handle(), ptr::null()) };
        // The number of a write side that foreign code has closed may be another file's by now.
        let _ = self.available();
        if let Ok(numbers) = numbers()
            && !self.is_broken()
        {
            (numbers.close)(self.writer);
        }
    }

    /// Arms it again, after its end was dealt with.
    pub(super) fn rearm(self: &Arc<Inbound>) {
        self.arm();
    }
}

/// Returns the read side, which is overlapped, and the write side, which is not.
fn pipe() -> io::Result<(OwnedHandle, OwnedHandle)> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    // No other process knows the name, which has one instance.
    let secret = RandomState::new().hash_one(number);
    let name = format!(r"\\.\pipe\waitable-event-{}-{number}-{secret:016x}", std::process::id());
    let name: Vec<u16> = name.encode_utf16().chain([0]).collect();
    let mode = PIPE_ACCESS_INBOUND | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE;
    // SAFETY: a name with a NUL, and no attributes.
    let reader = unsafe {
        let kind = PIPE_TYPE_BYTE | PIPE_REJECT_REMOTE_CLIENTS;
        to_owned(CreateNamedPipeW(name.as_ptr(), mode, kind, 1, 0, CAPACITY, 0, ptr::null()))
    }?;
    // SAFETY: as above.
    let writer = unsafe {
        to_owned(CreateFileW(name.as_ptr(), GENERIC_WRITE, 0, ptr::null(), OPEN_EXISTING, 0, ptr::null_mut()))
    }?;
    Ok((reader, writer))
}

/// # Safety
///
/// `handle` was just made, for the result alone, or is no handle.
unsafe fn to_owned(handle: HANDLE) -> io::Result<OwnedHandle> {
    if handle == INVALID_HANDLE_VALUE || handle.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the caller's contract.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// Begins a read of no bytes.
fn read_nothing(file: RawHandle, overlapped: *mut OVERLAPPED) -> io::Result<()> {
    // SAFETY: nothing is read. The operation lives until its end.
    let result = unsafe { ReadFile(file, ptr::null_mut(), 0, ptr::null_mut(), overlapped) };
    match code::check(result) {
        Err(error) if !code::is(&error, ERROR_IO_PENDING) => Err(error),
        _ => Ok(()),
    }
}

/// Reads bytes that are there. Does not pass through the port: an event object with its lowest bit set says so.
fn read_now(file: RawHandle, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: without attributes and a name.
    let event = unsafe { to_owned(CreateEventW(ptr::null(), 1, 0, ptr::null())) }?;
    let mut overlapped =
        OVERLAPPED { hEvent: event.as_raw_handle().map_addr(|address| address | 1), ..OVERLAPPED::default() };
    let (mut count, data) = (0, buffer.as_mut_ptr().cast::<c_void>());
    // SAFETY: the kernel writes at most so many bytes. This returns when it has let go of the operation.
    let result = unsafe {
        let length = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
        let started = ReadFile(file, data.cast(), length, ptr::null_mut(), &mut overlapped);
        match code::check(started) {
            Err(error) if !code::is(&error, ERROR_IO_PENDING) => return Err(error),
            _ => GetOverlappedResult(file, &overlapped, &mut count, 1),
        }
    };
    code::check(result)?;
    Ok(count as usize)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::error::Error;
    use std::fs::File;
    use std::io::Write;
    use std::mem::ManuallyDrop;

    use super::super::files::{FileNumbers, use_file_numbers};
    use super::*;

    /// The owner of a pipe that does nothing about a byte.
    struct Idle;

    impl OnInbound for Idle {
        fn on_inbound(&self) -> io::Result<bool> {
            Ok(false)
        }

        fn arm_inbound(&self) {}
    }

    #[test]
    fn a_byte_cannot_be_moved_between_the_looks_into_the_buffer_and_into_the_pipe() -> Result<(), Box<dyn Error>> {
        // A number is the handle itself.
        let open = |handle: RawHandle| i32::try_from(handle.expose_provenance()).unwrap_or(-1);
        // SAFETY: the handle is owned by the number.
        let close =
            |number: Fileno| drop(unsafe { File::from_raw_handle(ptr::with_exposed_provenance_mut(number as usize)) });
        use_file_numbers(FileNumbers { open, close, handle: |_| None });
        let bell: Arc<dyn OnInbound> = Arc::new(Idle);
        let inbound = Inbound::new(Arc::downgrade(&bell))?;
        // SAFETY: the pipe keeps it open.
        let file = unsafe { File::from_raw_handle(ptr::with_exposed_provenance_mut(inbound.writer() as usize)) };
        let file = ManuallyDrop::new(file);
        for round in 0..20 {
            // The thread of operations may move it meanwhile. In some rounds it has not yet.
            (&*file).write_all(b"x")?;
            let is_notified = inbound.is_notified_with(|| {
                if inbound.reading.try_lock().is_ok() {
                    inbound.with_all(|_| ())?;
                }
                inbound.available()
            })?;
            assert!(is_notified, "round {round}");
            assert!(inbound.drain()?);
            assert!(!inbound.is_notified()?);
        }
        inbound.close();
        Ok(())
    }
}
