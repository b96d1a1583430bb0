//! A request as it arrived. It checks nothing and answers nothing.

use super::endpoint::Endpoint;

/// One request, read completely.
#[derive(Debug, Default)]
pub struct Received {
    /// Upper case.
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// Lower-case names, in the order of arrival.
    pub headers: Vec<(String, String)>,
    /// As received; cut off where it became too large.
    pub body: Vec<u8>,
    /// The body was larger than the collector reads.
    pub is_too_large: bool,
}

impl Received {
    /// The endpoint it asks for.
    pub fn endpoint(&self) -> Option<Endpoint> {
        let path = self.target.split('?').next().unwrap_or_default();
        Endpoint::of(&self.method, path)
    }

    /// A header by its lower-case name; the first where there are several.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// What follows the question mark.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// Where Universal Analytics has its hits: the query of a GET, otherwise the body.
    pub fn payload(&self) -> &[u8] {
        match self.method.as_str() {
            "GET" => self.query().as_bytes(),
            _ => &self.body,
        }
    }
}
