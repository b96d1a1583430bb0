//! The subjects of the measurement: the library and its alternatives, each opened with `dlopen` and given the same
//! event.

use std::ffi::{CStr, CString, c_char, c_void};

/// The folder of this project.
pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// In the order of the table's columns.
pub const NAMES: [&str; 5] = ["pact_telemetry", "pact_matching", "sentry", "opentelemetry", "libdatadog"];

type Texts =
    unsafe extern "C" fn(*const c_char, *const c_char, *const c_char, i64, *const c_char, *const c_char) -> i32;
type Track = unsafe extern "C" fn(
    *mut c_void,
    *const c_char,
    *const c_char,
    *const c_char,
    i64,
    *const c_char,
    *const c_char,
) -> i32;
type New = unsafe extern "C" fn(*const c_char, *mut c_char, u32) -> *mut c_void;
type Flush = unsafe extern "C" fn(*mut c_void, u32) -> i32;

enum Verbs {
    /// A process that opens nothing.
    Nobody,
    Library {
        client: *mut c_void,
        track: Track,
        flush: Flush,
    },
    Alternative {
        event: Texts,
        flush: extern "C" fn(),
        end: extern "C" fn(),
    },
}

pub struct Subject(Verbs);

// SAFETY: track, flush and bench_event may be called from any thread; the client is freed by nobody.
unsafe impl Sync for Subject {}

/// Where the library of that name is; it may be missing, if it did not build.
pub fn path(name: &str) -> String {
    match name {
        "pact_telemetry" => {
            std::env::var("BENCH_LIBRARY").unwrap_or_else(|_| format!("{ROOT}/build/lib/libpact_telemetry.so"))
        }
        _ => format!("{ROOT}/build/alternatives/release/libbench_{name}.so"),
    }
}

pub fn exists(name: &str) -> bool {
    std::path::Path::new(&path(name)).exists()
}

pub fn open(name: &str) -> *mut c_void {
    let path = CString::new(path(name)).unwrap();
    // SAFETY: our own libraries, whose constructors do nothing of note.
    let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    // SAFETY: after a failure there is a text.
    assert!(!handle.is_null(), "{:?}", unsafe { CStr::from_ptr(libc::dlerror()) });
    handle
}

impl Subject {
    /// Starts a subject as it is when nothing is configured; the library with Google Analytics 4.
    pub fn start(name: &str, url: &str) -> Self {
        Self::start_with(name, url, "ga4")
    }

    /// `protocol` is for the library only.
    pub fn start_with(name: &str, url: &str, protocol: &str) -> Self {
        if name == "nobody" {
            return Subject(Verbs::Nobody);
        }
        let handle = open(name);
        let symbol = |name: &CStr| {
            // SAFETY: an open library.
            let found = unsafe { libc::dlsym(handle, name.as_ptr()) };
            assert!(!found.is_null(), "{name:?}");
            found
        };
        if name != "pact_telemetry" {
            let url = CString::new(url).unwrap();
            // SAFETY: their types are in benches/alternatives/texts.rs.
            unsafe {
                let start: extern "C" fn(*const c_char) -> i32 = std::mem::transmute(symbol(c"bench_start"));
                assert_eq!(start(url.as_ptr()), 0, "{name} starts");
                return Subject(Verbs::Alternative {
                    event: std::mem::transmute::<*mut c_void, Texts>(symbol(c"bench_event")),
                    flush: std::mem::transmute::<*mut c_void, extern "C" fn()>(symbol(c"bench_flush")),
                    end: std::mem::transmute::<*mut c_void, extern "C" fn()>(symbol(c"bench_end")),
                });
            }
        }
        let credentials = if protocol == "ga4" { r#","measurement_id":"G-BENCH","api_secret":"bench""# } else { "" };
        let config = CString::new(format!(
            r#"{{"library":{{"id":"pact-bench","name":"Pact Bench","version":"1.0.0"}},
                "protocol":"{protocol}","endpoint":"{url}"{credentials}}}"#
        ));
        // SAFETY: their types are in include/pact_telemetry.h.
        unsafe {
            let new: New = std::mem::transmute(symbol(c"pact_telemetry_new"));
            let client = new(config.unwrap().as_ptr(), std::ptr::null_mut(), 0);
            assert!(!client.is_null(), "a client");
            Subject(Verbs::Library {
                client,
                track: std::mem::transmute::<*mut c_void, Track>(symbol(c"pact_telemetry_track")),
                flush: std::mem::transmute::<*mut c_void, Flush>(symbol(c"pact_telemetry_flush")),
            })
        }
    }

    /// One event of five texts and a number; 0 if it was taken.
    #[inline]
    pub fn event(&self, value: i64) -> i32 {
        let texts = [c"Pact mock server started", c"ConsumerTest", c"MockServerStarted", c"protobuf", c"0.3.15"];
        let [event, category, action, plugin, version] = texts.map(CStr::as_ptr);
        // SAFETY: NUL-terminated strings, and a client that nobody frees.
        unsafe {
            match &self.0 {
                Verbs::Nobody => 0,
                Verbs::Library { client, track, .. } => track(*client, event, category, action, value, plugin, version),
                Verbs::Alternative { event: report, .. } => report(event, category, action, value, plugin, version),
            }
        }
    }

    pub fn flush(&self) {
        match &self.0 {
            Verbs::Nobody => (),
            Verbs::Library { client, flush, .. } => {
                // SAFETY: as above.
                let _ = unsafe { flush(*client, 20_000) };
            }
            Verbs::Alternative { flush, .. } => flush(),
        }
    }

    /// The shutdown that its documentation asks for before a process exits. The library asks for none.
    pub fn end(&self) {
        if let Verbs::Alternative { end, .. } = &self.0 {
            end();
        }
    }
}
