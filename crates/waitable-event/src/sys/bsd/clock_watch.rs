//! Keeps the promise that tasks on the wall clock learn when that clock is set. macOS posts a notification then
//! (notify(3)), which has a descriptor. FreeBSD has nothing like it: there, and where macOS refuses, a timer fires once
//! a second while there are such tasks, and the loop compares the clocks (`selector.rs`).

#[cfg(target_vendor = "apple")]
mod system {
    use std::ffi::{c_char, c_int};
    use std::os::fd::{AsFd, BorrowedFd, RawFd};

    // <notify.h>, in libSystem.
    unsafe extern "C" {
        fn notify_register_file_descriptor(name: *const c_char, fd: *mut c_int, flags: c_int, token: *mut c_int)
        -> u32;
        fn notify_cancel(token: c_int) -> u32;
    }

    /// A descriptor that becomes readable when the wall clock is set.
    #[derive(Debug)]
    pub(crate) struct ClockWatch {
        fd: RawFd,
        token: c_int,
    }

    impl ClockWatch {
        /// Returns `None` when the system refuses.
        pub(crate) fn new() -> Option<ClockWatch> {
            let (mut fd, mut token) = (-1, -1);
            // kNotifyClockSet.
            let name = c"com.apple.system.clock_set";
            // SAFETY: a string with a NUL, and two numbers that the call writes. NOTIFY_STATUS_OK is zero.
            let status = unsafe { notify_register_file_descriptor(name.as_ptr(), &mut fd, 0, &mut token) };
            (status == 0 && fd >= 0).then_some(ClockWatch { fd, token })
        }
    }

    impl AsFd for ClockWatch {
        fn as_fd(&self) -> BorrowedFd<'_> {
            // SAFETY: open until `notify_cancel` closes it.
            unsafe { BorrowedFd::borrow_raw(self.fd) }
        }
    }

    impl Drop for ClockWatch {
        fn drop(&mut self) {
            // SAFETY: this owns the token, and its descriptor.
            unsafe { notify_cancel(self.token) };
        }
    }
}

#[cfg(not(target_vendor = "apple"))]
mod system {
    use std::convert::Infallible;
    use std::os::fd::{AsFd, BorrowedFd};

    /// There is none.
    #[derive(Debug)]
    pub(crate) struct ClockWatch(Infallible);

    impl ClockWatch {
        /// Returns `None`.
        pub(crate) fn new() -> Option<ClockWatch> {
            None
        }
    }

    impl AsFd for ClockWatch {
        fn as_fd(&self) -> BorrowedFd<'_> {
            match self.0 {}
        }
    }
}

pub(super) use system::ClockWatch;
