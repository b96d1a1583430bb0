//! The HTTP agent: sends a request and returns an outcome. Knows nothing about events, consent or counters.
//!
//! Every step has a time limit: name resolution, connection, handshake, answer. No redirect is followed, and no answer
//! is read further than needed to use the connection again.

mod connector;
mod crypto;
mod proxy;
mod resolver;
mod send_permit;

use crate::platform::roots::{self, RootOverride};
use crate::protocol::server_of;
use crate::retry::{ATTEMPT_MAX, retry_after};
pub use proxy::{Proxies, Way};
use resolver::BoundedResolver;
pub use send_permit::{OnItsWay, SendPermit};
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use ureq::config::{Config, ConfigBuilder};
use ureq::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use ureq::http::{Method, Request, Uri};
use ureq::tls::TlsConfig;
use ureq::typestate::AgentScope;
use ureq::{Agent, Error, Timeout};

const USER_AGENT: &str = "pact_telemetry";
/// The limit for resolving the name, and then again for connecting with the TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The limit for reading an answer's body after its head, which decides.
const BODY_TIMEOUT: Duration = Duration::from_secs(1);
/// If an answer's body is longer than this, the connection is closed.
const BODY_LIMIT: usize = 16 * 1024;
/// Of what is received; ureq's own default is 128 KiB.
const INPUT_BYTES: usize = 16 * 1024;
/// Of what is sent at once. A request of OTLP has up to 1 MB, and takes longer in parts of 16 KiB. What a shorter one
/// does not fill is memory that nobody touches.
const OUTPUT_BYTES: usize = 128 * 1024;

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The server answered with this status, and may have said how long to wait before the next request.
    Status(u16, Option<Duration>),
    /// There was no connection: the name was not found, there was no route, the connection was refused or timed out, or
    /// the proxy refused it.
    Unreachable,
    /// The server's certificate is not trusted, or the TLS handshake failed.
    Untrusted,
    /// There was a connection but no complete answer, or a web page instead: from a captive portal, or from a proxy
    /// that blocks.
    Interrupted,
}

/// What came back for a request.
pub struct Answer {
    /// What became of it.
    pub outcome: Outcome,
    /// The start of a JSON body; empty for any other.
    pub json: String,
}

impl From<Outcome> for Answer {
    fn from(outcome: Outcome) -> Self {
        Answer { outcome, json: String::new() }
    }
}

impl Outcome {
    /// The status, or the words for a failure without a status.
    pub fn status_or_failure(self) -> Result<u16, &'static str> {
        match self {
            Outcome::Status(status, _) => Ok(status),
            Outcome::Unreachable => Err("unreachable"),
            Outcome::Untrusted => Err("certificate not trusted"),
            Outcome::Interrupted => Err("interrupted"),
        }
    }
}

