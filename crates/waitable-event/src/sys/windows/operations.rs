//! Operations of the kernel that end at some time: one thread of the process dequeues their ends from its own port.

use std::io;
use std::os::windows::io::RawHandle;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use windows_sys::Win32::System::IO::{OVERLAPPED, OVERLAPPED_ENTRY};

use super::port::{BATCH, Packets, Port};
use crate::sync::lock;

/// What is told when an operation has ended.
pub(super) trait Ended: Send + Sync {
    /// Deals with the end. Called on the thread of operations, without a lock.
    fn ended(&self);
}

/// An operation under way. The kernel writes to it, so it does not move, and lives until its end was dequeued.
#[repr(C)]
pub(super) struct Operation<T> {
    overlapped: OVERLAPPED,
    free: unsafe fn(*mut OVERLAPPED) -> Arc<dyn Ended>,
    owner: Arc<dyn Ended>,
    /// What the kernel reads and writes beside.
    data: T,
}

/// What all operations begin with.
#[repr(C)]
struct Header {
    overlapped: OVERLAPPED,
    free: unsafe fn(*mut OVERLAPPED) -> Arc<dyn Ended>,
}

impl<T> Operation<T> {
    /// Begins an operation on a file that was [`associate`]d. `begin` calls the kernel with the operation and its data.
    /// The end is dequeued unless that fails.
    ///
    /// # Errors
    ///
    /// Those of `begin`; there is no operation then.
    pub(super) fn begin(
        owner: Arc<dyn Ended>,
        data: T,
        begin: impl FnOnce(*mut OVERLAPPED, *mut T) -> io::Result<()>,
    ) -> io::Result<*mut OVERLAPPED> {
        let operation =
            Box::into_raw(Box::new(Operation { overlapped: OVERLAPPED::default(), free: free::<T>, owner, data }));
        // SAFETY: just allocated. The kernel has it when `begin` succeeds.
        let (overlapped, data) = unsafe { (&raw mut (*operation).overlapped, &raw mut (*operation).data) };
        match begin(overlapped, data) {
            Ok(()) => Ok(overlapped),
            Err(error) => {
                // SAFETY: the kernel does not know it.
                drop(unsafe { Box::from_raw(operation) });
                Err(error)
            }
        }
    }
}

/// Frees an operation, and returns who is to be told.
///
/// # Safety
///
/// `overlapped` is the beginning of an operation with this data, which the kernel does not use any more.
unsafe fn free<T>(overlapped: *mut OVERLAPPED) -> Arc<dyn Ended> {
    // SAFETY: the caller's contract; `repr(C)` puts it first.
    let operation = unsafe { Box::from_raw(overlapped.cast::<Operation<T>>()) };
    operation.owner
}

/// Has the ends of a file's operations dequeued here.
pub(super) fn associate(file: RawHandle) -> io::Result<()> {
    port()?.associate(file, 0)
}

/// Returns the port, whose thread starts when it is first needed. It ends with the process.
fn port() -> io::Result<&'static Port> {
    static RUNNING: OnceLock<&Port> = OnceLock::new();
    static MADE: Mutex<Option<&Port>> = Mutex::new(None);
    if let Some(port) = RUNNING.get() {
        return Ok(port);
    }
    let mut made = lock(&MADE);
    if let Some(port) = RUNNING.get() {
        return Ok(port);
    }
    let port = match *made {
        Some(port) => port,
        None => *made.insert(Box::leak(Box::new(Port::new()?))),
    };
    thread::Builder::new().name("waitable-poll".into()).spawn(|| run(port))?;
    Ok(RUNNING.get_or_init(|| port))
}

fn run(port: &Port) {
    let mut packets: Packets = [OVERLAPPED_ENTRY::default(); BATCH];
    // It fails only when the port is no port any more.
    while let Ok(count) = port.dequeue(&mut packets, None) {
        for packet in &packets[..count] {
            let overlapped = packet.lpOverlapped;
            // SAFETY: every packet of this port is the end of an operation, which the kernel has let go of.
            let owner = unsafe { ((*overlapped.cast::<Header>()).free)(overlapped) };
            owner.ended();
        }
    }
}
