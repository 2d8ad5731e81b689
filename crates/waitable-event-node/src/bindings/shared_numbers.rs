//! The numbers that native code and the facade share.
//!
//! The facade has them as literals of its own, which its compiler folds. `__test__/internals/shared-numbers.test.ts`
//! compares them with these.

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use waitable_event::State;

use super::datagram::TRUNCATED;
use super::select::SELECT_LENGTH;
use crate::events::event_table::NO_SLOT;
use crate::ffi::address::ADDRESS_LENGTH;
use crate::ffi::{batch, readiness_flags, status};
use crate::pollers::token::LAST_TOKEN;

/// The numbers, by the names that the facade gives them.
const SHARED_NUMBERS: [(&str, f64); 24] = [
    ("STATUS_CLOSED", status::CLOSED as f64),
    ("STATUS_INTERRUPTED", status::INTERRUPTED as f64),
    ("STATUS_INVALID_HANDLE", status::INVALID_HANDLE as f64),
    ("STATUS_NO_ENVIRONMENT", status::NO_ENVIRONMENT as f64),
    ("READABLE", readiness_flags::READABLE as f64),
    ("WRITABLE", readiness_flags::WRITABLE as f64),
    ("PRIORITY", readiness_flags::PRIORITY as f64),
    ("HANG_UP", readiness_flags::HANG_UP as f64),
    ("ERROR", readiness_flags::ERROR as f64),
    ("EVENT", batch::EVENT as f64),
    ("ALARM", batch::ALARM as f64),
    ("DRIVER_FAILED", batch::DRIVER_FAILED as f64),
    ("FRESH", batch::FRESH as f64),
    ("ENTRY_LENGTH", batch::ENTRY_LENGTH as f64),
    ("IN_ITERATION", batch::IN_ITERATION as f64),
    ("HOLDERS", batch::HOLDERS as f64),
    ("SET", State::SET as f64),
    ("CLOSED", State::CLOSED as f64),
    ("EPOCH_SHIFT", State::EPOCH_SHIFT as f64),
    ("SELECT_LENGTH", SELECT_LENGTH as f64),
    ("LAST_TOKEN", LAST_TOKEN as f64),
    ("NO_SLOT", NO_SLOT as f64),
    ("ADDRESS_LENGTH", ADDRESS_LENGTH as f64),
    ("TRUNCATED", TRUNCATED as f64),
];

/// Returns the numbers that native code and the facade share, by name. For tests.
#[napi(ts_return_type = "Record<string, number>")]
pub fn shared_numbers(env: Env) -> napi::Result<Object<'static>> {
    let mut numbers = Object::new(&env)?;
    for (name, number) in SHARED_NUMBERS {
        numbers.set(name, number)?;
    }
    Ok(numbers)
}
