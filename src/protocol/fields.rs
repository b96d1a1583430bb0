//! The published list: everything that may leave a machine, with its name in each protocol. Both encoders write this
//! table and nothing else, but for what the protocol itself needs to take a request.

use super::{Context, Hit, Protocol};

/// A field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldValue<'a> {
    /// Left out when empty, cut at the protocol's limit.
    Text(&'a str),
    /// Written as a number.
    Integer(i64),
}

/// Where GA4 has a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ga4Place {
    /// Among the event's parameters, under this name.
    Parameter(&'static str),
    /// Beside the events, under this name.
    Request(&'static str),
    /// Nowhere: GA4 does it by itself.
    Implicit,
}

/// One row of the list.
#[derive(Debug, Clone, Copy)]
pub struct FieldRow {
    /// What is collected, in words.
    pub what: &'static str,
    /// Key of the Universal Analytics Measurement Protocol.
    pub ua: &'static str,
    /// The most bytes that Universal Analytics takes.
    pub ua_max_bytes: usize,
    /// Place and name in GA4.
    pub ga4: Ga4Place,
    /// The value in that protocol.
    pub value: for<'a> fn(Protocol, &Context<'a>, &Hit<'a>) -> FieldValue<'a>,
}

use FieldValue::{Integer, Text};
use Ga4Place::{Implicit, Parameter, Request};

const fn row(
    what: &'static str,
    (ua, ua_max_bytes): (&'static str, usize),
    ga4: Ga4Place,
    value: for<'a> fn(Protocol, &Context<'a>, &Hit<'a>) -> FieldValue<'a>,
) -> FieldRow {
    FieldRow { what, ua, ua_max_bytes, ga4, value }
}

/// The list. Limits in bytes are those of Google's parameter reference for the Measurement Protocol; where it names
/// none (`v`, `cid`, `aip`, `ds`), the one here is wide enough for every value that this library writes.
pub const FIELDS: [FieldRow; 16] = [
    row("version of the API", ("v", 1), Parameter("api_version"), |protocol, _, _| match protocol {
        Protocol::Ga4 => Text("2"),
        Protocol::UniversalAnalytics => Text("1"),
    }),
    row("hash of hostname", ("cid", 32), Request("client_id"), |protocol, context, _| match protocol {
        Protocol::Ga4 => Text(&context.host.client_id),
        Protocol::UniversalAnalytics => Text(&context.host.digest),
    }),
    row("human-readable library name", ("an", 100), Parameter("library_title"), |_, _, hit| {
        Text(&hit.identity.library_name)
    }),
    row("library name", ("aid", 150), Parameter("library_name"), |_, _, hit| Text(&hit.identity.library_id)),
    row("library version", ("av", 100), Parameter("library_version"), |_, _, hit| Text(&hit.identity.library_version)),
    row("anonymised IP address", ("aip", 1), Implicit, |_, _, _| Text("1")),
    row("data source", ("ds", 150), Parameter("data_source"), |_, _, hit| Text(&hit.identity.data_source)),
    row("operating system and architecture", ("cd3", 150), Parameter("os_arch"), |_, context, _| {
        Text(&context.host.os_arch)
    }),
    row("plugin name", ("cd4", 150), Parameter("plugin_name"), |_, _, hit| Text(hit.plugin_name)),
    row("plugin version", ("cd5", 150), Parameter("plugin_version"), |_, _, hit| Text(hit.plugin_version)),
    row("Pact verification mode", ("cd6", 150), Parameter("test_framework"), |_, _, hit| {
        Text(&hit.identity.test_framework)
    }),
    row("platform version", ("cd7", 150), Parameter("platform_version"), |_, _, hit| {
        Text(&hit.identity.platform_version)
    }),
    row("event", ("el", 500), Parameter("event_label"), |_, _, hit| Text(hit.event)),
    row("category", ("ec", 150), Parameter("event_category"), |_, _, hit| Text(hit.category)),
    row("action", ("ea", 500), Parameter("event_action"), |_, _, hit| Text(hit.action)),
    row("value", ("ev", 19), Parameter("metric_value"), |_, _, hit| Integer(hit.value.max(0))),
];
