//! What one measured process does, and prints as lines of a name and a number. The short scenes; the caller's, which
//! has threads and rounds, is in caller.rs.

use crate::caller;
use crate::probe::{self, arrived, monotonic, settle, tell};
use crate::subject::{self, Subject};
use std::ffi::CStr;
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The number of fresh pages of memory that are touched, as a floor.
const PAGES: usize = 32;

/// `arguments`: scene, subject, the subject's server, the sink.
pub fn play(arguments: &[String]) {
    let [scene, name, url, sink] = [0, 1, 2, 3].map(|at| arguments[at].as_str());
    // SAFETY: it takes no pointer. A scene that hangs must not hold up the others.
    unsafe { libc::alarm(60) };
    match scene {
        "caller" => caller::scene(name, url, sink),
        "first" => first(name, url),
        "threads" => threads(),
        "post" => post(sink),
        "count-1" => count(name, url, 1),
        "count-101" => count(name, url, 101),
        "allocations" => allocations(name, url, sink),
        "memory" => memory(name, url, sink),
        "dlopen" => dlopen(name),
        "exit idle" | "exit delivered" | "exit offline" => exit(scene, name, url, sink),
        "sustained" | "sustained 25" | "sustained otlp" => sustained(scene, name, url, sink),
        "idle" => idle(name, url, sink),
        "again" => again(name, url, sink),
        "full own" | "full shared" | "full own more" | "full shared more" => full(scene),
        "one" => {
            let subject = Subject::start(name, url);
            subject.event(1);
            subject.end();
        }
        _ => panic!("no scene {scene}"),
    }
}

/// Reports one event, and waits until it has arrived.
fn deliver(name: &str, subject: &Subject, sink: &str) {
    let before = arrived(sink);
    subject.event(1);
    settle(name, subject, sink, before + 1);
}

fn first(name: &str, url: &str) {
    let whole = Instant::now();
    let subject = Subject::start(name, url);
    let (faults, start) = (usage().ru_minflt, Instant::now());
    subject.event(1);
    tell("first", start.elapsed().as_secs_f64());
    tell("faults", (usage().ru_minflt - faults) as f64);
    tell("whole", whole.elapsed().as_secs_f64()); // most start their threads before their first event
    tell("touch", touch());
}

/// The floor of a first event: starting a thread that does nothing, the first one of a process that loaded nothing, and
/// later ones, whose stack and pages exist already.
fn threads() {
    for what in std::iter::once("first thread").chain(std::iter::repeat_n("later thread", 10)) {
        tell(what, thread());
    }
}

/// Seconds to start a thread that does nothing.
fn thread() -> f64 {
    extern "C" fn nothing(_: *mut libc::c_void) -> *mut libc::c_void {
        std::ptr::null_mut()
    }
    // SAFETY: joined at once; pthread_t is a number or a pointer.
    unsafe {
        let mut thread = std::mem::zeroed();
        let start = Instant::now();
        assert_eq!(libc::pthread_create(&mut thread, std::ptr::null(), nothing, std::ptr::null_mut()), 0);
        let took = start.elapsed().as_secs_f64();
        libc::pthread_join(thread, std::ptr::null_mut());
        took
    }
}

/// An event after a quiet time in which the library's threads ended, and a bare thread after as long a time.
fn again(name: &str, url: &str, sink: &str) {
    let subject = Subject::start(name, url);
    let quiet = |what: &str| {
        std::thread::sleep(Duration::from_millis(2_500));
        let threads = std::fs::read_dir("/proc/self/task").unwrap().count();
        assert_eq!(threads, 1, "{what}: the library's threads have ended");
    };
    for _ in 0..5 {
        deliver(name, &subject, sink);
        quiet("an event");
        let (before, start) = (arrived(sink), Instant::now());
        subject.event(1);
        tell("again", start.elapsed().as_secs_f64());
        settle(name, &subject, sink, before + 1);
        quiet("a thread");
        tell("thread", thread());
    }
}

