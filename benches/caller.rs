//! What an event costs the thread that reports it, beside the floor under it: a bare bounded crossbeam `try_send` of one
//! boxed 200-byte value. The library is the release build, opened with `dlopen` as every host does.
//!
//! `make bench` runs this. Times on a shared machine are noise: read the ratios, which come from the same run.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a benchmark

use std::ffi::{c_char, c_void, CStr, CString};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const BURST: usize = 1_000;
const ROUNDS: usize = 60;

type New = unsafe extern "C" fn(*const c_char, *mut c_char, u32) -> *mut c_void;
type Track = unsafe extern "C" fn(
    *mut c_void,
    *const c_char,
    *const c_char,
    *const c_char,
    i64,
    *const c_char,
    *const c_char,
) -> i32;
type Flush = unsafe extern "C" fn(*mut c_void, u32) -> i32;

struct Library {
    client: *mut c_void,
    track: Track,
    flush: Flush,
}

impl Library {
    fn open(path: &str, endpoint: &str) -> Self {
        let path = CString::new(path).unwrap();
        // SAFETY: the library of this project, whose functions have these types (include/pact_telemetry.h).
        unsafe {
            let handle = libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
            assert!(!handle.is_null(), "{:?}", CStr::from_ptr(libc::dlerror()));
            let symbol = |name: &CStr| libc::dlsym(handle, name.as_ptr());
            let new: New = std::mem::transmute(symbol(c"pact_telemetry_new"));
            let track: Track = std::mem::transmute(symbol(c"pact_telemetry_track"));
            let flush: Flush = std::mem::transmute(symbol(c"pact_telemetry_flush"));
            let config = CString::new(format!(
                r#"{{"library":{{"id":"pact-bench","name":"Pact Bench","version":"1.0.0"}},
                    "endpoint":"{endpoint}","measurement_id":"G-BENCH","api_secret":"bench"}}"#
            ));
            let client = new(config.unwrap().as_ptr(), std::ptr::null_mut(), 0);
            assert!(!client.is_null());
            Library { client, track, flush }
        }
    }

    #[inline]
    fn track(&self, value: i64, plugin: Option<(&CStr, &CStr)>) -> i32 {
        let (name, version) = plugin.map_or((std::ptr::null(), std::ptr::null()), |(n, v)| (n.as_ptr(), v.as_ptr()));
        let (event, category, action) = match plugin {
            None => (c"Pact consumer tests ran", c"ConsumerTest", c"Completed"),
            Some(_) => (c"Plugin loaded", c"Plugin", c"Loaded"),
        };
        // SAFETY: a live client and NUL-terminated strings.
        unsafe { (self.track)(self.client, event.as_ptr(), category.as_ptr(), action.as_ptr(), value, name, version) }
    }

    fn flush(&self) {
        // SAFETY: a live client.
        assert_eq!(unsafe { (self.flush)(self.client, 20_000) }, 0, "everything must arrive");
    }
}

struct Collector(Child);

impl Collector {
    fn start(binary: &str) -> (Self, String) {
        let mut child = Command::new(binary).arg("collect").stdout(Stdio::piped()).spawn().expect("the collector");
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        lines.read_line(&mut first).unwrap();
        let url = first.split('"').find(|part| part.starts_with("http")).expect("its address").to_owned();
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        (Collector(child), url)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Nanoseconds for each of `BURST` calls, on average.
fn burst(mut call: impl FnMut(i64)) -> f64 {
    // Every row after the same pause: the collector still prints what it got, and a core that slept starts slowly.
    std::thread::sleep(Duration::from_millis(5));
    let start = Instant::now();
    for value in 0..BURST as i64 {
        call(value);
    }
    start.elapsed().as_nanos() as f64 / BURST as f64
}

struct Row {
    what: &'static str,
    samples: Vec<f64>,
}

impl Row {
    fn at(&self, quantile: f64) -> f64 {
        let mut sorted = self.samples.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[((sorted.len() - 1) as f64 * quantile) as usize]
    }
}

fn main() {
    for name in ["PACT_DO_NOT_TRACK", "pact_do_not_track", "DO_NOT_TRACK", "HTTP_PROXY", "http_proxy"] {
        std::env::remove_var(name);
    }
    std::env::set_var("CI", "true"); // where events go at once
    let root = env!("CARGO_MANIFEST_DIR");
    std::env::set_var("PACT_TELEMETRY_STATE_DIR", format!("{root}/build/bench-state")); // and not among the person's own
    let (_collector, url) = Collector::start(&format!("{root}/target/release/pact-telemetry"));
    let library = Library::open(&format!("{root}/build/lib/libpact_telemetry.so"), &url);
    let (sender, receiver) = crossbeam_channel::bounded::<Box<[u8; 200]>>(4_096);
    let plugin = Some((c"protobuf", c"0.3.15"));

    let mut rows = [
        "floor: bounded crossbeam try_send, boxed 200 bytes",
        "track, accepted",
        "track, accepted, with a plugin",
        "track, opted out",
        "floor, one a millisecond",
        "track, one event a millisecond",
    ]
    .map(|what| Row { what, samples: Vec::new() });
    library.track(0, None);
    library.flush();
    for _ in 0..ROUNDS {
        // Interleaved, so that all rows see the same weather.
        rows[0].samples.push(burst(|value| {
            let mut boxed = Box::new([7u8; 200]);
            boxed[0] = value as u8;
            sender.try_send(boxed).expect("room");
        }));
        receiver.try_iter().for_each(drop);
        rows[1].samples.push(burst(|value| assert_eq!(library.track(value, None), 0)));
        library.flush();
        rows[2].samples.push(burst(|value| assert_eq!(library.track(value, plugin), 0)));
        library.flush();
        std::env::set_var("PACT_DO_NOT_TRACK", "true");
        library.track(0, None); // the one call that notices it wakes the sender, to throw away what waits
        rows[3].samples.push(burst(|value| assert_eq!(library.track(value, None), 1)));
        std::env::remove_var("PACT_DO_NOT_TRACK");
    }
    for _ in 0..1_000 {
        std::thread::sleep(Duration::from_millis(1));
        let start = Instant::now();
        sender.try_send(Box::new([7u8; 200])).expect("room");
        rows[4].samples.push(start.elapsed().as_nanos() as f64);
        std::thread::sleep(Duration::from_millis(1));
        let start = Instant::now();
        assert_eq!(library.track(1, None), 0);
        rows[5].samples.push(start.elapsed().as_nanos() as f64);
    }
    library.flush();

    let floor = rows[0].at(0.5);
    println!(
        "{:<52} {:>9} {:>9} {:>9} {:>10}",
        "caller's cost of one event", "10 % ns", "median ns", "90 % ns", "x floor"
    );
    for row in &rows {
        let [low, median, high] = [0.1, 0.5, 0.9].map(|quantile| row.at(quantile));
        println!("{:<52} {low:>9.1} {median:>9.1} {high:>9.1} {:>10.2}", row.what, median / floor);
    }
    println!("{} variables in the environment", std::env::vars_os().count());
}
