//! sentry 0.49 with the blocking `ureq` transport and no integration: one message for each event.
#[path = "../texts.rs"]
#[macro_use]
mod texts;

use sentry::protocol::{Event, Level};
use sentry::{ClientInitGuard, ClientOptions, Hub};
use std::sync::Mutex;
use std::time::Duration;
use texts::Texts;

static GUARD: Mutex<Option<ClientInitGuard>> = Mutex::new(None);

fn start(url: String) -> i32 {
    let mut options = ClientOptions::default();
    options.dsn = format!("{}/1", url.replace("://", "://key@")).parse().ok();
    options.release = Some("1.0.0".into());
    *GUARD.lock().expect("unpoisoned") = Some(sentry::init(options));
    0
}

fn event(texts: Texts, value: i64) -> i32 {
    let mut event = Event { message: Some(texts.event), level: Level::Info, ..Event::default() };
    event.tags.insert("category".into(), texts.category);
    event.tags.insert("action".into(), texts.action);
    event.tags.insert("value".into(), value.to_string());
    event.tags.insert("plugin_name".into(), texts.plugin_name);
    event.tags.insert("plugin_version".into(), texts.plugin_version);
    i32::from(sentry::capture_event(event).is_nil())
}

fn flush() {
    if let Some(client) = Hub::main().client() {
        client.flush(Some(Duration::from_secs(20)));
    }
}

fn end() {
    drop(GUARD.lock().expect("unpoisoned").take());
}

bench_library!(start, event, flush, end);
