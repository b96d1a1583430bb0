//! The addresses that the collector knows, and which protocol each takes. It knows neither sockets nor answers.

use clap::ValueEnum;

use crate::validate::ua;

/// One address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `POST /mp/collect`
    Ga4,
    /// `POST /debug/mp/collect`
    Ga4Debug,
    /// `POST /collect`, `GET /collect?payload`
    Collect,
    /// `POST /batch`
    Batch,
    /// `POST /debug/collect`, `GET /debug/collect?payload`
    CollectDebug,
    /// `POST /com.google.analytics/v1`
    Snowplow,
    /// `POST /v1/logs`
    OtlpLogs,
}

/// Which family of events an endpoint takes. As arguments they have the same names as in the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// Google Analytics 4
    Ga4,
    /// Universal Analytics v1
    UniversalAnalytics,
    /// OpenTelemetry's logs over HTTP
    Otlp,
}

impl Protocol {
    /// All of them, in the order in which tables show them.
    pub const ALL: [Protocol; 3] = [Protocol::Ga4, Protocol::UniversalAnalytics, Protocol::Otlp];

    /// Its name in the lines.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Ga4 => "ga4",
            Protocol::UniversalAnalytics => "universal-analytics",
            Protocol::Otlp => "otlp",
        }
    }
}

impl Endpoint {
    /// The endpoint of a request; none is a 404.
    pub fn of(method: &str, path: &str) -> Option<Endpoint> {
        match (method, path) {
            ("POST", "/mp/collect") => Some(Endpoint::Ga4),
            ("POST", "/debug/mp/collect") => Some(Endpoint::Ga4Debug),
            ("POST" | "GET", "/collect") => Some(Endpoint::Collect),
            ("POST", "/batch") => Some(Endpoint::Batch),
            ("POST" | "GET", "/debug/collect") => Some(Endpoint::CollectDebug),
            ("POST", "/com.google.analytics/v1") => Some(Endpoint::Snowplow),
            ("POST", "/v1/logs") => Some(Endpoint::OtlpLogs),
            _ => None,
        }
    }

    /// What it takes.
    pub fn protocol(self) -> Protocol {
        match self {
            Endpoint::Ga4 | Endpoint::Ga4Debug => Protocol::Ga4,
            Endpoint::OtlpLogs => Protocol::Otlp,
            _ => Protocol::UniversalAnalytics,
        }
    }

    /// What one of its requests may carry; of use to Universal Analytics only.
    pub fn limits(self) -> ua::RequestLimits {
        match self {
            Endpoint::Collect => ua::COLLECT,
            _ => ua::BATCH,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_documented_addresses_and_methods_are_known() {
        assert_eq!(Endpoint::of("POST", "/mp/collect"), Some(Endpoint::Ga4));
        assert_eq!(Endpoint::of("GET", "/mp/collect"), None);
        assert_eq!(Endpoint::of("GET", "/collect"), Some(Endpoint::Collect));
        assert_eq!(Endpoint::of("GET", "/batch"), None);
        assert_eq!(Endpoint::of("POST", "/mp/collect/"), None);
        assert_eq!(Endpoint::of("POST", "/"), None);
        assert_eq!(Endpoint::of("POST", "/v1/logs"), Some(Endpoint::OtlpLogs));
        assert_eq!(Endpoint::of("POST", "/v1/traces"), None);
    }

    #[test]
    fn a_protocol_has_the_same_name_as_an_argument_and_in_the_lines() {
        for protocol in Protocol::ALL {
            assert_eq!(
                protocol.to_possible_value().map(|value| value.get_name().to_owned()).as_deref(),
                Some(protocol.name())
            );
        }
    }
}
