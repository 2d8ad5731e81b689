//! The numbers of files as Node's C library has them: what `node:fs` and `spawn()` take on Windows.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::os::windows::io::RawHandle;
use std::ptr;

use waitable_event::sys::{FileNumbers, Fileno, use_file_numbers};

use super::uv_symbols::{ALIGNMENT, FS, Request, UvSymbols};

/// Has the write sides of events be numbers of Node's C library.
pub fn use_those_of_node() {
    if UvSymbols::get().is_some() {
        use_file_numbers(FileNumbers { open, close, handle });
    }
}

fn open(handle: RawHandle) -> Fileno {
    // SAFETY: the handle is open, and owned by the number from now on.
    UvSymbols::get().map_or(-1, |symbols| unsafe { (symbols.open_osfhandle)(handle) })
}

fn handle(number: Fileno) -> Option<RawHandle> {
    // SAFETY: the function takes a number.
    let handle = unsafe { (UvSymbols::get()?.get_osfhandle)(number) };
    // -1 for a number that is not open, -2 for a standard one without a file.
    (handle.addr().cast_signed() >= 0).then_some(handle)
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
