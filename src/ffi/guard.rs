//! Lets no panic cross the boundary: unwinding into C is undefined behaviour, and a fault in telemetry must not end
//! somebody's test.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// Runs `body`; a panic inside becomes `fallback`.
#[inline(always)]
pub fn guard<R>(fallback: R, body: impl FnOnce() -> R) -> R {
    let body = || {
        #[cfg(feature = "force-panic")]
        if std::env::var_os("PACT_TELEMETRY_FORCE_PANIC").is_some() {
            std::panic::panic_any("forced");
        }
        body()
    };
    // Unwind safety: all state behind the boundary consists of atomics, or is behind locks that ignore poisoning.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        std::mem::forget(payload); // dropping a foreign payload could panic once more
        fallback
    })
}

/// Keeps a panic of the library off standard error. The default hook would print it there, and would read
/// `RUST_BACKTRACE` on any thread. A library that is used through its C ABI has a Rust runtime of its own, so no other
/// hook is lost.
pub fn silence_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(|_| {})));
}
