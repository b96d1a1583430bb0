//! libdd-telemetry 12 (libdatadog): one log for each event, on its worker's own thread. Logs with the same identifier
//! are merged, so each event gets a number.
#[path = "../texts.rs"]
#[macro_use]
mod texts;

use libdd_capabilities_impl::NativeCapabilities;
use libdd_telemetry::config::{Config, TelemetryEndpoint};
use libdd_telemetry::data::LogLevel;
use libdd_telemetry::worker::{
    LifecycleAction, TelemetryActions, TelemetryWorkerBuilder, TelemetryWorkerFlavor, TelemetryWorkerHandle,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use texts::Texts;

static HANDLE: OnceLock<TelemetryWorkerHandle<NativeCapabilities>> = OnceLock::new();
static NUMBER: AtomicU64 = AtomicU64::new(0);

fn start(url: String) -> i32 {
    let [host, service, language, version] = ["host", "pact-bench", "rust", "1.0.0"].map(String::from);
    let mut builder = TelemetryWorkerBuilder::new(host, service, language, version.clone(), version);
    builder.config = Config::default();
    let endpoint = TelemetryEndpoint { url: Some(url), ..TelemetryEndpoint::default() };
    builder.config.set_endpoint(endpoint).expect("an endpoint");
    builder.flavor = TelemetryWorkerFlavor::MetricsLogs;
    let handle = builder.run().expect("a worker");
    handle.send_start().expect("a worker that listens");
    HANDLE.set(handle).map_or(1, |()| 0)
}

fn event(texts: Texts, value: i64) -> i32 {
    let Texts { event, category, action, plugin_name, plugin_version } = texts;
    let message = format!("{event} {category} {action} {value} {plugin_name} {plugin_version}");
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    i32::from(HANDLE.get().expect("started").add_log(number, message, LogLevel::Debug, None).is_err())
}

/// Does not wait for the delivery; the benchmark does.
fn flush() {
    let _ = HANDLE.get().expect("started").try_send_msg(TelemetryActions::Lifecycle(LifecycleAction::FlushData));
}

fn end() {
    let handle = HANDLE.get().expect("started");
    let _ = handle.send_stop();
    handle.wait_for_shutdown_deadline(Instant::now() + Duration::from_secs(20));
}

bench_library!(start, event, flush, end);
