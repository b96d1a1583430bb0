//! What every alternative here is given: the five texts of one event as C strings, copied as each library needs them.

use std::ffi::{c_char, CStr};

/// The same event for all: `MockServerStarted` is what the sink counts.
pub struct Texts {
    pub event: String,
    pub category: String,
    pub action: String,
    pub plugin_name: String,
    pub plugin_version: String,
}

pub fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: the benchmark gives NUL-terminated strings that live as long as the call.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

#[macro_export]
macro_rules! bench_library {
    ($start:expr, $event:expr, $flush:expr, $end:expr) => {
        #[unsafe(no_mangle)]
        pub extern "C" fn bench_start(url: *const std::ffi::c_char) -> i32 {
            $start(texts::text(url))
        }
        /// 0: taken; 1: refused.
        #[unsafe(no_mangle)]
        pub extern "C" fn bench_event(
            event: *const std::ffi::c_char,
            category: *const std::ffi::c_char,
            action: *const std::ffi::c_char,
            value: i64,
            plugin_name: *const std::ffi::c_char,
            plugin_version: *const std::ffi::c_char,
        ) -> i32 {
            let [event, category, action, plugin_name, plugin_version] =
                [event, category, action, plugin_name, plugin_version].map(texts::text);
            $event(texts::Texts { event, category, action, plugin_name, plugin_version }, value)
        }
        #[unsafe(no_mangle)]
        pub extern "C" fn bench_flush() {
            $flush()
        }
        /// The shutdown that its documentation asks for before a process exits.
        #[unsafe(no_mangle)]
        pub extern "C" fn bench_end() {
            $end()
        }
    };
}
