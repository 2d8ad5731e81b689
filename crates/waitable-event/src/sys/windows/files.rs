//! Keeps the promise that a regular file is always ready, as under poll(): Windows has no readiness for files. The same
//! is true of the null device. A pipe or a console may block, so they are refused.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::windows::io::{BorrowedHandle, RawHandle};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, Weak};

use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, ERROR_DIRECTORY_NOT_SUPPORTED};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ATTRIBUTE_DIRECTORY, FILE_TYPE_CHAR, FILE_TYPE_DISK, GetFileInformationByHandle,
    GetFileType,
};
use windows_sys::Win32::System::Console::GetConsoleMode;

use super::code;
use super::number::{Fileno, Number};
use super::source::Source;
use crate::park::Wake;
use crate::readiness::{Interest, Readiness};
use crate::sync::lock;

/// The functions of the C library whose numbers are meant. A process may have several: the numbers are those of Node's.
#[derive(Debug)]
pub struct FileNumbers {
    /// Returns a number for a handle, which it owns from then on; a negative one if there is none left.
    pub open: fn(RawHandle) -> Fileno,
    /// Closes a number, and its handle.
    pub close: fn(Fileno),
    /// Returns the handle of a number, if that is open.
    pub handle: fn(Fileno) -> Option<RawHandle>,
}

static NUMBERS: OnceLock<FileNumbers> = OnceLock::new();

/// Has numbers of files be those of the given C library. The first call of a process counts.
pub fn use_file_numbers(numbers: FileNumbers) {
    // All are the same library's.
    let _ = NUMBERS.set(numbers);
}

/// Returns the functions of the C library.
///
/// # Errors
///
/// ENOTSUP when none were given.
pub(super) fn numbers() -> io::Result<&'static FileNumbers> {
    NUMBERS.get().ok_or_else(|| code::error(code::UNSUPPORTED))
}

/// A file that is always ready.
pub(super) struct AlwaysReady;

impl Source for AlwaysReady {
    fn readiness(&self, interest: Interest) -> Readiness {
        Readiness { readable: interest.readable, writable: interest.writable, ..Readiness::default() }
    }

    fn watch(&self, _watcher: Arc<dyn Wake>, _interest: Interest) -> usize {
        0
    }

    fn unwatch(&self, _watch: usize) {}
}

/// A duplicate of a file, under a number of its own.
struct Duplicate {
    file: File,
    _source: Arc<AlwaysReady>,
    _number: Number,
}

static DUPLICATES: LazyLock<Mutex<HashMap<Fileno, Arc<Duplicate>>>> = LazyLock::new(Mutex::default);

/// Returns the handle of a file that is always ready; `None` when the number is not open.
///
/// # Errors
///
/// ENOTSUP for what may block, EISDIR for a directory.
fn handle_of(number: Fileno) -> io::Result<Option<RawHandle>> {
    let Some(handle) = NUMBERS.get().and_then(|numbers| (numbers.handle)(number)) else { return Ok(None) };
    // SAFETY: the calls fail for what is no handle.
    let is_ready = unsafe {
        match GetFileType(handle) {
            FILE_TYPE_DISK => {
                let mut information = BY_HANDLE_FILE_INFORMATION::default();
                code::check(GetFileInformationByHandle(handle, &mut information))?;
                if information.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY != 0 {
                    return Err(code::error(ERROR_DIRECTORY_NOT_SUPPORTED));
                }
                true
            }
            FILE_TYPE_CHAR => GetConsoleMode(handle, &mut 0) == 0,
            _ => false,
        }
    };
    if is_ready { Ok(Some(handle)) } else { Err(code::error(code::UNSUPPORTED)) }
}

/// Returns the source of a number of the C library; `None` when it is not open.
///
/// # Errors
///
/// ENOTSUP for what may block.
pub(super) fn source(number: Fileno) -> io::Result<Option<Arc<dyn Source>>> {
    Ok(handle_of(number)?.map(|_| Arc::new(AlwaysReady) as Arc<dyn Source>))
}

/// Duplicates a file; `None` when the number is not open. The two share a position, as duplicates do.
///
/// # Errors
///
/// ENOTSUP for what may block.
pub(super) fn duplicate(number: Fileno) -> io::Result<Option<Fileno>> {
    let Some(handle) = handle_of(number)? else { return Ok(None) };
    // SAFETY: it was open a moment ago. The call fails for a handle that is not.
    let file = File::from(unsafe { BorrowedHandle::borrow_raw(handle) }.try_clone_to_owned()?);
    let source = Arc::new(AlwaysReady);
    let owned = Number::new(Arc::downgrade(&source) as Weak<dyn Source>);
    let copy = owned.get();
    lock(&DUPLICATES).insert(copy, Arc::new(Duplicate { file, _source: source, _number: owned }));
    Ok(Some(copy))
}

/// Reads from a duplicate; `None` when the number is none.
pub(super) fn read(number: Fileno, buffer: &mut [u8]) -> Option<io::Result<usize>> {
    find(number).map(|duplicate| (&duplicate.file).read(buffer).map_err(to_unopened))
}

/// Writes to a duplicate; `None` when the number is none.
pub(super) fn write(number: Fileno, data: &[u8]) -> Option<io::Result<usize>> {
    find(number).map(|duplicate| (&duplicate.file).write(data).map_err(to_unopened))
}

/// Returns EBADF, as elsewhere, for a file that is not open for what was asked.
fn to_unopened(error: io::Error) -> io::Error {
    if code::is(&error, ERROR_ACCESS_DENIED) { code::error(code::NOT_OPEN) } else { error }
}

/// Closes a duplicate. Returns whether the number is one.
pub(super) fn close(number: Fileno) -> bool {
    let duplicate = lock(&DUPLICATES).remove(&number);
    duplicate.is_some()
}

fn find(number: Fileno) -> Option<Arc<Duplicate>> {
    lock(&DUPLICATES).get(&number).cloned()
}
