//! The published list: everything that may leave a machine, with its name in each protocol. The encoders write this
//! table and nothing else, except what the protocol itself requires.

use super::{Context, Hit, Protocol};

/// A field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldValue<'a> {
    /// A text. It is left out if it is empty, and cut at the protocol's limit.
    Text(&'a str),
    /// A number.
    Integer(i64),
}

/// Where GA4 has a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ga4Place {
    /// Among the event's parameters, under this name.
    Parameter(&'static str),
    /// Beside the events, under this name.
    Request(&'static str),
    /// Nowhere: GA4 always does that by itself.
    Implicit,
}

/// Where OTLP has a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtlpPlace {
    /// Among the attributes of the resource, which are the same for all events of a client.
    Resource(&'static str),
    /// Among the attributes of the log record.
    Record(&'static str),
    /// Among those of the resource, as `os.type` and `host.arch`.
    System,
}

/// The keys of [`OtlpPlace::System`].
pub(super) const OS_TYPE: &str = "os.type";
pub(super) const HOST_ARCH: &str = "host.arch";

impl OtlpPlace {
    /// Whether the field has the same value in all events of a client, on one machine.
    pub const fn is_of_client(&self) -> bool {
        !matches!(self, OtlpPlace::Record(_))
    }

    /// The keys of the attributes, in their order.
    pub fn keys(&self) -> &[&'static str] {
        match self {
            OtlpPlace::Resource(key) | OtlpPlace::Record(key) => std::slice::from_ref(key),
            OtlpPlace::System => &[OS_TYPE, HOST_ARCH],
        }
    }
}

/// One row of the list.
#[derive(Debug, Clone, Copy)]
pub struct FieldRow {
    /// What is collected, in words.
    pub what: &'static str,
    /// What it is collected for, in words.
    pub why: &'static str,
    /// What such a value looks like, in GA4.
    pub example: &'static str,
    /// Whether the value is a [`FieldValue::Integer`].
    pub is_number: bool,
    /// How it is written.
    pub field: Field,
}

/// A row of the list as the encoders need it.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Key of the Universal Analytics Measurement Protocol.
    pub ua: &'static str,
    /// The most bytes that Universal Analytics takes.
    pub ua_max_bytes: usize,
    /// Place and name in GA4.
    pub ga4: Ga4Place,
    /// Place and name in OTLP.
    pub otlp: OtlpPlace,
    /// The value in that protocol.
    pub value: for<'a> fn(Protocol, &Context<'a>, &Hit<'a>) -> FieldValue<'a>,
}

use FieldValue::{Integer, Text};
use Ga4Place::{Implicit, Parameter, Request};
use OtlpPlace::{Record, Resource, System};

const fn row(
    (what, why, example): (&'static str, &'static str, &'static str),
    (ua, ua_max_bytes): (&'static str, usize),
    ga4: Ga4Place,
    otlp: OtlpPlace,
    value: for<'a> fn(Protocol, &Context<'a>, &Hit<'a>) -> FieldValue<'a>,
) -> FieldRow {
    FieldRow { what, why, example, is_number: false, field: Field { ua, ua_max_bytes, ga4, otlp, value } }
}

/// The same for a field whose value is a number.
const fn number(row: FieldRow) -> FieldRow {
    FieldRow { is_number: true, ..row }
}

/// The list without its descriptions, which the library does not need at run time.
#[allow(clippy::indexing_slicing)] // checked when it is compiled
pub static WRITTEN: [Field; FIELDS.len()] = {
    let mut all = [FIELDS[0].field; FIELDS.len()];
    let mut index = 0;
    while index < all.len() {
        all[index] = FIELDS[index].field;
        index += 1;
    }
    all
};

/// The list. Limits in bytes are those of Google's parameter reference for the Measurement Protocol; where it names
/// none (`v`, `cid`, `aip`, `ds`), the one here is wide enough for every value that this library writes.
pub const FIELDS: [FieldRow; 16] = [
    row(
        ("version of the API", "tells the server how to read the rest", "2"),
        ("v", 1),
        Parameter("api_version"),
        Resource("pact.api_version"),
        |protocol, _, _| match protocol {
            Protocol::Otlp => Text("3"),
            Protocol::Ga4 => Text("2"),
            Protocol::UniversalAnalytics => Text("1"),
        },
    ),
    row(
        ("hash of hostname", "tells how many machines use Pact, without their names", "3817208973.1624173647"),
        ("cid", 32),
        Request("client_id"),
        Resource("host.id"),
        |protocol, context, _| match protocol {
            Protocol::Ga4 => Text(&context.machine.client_id),
            Protocol::UniversalAnalytics | Protocol::Otlp => Text(&context.machine.digest),
        },
    ),
    row(
        ("human-readable library name", "names the library in reports", "Pact JS"),
        ("an", 100),
        Parameter("library_title"),
        Resource("pact.library_title"),
        |_, _, hit| Text(&hit.identity.library_name),
    ),
    row(
        ("library name", "tells which Pact libraries are in use and need care", "pact-js"),
        ("aid", 150),
        Parameter("library_name"),
        Resource("service.name"),
        |_, _, hit| Text(&hit.identity.library_id),
    ),
    row(
        ("library version", "tells which versions can be retired", "16.0.0"),
        ("av", 100),
        Parameter("library_version"),
        Resource("service.version"),
        |_, _, hit| Text(&hit.identity.library_version),
    ),
    row(
        ("anonymised IP address", "asks the server to forget your network address", "1"),
        ("aip", 1),
        Implicit,
        Resource("pact.anonymize_ip"),
        |_, _, _| Text("1"),
    ),
    row(
        ("data source", "tells command line tools, libraries and brokers apart", "client"),
        ("ds", 150),
        Parameter("data_source"),
        Resource("pact.data_source"),
        |_, _, hit| Text(&hit.identity.data_source),
    ),
    row(
        ("operating system and architecture", "tells which systems to build and test for", "linux-x86_64"),
        ("cd3", 150),
        Parameter("os_arch"),
        System,
        |_, context, _| Text(&context.machine.os_arch),
    ),
    row(
        ("plugin name", "tells which plugins are in use", "protobuf"),
        ("cd4", 150),
        Parameter("plugin_name"),
        Record("pact.plugin_name"),
        |_, _, hit| Text(hit.plugin_name),
    ),
    row(
        ("plugin version", "tells which versions of a plugin must go on working", "0.3.15"),
        ("cd5", 150),
        Parameter("plugin_version"),
        Record("pact.plugin_version"),
        |_, _, hit| Text(hit.plugin_version),
    ),
    row(
        ("Pact verification mode", "tells which test frameworks to support", "Jest"),
        ("cd6", 150),
        Parameter("test_framework"),
        Resource("pact.test_framework"),
        |_, _, hit| Text(&hit.identity.test_framework),
    ),
    row(
        ("platform version", "tells which versions of a language to support", "22.1.0"),
        ("cd7", 150),
        Parameter("platform_version"),
        Resource("process.runtime.version"),
        |_, _, hit| Text(&hit.identity.platform_version),
    ),
    row(
        ("event", "tells which features are in use", "Pacts verified"),
        ("el", 500),
        Parameter("event_label"),
        Record("pact.event"),
        |_, _, hit| Text(hit.event),
    ),
    row(
        ("category", "tells consumer tests, provider tests and plugins apart", "ProviderTest"),
        ("ec", 150),
        Parameter("event_category"),
        Record("pact.category"),
        |_, _, hit| Text(hit.category),
    ),
    row(
        ("action", "tells what was done", "Completed"),
        ("ea", 500),
        Parameter("event_action"),
        Record("pact.action"),
        |_, _, hit| Text(hit.action),
    ),
    number(row(
        ("value", "tells how large test suites are: a count of interactions or results", "3"),
        ("ev", 19),
        Parameter("metric_value"),
        Record("pact.value"),
        |_, _, hit| Integer(hit.value.max(0)),
    )),
];
