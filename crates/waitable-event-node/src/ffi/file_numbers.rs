//! The numbers of files as Node's C library has them: what `node:fs` and `spawn()` take on Windows.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::os::windows::io::RawHandle;
use std::ptr;

use waitable_event::sys::{FileNumbers, Fileno, use_file_numbers};

use super::uv_symbols::{ALIGNMENT, FS, Request, UvSymbols};

/// Has the write sides of events be numbers of Node's C library.
pub fn use_those_of_node() {
    if UvSymbols::get().is_some() {
        use_file_numbers(FileNumbers { open, close, is_open });
    }
}

fn open(handle: RawHandle) -> Fileno {
    // SAFETY: the handle is open, and owned by the number from now on.
    UvSymbols::get().map_or(-1, |symbols| unsafe { (symbols.open_osfhandle)(handle) })
}

fn is_open(number: Fileno) -> bool {
    let invalid = std::ptr::without_provenance_mut(usize::MAX);
    // SAFETY: the function takes a number. It returns what is no handle for one that is not open.
    UvSymbols::get().is_some_and(|symbols| unsafe { (symbols.get_osfhandle)(number) } != invalid)
}

fn close(number: Fileno) {
    let Some(symbols) = UvSymbols::get() else { return };
    // SAFETY: the function takes a number.
    let size = unsafe { (symbols.req_size)(FS) };
    let Ok(layout) = Layout::from_size_align(size, ALIGNMENT) else { return };
    if size == 0 {
        return;
    }
    // SAFETY: memory of libuv's own size. Without a callback the request is over when the call returns, and needs no
    // loop.
    unsafe {
        let request: *mut Request = alloc_zeroed(layout).cast();
        if !request.is_null() {
            (symbols.fs_close)(ptr::null_mut(), request, number, None);
            (symbols.fs_req_cleanup)(request);
            dealloc(request.cast(), layout);
        }
    }
}