/// Seconds to write into that many pages of memory that nobody has used.
fn touch() -> f64 {
    const PAGE: usize = 4_096;
    // SAFETY: memory of its own, written inside its bounds alone.
    unsafe {
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let pages = libc::mmap(std::ptr::null_mut(), PAGES * PAGE, access, kind, -1, 0);
        assert_ne!(pages, libc::MAP_FAILED);
        let start = Instant::now();
        for page in 0..PAGES {
            pages.cast::<u8>().add(page * PAGE).write_volatile(1);
        }
        start.elapsed().as_secs_f64()
    }
}

/// The floor under any request: one POST, over a connection that is there and over a new one.
fn post(sink: &str) {
    let connect = || TcpStream::connect(sink.trim_start_matches("http://")).unwrap();
    let request = format!("POST / HTTP/1.1\r\nHost: bench\r\nContent-Length: 300\r\n\r\n{:300}", "");
    let answered = |mut stream: &TcpStream| {
        stream.write_all(request.as_bytes()).unwrap();
        assert!(stream.read(&mut [0; 256]).unwrap() > 0);
    };
    let kept = connect();
    for _ in 0..200 {
        let start = Instant::now();
        answered(&kept);
        tell("kept", start.elapsed().as_secs_f64());
        let start = Instant::now();
        answered(&connect());
        tell("new", start.elapsed().as_secs_f64());
    }
}

/// For callgrind, which counts what happens inside the exported function alone.
fn count(name: &str, url: &str, events: i64) {
    let subject = Subject::start(name, url);
    for value in 0..events {
        subject.event(value);
    }
}

/// Needs benches/allocations.c to be preloaded, which counts the allocations of this thread.
fn allocations(name: &str, url: &str, sink: &str) {
    let subject = Subject::start(name, url);
    deliver(name, &subject, sink);
    // SAFETY: looked up in what is loaded; its type is in benches/allocations.c.
    let counter = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"bench_allocations".as_ptr()) };
    assert!(!counter.is_null(), "benches/allocations.c is preloaded");
    // SAFETY: see above.
    let counter: extern "C" fn() -> i64 = unsafe { std::mem::transmute(counter) };
    for value in 0..100 {
        let before = counter();
        subject.event(value);
        tell("allocations", (counter() - before) as f64);
    }
}

/// Resident and dirty bytes of this process.
fn resident() -> (f64, f64) {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let kilobytes = |field: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    (kilobytes("Rss:") * 1024.0, (kilobytes("Private_Dirty:") + kilobytes("Shared_Dirty:")) * 1024.0)
}

fn memory(name: &str, url: &str, sink: &str) {
    arrived(sink); // what the bench itself needs is there before
    let before = resident();
    subject::open(name);
    let loaded = resident();
    tell("loaded", loaded.0 - before.0);
    let subject = Subject::start(name, url);
    let start = arrived(sink);
    deliver(name, &subject, sink);
    let after = resident();
    tell("delivered", after.0 - before.0);
    tell("dirty", after.1 - before.1);
    // The collector's lines about TLS requests come a little later than its answers.
    let patience = Instant::now();
    while arrived(sink) == start && patience.elapsed() < Duration::from_secs(2) {
        std::thread::sleep(Duration::from_millis(5));
    }
    tell("arrived", (arrived(sink) - start) as f64);
}

fn dlopen(name: &str) {
    let path = std::ffi::CString::new(subject::path(name)).unwrap();
    let start = Instant::now();
    // SAFETY: our own libraries, whose constructors do nothing of note.
    let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    tell("dlopen", start.elapsed().as_secs_f64());
    // SAFETY: after a failure there is a text.
    assert!(!black_box(handle).is_null(), "{:?}", unsafe { CStr::from_ptr(libc::dlerror()) });
}

/// Prints when its work was done; the parent sees when the process has exited.
fn exit(scene: &str, name: &str, url: &str, sink: &str) {
    let subject = Subject::start(name, url);
    match scene {
        "exit delivered" => deliver(name, &subject, sink),
        "exit offline" => assert_eq!(subject.event(1), 0),
        _ => (),
    }
    tell("ended", monotonic());
    subject.end();
}

