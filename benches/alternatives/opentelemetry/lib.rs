//! opentelemetry 0.33: one log record with five attributes for each event, batched by its own thread, OTLP over HTTP.
#[path = "../texts.rs"]
#[macro_use]
mod texts;

use opentelemetry::logs::{LogRecord, Logger, LoggerProvider, Severity};
use opentelemetry_otlp::{LogExporter, Protocol, WithExportConfig};
use opentelemetry_sdk::logs::{SdkLogger, SdkLoggerProvider};
use std::sync::OnceLock;
use texts::Texts;

static STARTED: OnceLock<(SdkLoggerProvider, SdkLogger)> = OnceLock::new();

fn start(url: String) -> i32 {
    let exporter = LogExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{url}/v1/logs"))
        .build()
        .expect("an exporter");
    let provider = SdkLoggerProvider::builder().with_batch_exporter(exporter).build();
    let logger = provider.logger("pact-bench");
    STARTED.set((provider, logger)).map_or(1, |()| 0)
}

fn event(texts: Texts, value: i64) -> i32 {
    let (_, logger) = STARTED.get().expect("started");
    let mut record = logger.create_log_record();
    record.set_severity_number(Severity::Info);
    record.set_body(texts.event.into());
    record.add_attribute("category", texts.category);
    record.add_attribute("action", texts.action);
    record.add_attribute("value", value);
    record.add_attribute("plugin_name", texts.plugin_name);
    record.add_attribute("plugin_version", texts.plugin_version);
    logger.emit(record);
    0
}

fn flush() {
    let _ = STARTED.get().expect("started").0.force_flush();
}

fn end() {
    let _ = STARTED.get().expect("started").0.shutdown();
}

bench_library!(start, event, flush, end);
