//! JavaScript values that native code holds.

use std::ptr;

use napi::sys;

/// A strong reference to a JavaScript value of one environment.
///
/// It has no `Drop`: it must be deleted on the environment's own thread while the environment lives, which the owner
/// alone knows. A reference that is not deleted ends with its environment.
#[derive(Clone, Copy)]
pub struct Reference(sys::napi_ref);

impl Reference {
    /// Returns a reference to `value`.
    ///
    /// # Safety
    ///
    /// `env` is current on this thread and `value` is one of its live objects or functions.
    pub unsafe fn new(env: sys::napi_env, value: sys::napi_value) -> Option<Reference> {
        let mut reference = ptr::null_mut();
        // SAFETY: the caller's contract; the result pointer is ours.
        let status = unsafe { sys::napi_create_reference(env, value, 1, &mut reference) };
        (status == sys::Status::napi_ok).then_some(Reference(reference))
    }

    /// Returns the value, in the handle scope that is open.
    ///
    /// # Safety
    ///
    /// `env` is the environment that the reference was made in, and current on this thread. The reference is not
    /// deleted yet.
    pub unsafe fn get(self, env: sys::napi_env) -> Option<sys::napi_value> {
        let mut value = ptr::null_mut();
        // SAFETY: the caller's contract.
        let status = unsafe { sys::napi_get_reference_value(env, self.0, &mut value) };
        (status == sys::Status::napi_ok && !value.is_null()).then_some(value)
    }

    /// Deletes the reference.
    ///
    /// # Safety
    ///
    /// As for [`Reference::get`]; neither this reference nor a copy of it is used afterwards.
    pub unsafe fn delete(self, env: sys::napi_env) {
        // SAFETY: the caller's contract.
        unsafe { sys::napi_delete_reference(env, self.0) };
    }
}
