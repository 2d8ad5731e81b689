//! What crosses into JavaScript and libuv.

pub mod reference;
pub mod status;
pub mod uv_symbols;
