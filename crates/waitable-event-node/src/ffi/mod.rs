//! How values cross into JavaScript, and the functions of libuv and V8. Uses nothing else of this crate.

pub mod address;
pub mod batch;
pub mod errno;
#[cfg(windows)]
pub mod file_numbers;
pub mod handle_scope;
pub mod int32_array;
pub mod number_table;
pub mod readiness_flags;
pub mod reference;
pub mod request_handle;
pub mod status;
pub mod uv_symbols;
pub mod v8_symbols;
#[cfg(windows)]
mod windows_errno;
