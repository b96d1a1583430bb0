//! The live page over HTTP: who may see it, the page itself, and the stream that feeds it. It answers nothing that a
//! protocol asks for, and takes no step of the script.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderMap, HeaderName, HeaderValue, ACCEPT, CONTENT_TYPE, HOST, ORIGIN};
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::rustls::crypto::{ring, CryptoProvider};

use super::body::AnswerBody;
use super::journal::{self, Journal};

/// The page, with this in place of the nonce of each answer.
const HTML: &str = include_str!("page.html");
const NONCE: &str = "NONCE-OF-THIS-ANSWER";

/// How soon a browser connects again; proxies and browsers see by the comments in between that the stream lives.
const RETRY: &str = "retry: 500\n\n";
const ALIVE: &str = ":\n\n";
const ALIVE_PERIOD: Duration = Duration::from_secs(15);

/// Nothing from elsewhere, no script but the page's own, no frame around it, and no text that becomes markup.
const POLICY: &str = "default-src 'none'; style-src 'nonce-NONCE-OF-THIS-ANSWER'; \
    script-src 'nonce-NONCE-OF-THIS-ANSWER'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// One page.
pub struct Page {
    journal: Arc<Journal>,
    scheme: &'static str,
    hosts: Vec<String>,
}

impl Page {
    /// The page of the server that listens there.
    pub fn new(journal: Arc<Journal>, scheme: &'static str, address: SocketAddr) -> Page {
        let mut hosts = vec![address.to_string(), format!("localhost:{}", address.port())];
        let default_port = if scheme == "https" { ":443" } else { ":80" };
        // Browsers leave out the port that goes without saying.
        let short: Vec<_> =
            hosts.iter().filter_map(|host| host.strip_suffix(default_port)).map(str::to_owned).collect();
        hosts.extend(short);
        Page { journal, scheme, hosts }
    }

    /// The answer to a browser that asks for the page or its stream; none to anything else.
    pub fn answer(&self, request: &Request<Incoming>) -> Option<Response<AnswerBody>> {
        let headers = request.headers();
        let accepts = |media: &str| text(headers, &ACCEPT).is_some_and(|accepted| accepted.contains(media));
        let is_stream = match request.uri().path() {
            "/" if accepts("text/html") => false,
            "/stream" if accepts("text/event-stream") => true,
            _ => return None,
        };
        if request.method() != Method::GET {
            return None;
        }
        Some(if !self.is_own(headers, is_stream) {
            let allowed = format!("This page is only for {}.\n", self.origins().collect::<Vec<_>>().join(" and "));
            answered(StatusCode::FORBIDDEN, "text/plain; charset=utf-8", text_body(allowed))
        } else if is_stream {
            answered(StatusCode::OK, "text/event-stream", self.stream(request))
        } else {
            page()
        })
    }

    fn origins(&self) -> impl Iterator<Item = String> + '_ {
        self.hosts.iter().map(|host| format!("{}://{host}", self.scheme))
    }

    /// Whether the browser asks under a name of this very server, and for no other site. A name that somebody else
    /// made point here (DNS rebinding) is told by `Host`, a script of another site by the other two.
    fn is_own(&self, headers: &HeaderMap, is_stream: bool) -> bool {
        let is_host = text(headers, &HOST).is_some_and(|host| self.hosts.iter().any(|own| own == host));
        let is_origin = text(headers, &ORIGIN).is_none_or(|origin| self.origins().any(|own| own == origin));
        let site = text(headers, &HeaderName::from_static("sec-fetch-site")).unwrap_or("same-origin");
        is_host && is_origin && (!is_stream || site == "same-origin")
    }

    fn stream(&self, request: &Request<Incoming>) -> AnswerBody {
        // A browser that connects again says so in the header, and keeps the query of its first time.
        let again = text(request.headers(), &HeaderName::from_static("last-event-id"));
        let query = request.uri().query().and_then(|query| query.strip_prefix("after="));
        let place = self.journal.place(again.or(query).unwrap_or_default());
        // One piece waits for a slow reader; the rest stays in the journal.
        let (pieces, body) = mpsc::channel(1);
        let journal = self.journal.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = feed(&journal, place, &pieces) => {}
                () = pieces.closed() => {}
            }
        });
        AnswerBody::Stream(body)
    }
}

async fn feed(journal: &Journal, mut place: u64, pieces: &mpsc::Sender<Bytes>) {
    let mut news = journal.news();
    let mut text = journal::hello() + RETRY;
    while pieces.send(Bytes::from(text)).await.is_ok() {
        (text, place) = journal.read(place);
        while text.is_empty() {
            match timeout(ALIVE_PERIOD, news.changed()).await {
                Ok(_) => (text, place) = journal.read(place),
                Err(_) => text = ALIVE.to_owned(),
            }
        }
    }
}

fn page() -> Response<AnswerBody> {
    let mut bytes = [0; 16];
    let provider: CryptoProvider = ring::default_provider();
    if provider.secure_random.fill(&mut bytes).is_err() {
        let body = text_body("There are no random numbers to be had.\n".to_owned());
        return answered(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", body);
    }
    let nonce = format!("{:032x}", u128::from_ne_bytes(bytes));
    let html = text_body(HTML.replace(NONCE, &nonce));
    let mut response = answered(StatusCode::OK, "text/html; charset=utf-8", html);
    if let Ok(policy) = HeaderValue::from_str(&POLICY.replace(NONCE, &nonce)) {
        response.headers_mut().insert("content-security-policy", policy);
    }
    response
}

fn answered(status: StatusCode, content_type: &'static str, body: AnswerBody) -> Response<AnswerBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-resource-policy", "same-origin"),
        ("referrer-policy", "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn text_body(text: String) -> AnswerBody {
    AnswerBody::Text(Bytes::from(text))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
