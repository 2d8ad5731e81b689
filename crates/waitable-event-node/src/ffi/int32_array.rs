//! The memory of an `Int32Array`.

use std::ffi::c_void;
use std::ptr;

use napi::sys;

/// Returns the address and the length of an `Int32Array`, unless `value` is something else or empty.
///
/// # Safety
///
/// `env` is current on this thread and `value` is one of its live values.
pub unsafe fn int32_array(env: sys::napi_env, value: sys::napi_value) -> Option<(*mut i32, usize)> {
    let (mut kind, mut length, mut data) = (0, 0, ptr::null_mut::<c_void>());
    // SAFETY: the caller's contract; the results are ours, and those that are not wanted may be null.
    let status = unsafe {
        sys::napi_get_typedarray_info(env, value, &mut kind, &mut length, &mut data, ptr::null_mut(), ptr::null_mut())
    };
    let usable =
        status == sys::Status::napi_ok && kind == sys::TypedarrayType::int32_array && length > 0 && !data.is_null();
    usable.then_some((data.cast(), length))
}
