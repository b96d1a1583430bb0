//! pact_matching 2.1: what Pact has today. Each event is a task on the runtime of the host program, with a new HTTP
//! client and a new connection. Its address is built in; the benchmark leads it to its own server through
//! `HTTPS_PROXY`. It has no flush and no shutdown.
#[path = "../texts.rs"]
#[macro_use]
mod texts;

use pact_matching::metrics::{send_metrics, MetricEvent};
use std::sync::OnceLock;
use texts::Texts;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

fn start(_: String) -> i32 {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    RUNTIME.set(runtime).map_or(1, |()| 0)
}

/// It takes fewer texts; category and action are its own.
fn event(texts: Texts, value: i64) -> i32 {
    let _inside = RUNTIME.get().expect("started").enter();
    send_metrics(MetricEvent::ConsumerTestRun {
        interactions: value as usize,
        test_framework: texts.action,
        app_name: texts.plugin_name,
        app_version: texts.plugin_version,
    });
    0
}

bench_library!(start, event, || (), || ());
