//! JavaScript values that native code holds on to.

use std::ffi::c_void;
use std::ptr;

use napi::sys;

/// A strong reference to a JavaScript value of one environment.
///
/// It has no `Drop`: it must be deleted on the environment's own thread while that lives, which only
/// its owner knows. One that is forgotten dies with its environment.
#[derive(Clone, Copy)]
pub struct Reference(sys::napi_ref);

impl Reference {
    /// # Safety
    ///
    /// `env` is current on this thread and `value` is one of its live objects or functions.
    pub unsafe fn new(env: sys::napi_env, value: sys::napi_value) -> Option<Reference> {
        let mut reference = ptr::null_mut();
        // SAFETY: the caller's contract; the result pointer is ours.
        let status = unsafe { sys::napi_create_reference(env, value, 1, &mut reference) };
        (status == sys::Status::napi_ok).then_some(Reference(reference))
    }

    /// The value, in the handle scope that is open.
    ///
    /// # Safety
    ///
    /// `env` is the environment the reference was made in, current on this thread; not deleted yet.
    pub unsafe fn get(self, env: sys::napi_env) -> Option<sys::napi_value> {
        let mut value = ptr::null_mut();
        // SAFETY: the caller's contract.
        let status = unsafe { sys::napi_get_reference_value(env, self.0, &mut value) };
        (status == sys::Status::napi_ok && !value.is_null()).then_some(value)
    }

    /// # Safety
    ///
    /// As for [`Reference::get`]; nobody uses this reference, or a copy of it, afterwards.
    pub unsafe fn delete(self, env: sys::napi_env) {
        // SAFETY: the caller's contract.
        unsafe { sys::napi_delete_reference(env, self.0) };
    }
}

/// The memory of an `Int32Array`: where, and how many elements.
///
/// # Safety
///
/// `env` is current on this thread and `value` is one of its live values.
pub unsafe fn int32_array(env: sys::napi_env, value: sys::napi_value) -> Option<(*mut i32, usize)> {
    const INT32_ARRAY: i32 = 5;
    let (mut kind, mut length, mut data) = (0, 0, ptr::null_mut::<c_void>());
    // SAFETY: the caller's contract; the results are ours, and those that are not wanted may be null.
    let status = unsafe {
        sys::napi_get_typedarray_info(env, value, &mut kind, &mut length, &mut data, ptr::null_mut(), ptr::null_mut())
    };
    let usable = status == sys::Status::napi_ok && kind == INT32_ARRAY && length > 0 && !data.is_null();
    usable.then_some((data.cast(), length))
}
