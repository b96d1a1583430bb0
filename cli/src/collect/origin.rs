//! Decides which requests of browsers come from this server's own page, because any web page may point a name at
//! loopback, or send a form there. It reads headers and answers nothing.

use std::net::SocketAddr;

use hyper::header::{HOST, HeaderMap, HeaderName, ORIGIN};

/// The names under which a browser of this machine reaches the server.
pub struct Own {
    scheme: &'static str,
    hosts: Vec<String>,
}

impl Own {
    /// Of the server that listens there.
    pub fn new(scheme: &'static str, address: SocketAddr) -> Own {
        let mut hosts = vec![address.to_string(), format!("localhost:{}", address.port())];
        let default_port = if scheme == "https" { ":443" } else { ":80" };
        // Browsers leave out the default port.
        let short: Vec<_> =
            hosts.iter().filter_map(|host| host.strip_suffix(default_port)).map(str::to_owned).collect();
        hosts.extend(short);
        Own { scheme, hosts }
    }

    /// As browsers write them in `Origin`.
    pub fn origins(&self) -> impl Iterator<Item = String> + '_ {
        self.hosts.iter().map(|host| format!("{}://{host}", self.scheme))
    }

    /// Whether the browser asks under a name of this server. `Host` shows a foreign name that points here (DNS
    /// rebinding).
    pub fn is_host(&self, headers: &HeaderMap) -> bool {
        header(headers, &HOST).is_some_and(|host| self.hosts.iter().any(|own| own == host))
    }

    /// Whether a page of another site makes the request. Programs that are no browsers send neither header.
    pub fn is_foreign(&self, headers: &HeaderMap) -> bool {
        let is_foreign_origin = headers.contains_key(ORIGIN)
            && !header(headers, &ORIGIN).is_some_and(|origin| self.origins().any(|own| own == origin));
        is_foreign_origin || matches!(site(headers), Some("cross-site" | "same-site"))
    }
}

/// What a browser says of where a request comes from.
pub fn site(headers: &HeaderMap) -> Option<&str> {
    header(headers, &HeaderName::from_static("sec-fetch-site"))
}

/// A header as text.
pub fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
