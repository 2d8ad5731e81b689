//! Links the addon the way Node expects it, and keeps it mapped once loaded.

fn main() {
    napi_build::setup();
}
