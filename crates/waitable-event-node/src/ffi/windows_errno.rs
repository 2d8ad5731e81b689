//! The errors of Windows, by libuv's numbers: what `util.getSystemErrorName()` knows.

use std::fmt;
use std::io;

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_ALREADY_EXISTS, ERROR_BROKEN_PIPE, ERROR_CALL_NOT_IMPLEMENTED,
    ERROR_DIRECTORY_NOT_SUPPORTED, ERROR_FILE_NOT_FOUND, ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER, ERROR_NO_DATA,
    ERROR_NO_SYSTEM_RESOURCES, ERROR_NOT_ENOUGH_MEMORY, ERROR_NOT_FOUND, ERROR_NOT_SUPPORTED, ERROR_OUTOFMEMORY,
    ERROR_TOO_MANY_CMDS, ERROR_TOO_MANY_OPEN_FILES, WIN32_ERROR,
};
use windows_sys::Win32::Networking::WinSock::{
    WSAEACCES, WSAEADDRINUSE, WSAEADDRNOTAVAIL, WSAEAFNOSUPPORT, WSAECONNABORTED, WSAECONNREFUSED, WSAECONNRESET,
    WSAEDESTADDRREQ, WSAEHOSTUNREACH, WSAEINVAL, WSAEMFILE, WSAEMSGSIZE, WSAENETDOWN, WSAENETUNREACH, WSAENOBUFS,
    WSAENOPROTOOPT, WSAENOTCONN, WSAENOTSOCK, WSAEOPNOTSUPP, WSAEPROTONOSUPPORT, WSAESHUTDOWN, WSAEWOULDBLOCK,
};

// Those of libuv's `uv/errno.h`, without the sign.
pub const EACCES: i32 = 4092;
pub const EADDRINUSE: i32 = 4091;
pub const EADDRNOTAVAIL: i32 = 4090;
pub const EAFNOSUPPORT: i32 = 4089;
pub const EAGAIN: i32 = 4088;
pub const EBADF: i32 = 4083;
pub const ECONNABORTED: i32 = 4079;
pub const ECONNREFUSED: i32 = 4078;
pub const ECONNRESET: i32 = 4077;
pub const EDESTADDRREQ: i32 = 4076;
pub const EEXIST: i32 = 4075;
pub const EHOSTUNREACH: i32 = 4073;
pub const EINVAL: i32 = 4071;
pub const EIO: i32 = 4070;
pub const EISDIR: i32 = 4068;
pub const EMFILE: i32 = 4066;
pub const EMSGSIZE: i32 = 4065;
pub const ENETDOWN: i32 = 4064;
pub const ENETUNREACH: i32 = 4062;
pub const ENFILE: i32 = 4061;
pub const ENOBUFS: i32 = 4060;
pub const ENOENT: i32 = 4058;
pub const ENOMEM: i32 = 4057;
pub const ENOSYS: i32 = 4054;
pub const ENOTCONN: i32 = 4053;
pub const ENOTSOCK: i32 = 4050;
pub const ENOTSUP: i32 = 4049;
pub const EPERM: i32 = 4048;
pub const EPIPE: i32 = 4047;
pub const EPROTONOSUPPORT: i32 = 4045;
pub const ENOPROTOOPT: i32 = 4035;

/// The system's numbers, and libuv's.
const NUMBERS: [(WIN32_ERROR, i32); 37] = [
    (ERROR_ACCESS_DENIED, EPERM),
    (ERROR_ALREADY_EXISTS, EEXIST),
    (ERROR_BROKEN_PIPE, EPIPE),
    (ERROR_DIRECTORY_NOT_SUPPORTED, EISDIR),
    (ERROR_CALL_NOT_IMPLEMENTED, ENOSYS),
    (ERROR_FILE_NOT_FOUND, ENOENT),
    (ERROR_INVALID_HANDLE, EBADF),
    (ERROR_INVALID_PARAMETER, EINVAL),
    (ERROR_NO_DATA, EPIPE),
    (ERROR_NO_SYSTEM_RESOURCES, ENOMEM),
    (ERROR_NOT_ENOUGH_MEMORY, ENOMEM),
    (ERROR_NOT_FOUND, ENOENT),
    (ERROR_NOT_SUPPORTED, ENOTSUP),
    (ERROR_OUTOFMEMORY, ENOMEM),
    (ERROR_TOO_MANY_CMDS, EAGAIN),
    (ERROR_TOO_MANY_OPEN_FILES, EMFILE),
    (WSAEACCES as WIN32_ERROR, EACCES),
    (WSAEADDRINUSE as WIN32_ERROR, EADDRINUSE),
    (WSAEADDRNOTAVAIL as WIN32_ERROR, EADDRNOTAVAIL),
    (WSAEAFNOSUPPORT as WIN32_ERROR, EAFNOSUPPORT),
    (WSAECONNABORTED as WIN32_ERROR, ECONNABORTED),
    (WSAECONNREFUSED as WIN32_ERROR, ECONNREFUSED),
    (WSAECONNRESET as WIN32_ERROR, ECONNRESET),
    (WSAEDESTADDRREQ as WIN32_ERROR, EDESTADDRREQ),
    (WSAEHOSTUNREACH as WIN32_ERROR, EHOSTUNREACH),
    (WSAEINVAL as WIN32_ERROR, EINVAL),
    (WSAEMFILE as WIN32_ERROR, EMFILE),
    (WSAEMSGSIZE as WIN32_ERROR, EMSGSIZE),
    (WSAENETDOWN as WIN32_ERROR, ENETDOWN),
    (WSAENETUNREACH as WIN32_ERROR, ENETUNREACH),
    (WSAENOBUFS as WIN32_ERROR, ENOBUFS),
    (WSAENOPROTOOPT as WIN32_ERROR, ENOPROTOOPT),
    (WSAENOTCONN as WIN32_ERROR, ENOTCONN),
    (WSAENOTSOCK as WIN32_ERROR, ENOTSOCK),
    (WSAEOPNOTSUPP as WIN32_ERROR, ENOTSUP),
    (WSAEPROTONOSUPPORT as WIN32_ERROR, EPROTONOSUPPORT),
    (WSAEWOULDBLOCK as WIN32_ERROR, EAGAIN),
];

/// An error that has a number of libuv's alone.
#[derive(Debug)]
struct UvError(i32);

impl fmt::Display for UvError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "libuv's error -{}", self.0)
    }
}

impl std::error::Error for UvError {}

/// Returns the error with this number.
pub fn error(number: i32) -> io::Error {
    io::Error::other(UvError(number))
}

/// Returns the number of an error, if it has one.
pub fn number_of(error: &io::Error) -> Option<i32> {
    let Some(code) = error.raw_os_error() else {
        let inner = error.get_ref()?.downcast_ref::<UvError>()?;
        return Some(inner.0);
    };
    let code = code as WIN32_ERROR;
    if code == WSAESHUTDOWN as WIN32_ERROR {
        return Some(EPIPE);
    }
    NUMBERS.iter().find(|(system, _)| *system == code).map(|(_, number)| *number)
}