/// `sustained 25`: at most 25 events in a request, of those that send more. `sustained otlp`: the library with that
/// protocol.
fn sustained(scene: &str, name: &str, url: &str, sink: &str) {
    // As many at a time as each subject holds without a loss; the library says when its queue is full.
    let chunk = match name {
        "pact_telemetry" => i64::MAX,
        "pact_matching" => 50,
        "sentry" => 25,
        _ => 2_000,
    };
    // opentelemetry has a setting for it, libdatadog sends what it has whenever it is flushed.
    let flushes_each = if (scene, name) == ("sustained 25", "libdatadog") { 25 } else { i64::MAX };
    let subject = Subject::start_with(name, url, if scene == "sustained otlp" { "otlp" } else { "ga4" });
    deliver(name, &subject, sink);
    let (before, requests, cpu, start) = (arrived(sink), probe::requests(sink), processor(), Instant::now());
    let mut taken = 0;
    while start.elapsed() < Duration::from_secs(2) {
        match subject.event(taken) {
            0 => taken += 1,
            _ => std::thread::sleep(Duration::from_micros(100)),
        }
        if taken % flushes_each == 0 {
            subject.flush();
        }
        if taken % chunk == 0 {
            settle(name, &subject, sink, before + taken as u64);
        }
    }
    settle(name, &subject, sink, before + taken as u64);
    let (elapsed, cpu, arrived) = (start.elapsed().as_secs_f64(), processor() - cpu, (arrived(sink) - before) as f64);
    tell("rate", arrived / elapsed);
    tell("cpu", cpu / arrived * 1e6);
    tell("lost", (taken as f64 - arrived) / taken as f64);
    tell("each", arrived / (probe::requests(sink) - requests) as f64);
}

fn usage() -> libc::rusage {
    // SAFETY: a place of the right type.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    }
}

/// Seconds of CPU of all threads of this process.
fn processor() -> f64 {
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage().ru_utime) + seconds(usage().ru_stime)
}

/// The number of events that are refused; so many that it does not matter how many the worker took out before.
pub const REFUSED: i64 = 20_000;

/// The queue is full, since a server accepts connections and never answers. `own`: one client has used up its share.
/// `shared`: three clients have, together, and none its own. `more`: in addition, events are refused, and each burst is
/// timed: those that are taken while the queue fills, and as many that are refused.
fn full(scene: &str) {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", server.local_addr().unwrap());
    let clients = if scene.contains("shared") { 3 } else { 1 };
    let subjects: Vec<_> = (0..clients).map(|_| Subject::start("pact_telemetry", &url)).collect();
    let event = |value: i64| subjects[value as usize % clients].event(value);
    const BURST: i64 = 100;
    let burst = || {
        let start = Instant::now();
        let taken = (0..BURST).filter(|value| event(*value) == 0).count() as i64;
        (taken, start.elapsed().as_secs_f64() / BURST as f64)
    };
    // The worker takes some of them out, until it has enough of them.
    let (mut refused, mut accepted) = (0, vec![]);
    while refused < 10 {
        match burst() {
            (0, _) => {
                refused += 1;
                std::thread::sleep(Duration::from_millis(60));
            }
            (taken, seconds) => {
                refused = 0;
                accepted.extend((taken == BURST).then_some(seconds));
            }
        }
    }
    if scene.contains("more") {
        let more: Vec<_> = (0..REFUSED / BURST).map(|_| burst()).collect();
        assert!(more.iter().all(|(taken, _)| *taken == 0), "the queue is full");
        // The first burst starts the threads.
        for (accepted, refused) in accepted.iter().skip(1).zip(&more) {
            tell("accepted", *accepted);
            tell("refused", refused.1);
        }
    }
    // SAFETY: ends the process at once, as a process does that does not wait for the server.
    unsafe { libc::_exit(0) }
}

/// How often threads other than this one were scheduled, from three seconds after the last event on.
fn idle(name: &str, url: &str, sink: &str) {
    let subject = Subject::start(name, url);
    deliver(name, &subject, sink);
    let quiet = Duration::from_secs(3);
    std::thread::sleep(quiet);
    let before = switches();
    std::thread::sleep(quiet);
    tell("switches", (switches() - before) / quiet.as_secs_f64());
}

fn switches() -> f64 {
    let mine = std::process::id().to_string();
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    tasks
        .filter(|task| task.file_name().to_string_lossy() != mine)
        .map(|task| {
            let status = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
            let lines = status.lines().filter(|line| line.contains("ctxt_switches"));
            lines.filter_map(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok()).sum::<f64>()
        })
        .sum()
}
