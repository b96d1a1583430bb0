//! Decides which proxy a URL uses. Reads no environment itself (the variables are given as a function) and opens no
//! connection.
//!
//! ureq's own decision is not used: it prefers `ALL_PROXY`, does not understand spaces, ports and subdomains in
//! `NO_PROXY`, and connects directly if it does not understand a proxy.

use crate::config::{has_valid_port, is_loopback};
use std::ffi::OsString;
use std::net::IpAddr;
use ureq::http::Uri;
use ureq::{Proxy, ProxyProtocol};

/// The variables in their order; the first one that is not empty counts. The last is meant for `http`, which never
/// leaves the machine here, but somebody who set only that one does not want direct connections either.
const PROXIES: &str = "HTTPS_PROXY https_proxy ALL_PROXY all_proxy HTTP_PROXY http_proxy";
const EXCEPTIONS: &str = "NO_PROXY no_proxy";

/// How a request reaches its destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Direct,
    Through,
    /// The proxy is of a kind that is not supported, or its setting is not understood. Then nothing is sent.
    Nowhere,
}

/// What the environment says about proxies.
#[derive(Debug)]
pub struct Proxies {
    way: Way,
    proxy: Option<Proxy>,
    /// The entries of `NO_PROXY`, in lower case.
    exceptions: Vec<String>,
}

impl Proxies {
    /// Takes the settings from the environment, given as a look-up.
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |names: &str| names.split(' ').filter_map(&variable).find(|value| !value.is_empty());
        let (way, proxy) = match set(PROXIES) {
            None => (Way::Direct, None),
            Some(value) => match value.to_str().and_then(understood) {
                None => (Way::Nowhere, None),
                proxy => (Way::Through, proxy),
            },
        };
        let text = set(EXCEPTIONS).unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let entries = text.split(|c: char| c == ',' || c.is_ascii_whitespace()).filter(|entry| !entry.is_empty());
        Proxies { way, proxy, exceptions: entries.map(String::from).collect() }
    }

    /// The proxy, for URLs that use it.
    pub fn proxy(&self) -> Option<Proxy> {
        self.proxy.clone()
    }

    /// Whether this URL names the proxy itself. ureq connects to a proxy by its URL.
    pub fn is_proxy(&self, uri: &Uri) -> bool {
        self.proxy
            .as_ref()
            .is_some_and(|proxy| uri.host() == Some(proxy.host()) && uri.port_u16() == Some(proxy.port()))
    }

    /// The way to a URL. Loopback never uses a proxy, because the proxy's loopback is another machine, and what is sent
    /// there unencrypted must not leave this one.
    pub fn way(&self, uri: &Uri) -> Way {
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        if is_loopback(&host) || self.exceptions.iter().any(|entry| names(entry, bare(&host), port)) {
            return Way::Direct;
        }
        self.way
    }
}

/// An HTTP proxy; `None` if the text does not name one.
fn understood(text: &str) -> Option<Proxy> {
    let proxy = Proxy::new(text.trim()).ok()?;
    let has_valid_port = proxy.uri().authority().is_some_and(has_valid_port);
    (has_valid_port && matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https)).then_some(proxy)
}

/// Whether an entry of `NO_PROXY` names this host. `*` names all; `relay.example`, `.relay.example` and
/// `*.relay.example` each name the host and all below it; an address names itself. A port behind any of them restricts
/// it to that port.
fn names(entry: &str, host: &str, port: u16) -> bool {
    let is_address = bare(entry).parse::<IpAddr>().is_ok();
    let (name, wanted) = match entry.rsplit_once(':').filter(|_| !is_address) {
        Some((name, wanted)) => (name, wanted.parse::<u16>().ok()),
        None => (entry, Some(port)),
    };
    if wanted != Some(port) {
        return false;
    }
    let name = bare(name);
    if name == "*" || host == name {
        return true;
    }
    let name = name.trim_start_matches('*').trim_start_matches('.');
    let below = |rest: &str| rest.is_empty() || rest.ends_with('.');
    !name.is_empty() && host.parse::<IpAddr>().is_err() && host.strip_suffix(name).is_some_and(below)
}

/// Removes the brackets of an IPv6 address, and the last dot of a fully qualified name.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches([']', '.'])
}

