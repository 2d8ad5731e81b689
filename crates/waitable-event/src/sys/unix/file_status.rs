//! Keeps the promise that a number which is another file by now is left alone: `fstat64()` tells which file a
//! descriptor stands for, and of what kind it is.
//!
//! nix has `fstat()` only. Where file offsets have 32 bits, as on 32-bit ARM, that one fails with EOVERFLOW for a file
//! of 2 GiB, and for one whose number has more than 32 bits.

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use nix::libc::{fstat, stat};
#[cfg(any(target_os = "linux", target_os = "android"))]
use nix::libc::{fstat64 as fstat, stat64 as stat};
use nix::sys::stat::SFlag;

/// What [`file_status`] tells of a file.
pub(crate) struct FileStatus {
    /// The file's device and number. Their types differ between systems.
    pub(crate) identity: (i128, i128),
    /// One of the values `SFlag::S_IF…`.
    pub(crate) kind: SFlag,
}

/// Returns what the kernel knows of the file behind a descriptor.
pub(crate) fn file_status(fd: BorrowedFd<'_>) -> nix::Result<FileStatus> {
    let mut status = MaybeUninit::<stat>::uninit();
    // SAFETY: the kernel writes the structure, or the call fails.
    let status = unsafe {
        Errno::result(fstat(fd.as_raw_fd(), status.as_mut_ptr()))?;
        status.assume_init()
    };
    Ok(FileStatus {
        identity: (i128::from(status.st_dev), i128::from(status.st_ino)),
        kind: SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT,
    })
}