/// The headers of a request, as they are sent.
pub fn headers(url: &str, content_type: &str, body: &str) -> [(&'static str, String); 4] {
    [
        ("host", server_of(url).unwrap_or_default().to_owned()),
        ("user-agent", USER_AGENT.to_owned()),
        ("content-type", content_type.to_owned()),
        ("content-length", body.len().to_string()),
    ]
}

/// What the environment says about the network. It is read on the caller's thread (making a ureq config reads it too)
/// and used on the uploader's.
pub struct Seed {
    config: ConfigBuilder<AgentScope>,
    roots: RootOverride,
    proxies: Proxies,
}

impl Seed {
    /// Reads `HTTPS_PROXY`, `ALL_PROXY`, `HTTP_PROXY`, `NO_PROXY` (either case), `SSL_CERT_FILE`, `SSL_CERT_DIR`.
    pub fn from_environment() -> Self {
        Seed {
            config: Agent::config_builder(),
            roots: RootOverride::from_variables(|name| std::env::var_os(name)),
            proxies: Proxies::from_variables(|name| std::env::var_os(name)),
        }
    }
}

/// Sends requests, one at a time, over connections that are kept for the next request.
pub struct Transport {
    proxies: Arc<Proxies>,
    config: Config,
    send_permit: &'static SendPermit,
    roots: RootOverride,
    /// The trusted roots. They are read at the first `https` request, because that takes milliseconds.
    tls: Option<TlsConfig>,
    agent: Agent,
}

impl Transport {
    /// A transport that has opened nothing yet.
    pub fn new(seed: Seed, send_permit: &'static SendPermit) -> Self {
        let proxies = Arc::new(seed.proxies);
        let config = bounded(seed.config, &proxies).build();
        let agent = agent(&config, &proxies, send_permit);
        Transport { proxies, config, send_permit, roots: seed.roots, tls: None, agent }
    }

    /// Prepares a request to this URL, and returns the means to cancel it.
    pub fn ready_for(&mut self, url: &str) -> Canceller {
        if url.starts_with("https:") && self.tls.is_none() {
            let roots = roots::trusted(&self.roots);
            let tls = TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(crypto::provider());
            self.tls = Some(tls.build());
        }
        Canceller(self.agent.clone())
    }

    /// Replaces the agent after it was cancelled.
    pub fn renew(&mut self) {
        self.agent = agent(&self.config, &self.proxies, self.send_permit);
    }

    /// Sends one request and waits for its answer, [`ATTEMPT_MAX`] at most.
    pub fn post(&self, url: &str, content_type: &'static str, body: &str) -> Answer {
        let Ok(uri) = Uri::try_from(url) else { return Outcome::Unreachable.into() };
        if self.proxies.way(&uri) == Way::Nowhere {
            return Outcome::Unreachable.into();
        }
        // Built by hand, because ureq's builder is generic over each part and would add 10 KB of code.
        let mut request = Request::new(body.as_bytes());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        // Not made from the agent's config, because making a config reads the environment.
        if let Some(tls) = self.tls.clone() {
            request = self.agent.configure_request(request).tls_config(tls).build();
        }
        match self.agent.run(request) {
            Ok(response) => {
                let status = response.status();
                let wait = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                let wait = wait.and_then(|text| retry_after(text, SystemTime::now()));
                // Some frameworks declare every text as HTML, so the declaration alone does not prove that it is a web
                // page.
                let kind = response.headers().get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
                let is_html = kind.get(..9).is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/html"));
                let start = read_to_end(&mut response.into_body().into_reader());
                let text = start.trim_ascii_start();
                if status.is_success() && is_html && text.starts_with(b"<") {
                    return Outcome::Interrupted.into();
                }
                let json =
                    if text.starts_with(b"{") { String::from_utf8_lossy(text).into_owned() } else { String::new() };
                Answer { outcome: Outcome::Status(status.as_u16(), wait), json }
            }
            Err(error) => outcome_of(&error).into(),
        }
    }
}

/// Reads the rest of an answer within limits, because only a connection that was read to the end can carry the next
/// request. Returns the start of the body.
fn read_to_end(body: &mut dyn Read) -> Vec<u8> {
    let mut buffer = [0; 1024];
    let mut start = Vec::new();
    for _ in 0..BODY_LIMIT / buffer.len() {
        let Ok(amount @ 1..) = body.read(&mut buffer) else { break };
        let left = BODY_LIMIT.saturating_sub(start.len());
        start.extend(buffer.iter().take(amount.min(left)));
    }
    start
}

/// Cancels a request from another thread.
pub trait Cancel {
    /// Cancels it at once and does not wait.
    fn cancel(&self);
}

/// Cancels a request: its sockets are shut down, and none that is opened later is used.
pub struct Canceller(Agent);

impl Cancel for Canceller {
    fn cancel(&self) {
        self.0.clone().shutdown();
    }
}

fn agent(config: &Config, proxies: &Arc<Proxies>, send_permit: &'static SendPermit) -> Agent {
    Agent::with_parts(config.clone(), connector::connector(proxies.clone(), send_permit), BoundedResolver)
}

fn bounded(builder: ConfigBuilder<AgentScope>, proxies: &Proxies) -> ConfigBuilder<AgentScope> {
    builder
        .proxy(proxies.proxy())
        .http_status_as_error(false)
        .max_redirects(0)
        .user_agent(USER_AGENT)
        .accept("")
        .timeout_resolve(Some(CONNECT_TIMEOUT))
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_per_call(Some(ATTEMPT_MAX))
        .timeout_recv_body(Some(BODY_TIMEOUT))
        .input_buffer_size(INPUT_BYTES)
        .output_buffer_size(OUTPUT_BYTES)
        .max_idle_connections(4)
}

fn outcome_of(error: &Error) -> Outcome {
    match error {
        Error::Timeout(Timeout::Resolve | Timeout::Connect)
        | Error::HostNotFound
        | Error::ConnectionFailed
        | Error::ConnectProxyFailed(_) => Outcome::Unreachable,
        Error::Tls(_) | Error::Rustls(_) => Outcome::Untrusted,
        Error::Io(error) => match error.kind() {
            // rustls wraps its own errors, including a refused certificate, in this kind.
            std::io::ErrorKind::InvalidData => Outcome::Untrusted,
            std::io::ErrorKind::ConnectionRefused
            | std::io::ErrorKind::HostUnreachable
            | std::io::ErrorKind::NetworkUnreachable
            | std::io::ErrorKind::NetworkDown
            | std::io::ErrorKind::AddrNotAvailable
            | std::io::ErrorKind::NotFound => Outcome::Unreachable,
            _ => Outcome::Interrupted,
        },
        _ => Outcome::Interrupted,
    }
}