#[cfg(test)]
mod tests {
    // a test that cannot go on should stop
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Proxies {
        Proxies::from_variables(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        })
    }

    fn way(variables: &[(&str, &str)], url: &str) -> Way {
        with(variables).way(&url.parse().unwrap())
    }

    #[test]
    fn the_variable_for_https_counts_before_those_for_all_and_for_http() {
        let proxy = |variables: &[_]| with(variables).proxy().unwrap().host().to_owned();
        let [https, all, http] = [("https_proxy", "http://a"), ("ALL_PROXY", "socks5://b"), ("http_proxy", "http://c")];
        assert_eq!(proxy(&[all, http, https]), "a");
        assert_eq!(proxy(&[("HTTPS_PROXY", ""), http]), "c");
        assert_eq!(way(&[all, http], "https://relay.example"), Way::Nowhere);
        assert_eq!(way(&[], "https://relay.example"), Way::Direct);
    }

    #[test]
    fn a_proxy_that_is_not_understood_is_not_gone_past() {
        for text in
            ["socks5://b:1080", "socks5h://b", "socks4://b", "socks://b", "quic://b", "http://a b", "http://", "://"]
        {
            assert_eq!(way(&[("HTTPS_PROXY", text)], "https://relay.example"), Way::Nowhere, "{text}");
        }
        for text in ["http://a:99999", "a:65536", "http://u:p@a:0", "http://a:31x8", "http://[::1]:99999"] {
            assert_eq!(way(&[("HTTPS_PROXY", text)], "https://relay.example"), Way::Nowhere, "{text}");
        }
        for text in ["http://a:3128", " http://u:p@a:3128/ ", "https://a", "a:3128", "a", "a:", "http://[::1]:1"] {
            assert_eq!(way(&[("HTTPS_PROXY", text)], "https://relay.example"), Way::Through, "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_proxy_that_is_no_text_is_not_gone_past() {
        use std::os::unix::ffi::OsStringExt;
        let bytes = |name: &str| (name == "HTTPS_PROXY").then(|| OsString::from_vec(b"http://\xff".to_vec()));
        assert_eq!(Proxies::from_variables(bytes).way(&"https://relay.example".parse().unwrap()), Way::Nowhere);
    }

    #[test]
    fn loopback_is_this_machine_whatever_the_proxy() {
        for proxy in ["http://proxy.example:3128", "socks5://proxy.example"] {
            for url in ["http://127.0.0.1:8080/x", "http://LOCALHOST:1", "https://[::1]", "https://127.9.9.9"] {
                assert_eq!(way(&[("ALL_PROXY", proxy)], url), Way::Direct, "{proxy} {url}");
            }
        }
    }

    #[test]
    fn no_proxy_is_read_as_curl_and_go_read_it() {
        let way = |no_proxy, url| way(&[("ALL_PROXY", "http://p"), ("NO_PROXY", no_proxy)], url);
        for (no_proxy, url) in [
            ("*", "https://relay.example"),
            ("other.example, relay.example", "https://relay.example"),
            (" \tother.example  relay.example ", "https://relay.example/path"),
            ("RELAY.example", "https://relay.EXAMPLE."),
            ("relay.example.", "https://relay.example"),
            ("example", "https://relay.example"),
            (".example", "https://relay.example"),
            ("*.example", "https://a.relay.example"),
            (".relay.example", "https://relay.example"),
            ("relay.example:443", "https://relay.example"),
            ("relay.example:8443", "https://relay.example:8443"),
            ("*:8443", "https://relay.example:8443"),
            ("192.0.2.1", "https://192.0.2.1"),
            ("192.0.2.1:9", "https://192.0.2.1:9"),
            ("2001:db8::1", "https://[2001:db8::1]:9"),
            ("[2001:db8::1]", "https://[2001:db8::1]"),
            ("[2001:db8::1]:9", "https://[2001:db8::1]:9"),
        ] {
            assert_eq!(way(no_proxy, url), Way::Direct, "{no_proxy:?} {url}");
        }
        for (no_proxy, url) in [
            ("", "https://relay.example"),
            (",", "https://relay.example"),
            (".", "https://relay.example."),
            ("elay.example", "https://relay.example"),
            ("relay.example", "https://relay.example.org"),
            ("relay.example:443", "https://relay.example:8443"),
            ("relay.example:x", "https://relay.example"),
            ("a.relay.example", "https://relay.example"),
            ("2.1", "https://192.0.2.1"),
            ("2001:db8::2", "https://[2001:db8::1]"),
        ] {
            assert_eq!(way(no_proxy, url), Way::Through, "{no_proxy:?} {url}");
        }
    }
}
