//! The live page over HTTP: access to it, the page itself, and the stream that feeds it. It answers no request of a
//! protocol, and takes no step of the script.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};

use super::body::AnswerBody;
use super::journal::{self, Journal};
use super::origin::{Own, header, site};

/// The page, with this in place of the nonce of each answer.
const HTML: &str = include_str!("page.html");
const NONCE: &str = "NONCE-OF-THIS-ANSWER";

/// How soon a browser reconnects. The comments that are sent in between show proxies and browsers that the stream is
/// alive.
const RETRY: &str = "retry: 500\n\n";
const ALIVE: &str = ":\n\n";
const ALIVE_PERIOD: Duration = Duration::from_secs(15);

/// The policy of the page: it loads nothing from elsewhere, runs no script but its own, cannot be framed, and turns no
/// text into markup.
const POLICY: &str = "default-src 'none'; style-src 'nonce-NONCE-OF-THIS-ANSWER'; \
    script-src 'nonce-NONCE-OF-THIS-ANSWER'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// One page. Other users of the machine reach its port too, so its address holds a secret.
pub struct Page {
    journal: Arc<Journal>,
    own: Arc<Own>,
    /// Part of the address.
    token: String,
    /// A path that leads to the address once. The program that opens the browser gets it as an argument, which other
    /// users can see.
    ticket: Mutex<Option<String>>,
}

/// The variable that sets the token. Other users cannot read it, as they could read an argument.
pub const TOKEN: &str = "PACT_TELEMETRY_PAGE_TOKEN";

fn is_token(text: &str) -> bool {
    (16..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Where pages are, before their token.
const FOLDER: &str = "/page/";

impl Page {
    /// The page of a server, under a token that was chosen or a random one.
    ///
    /// # Errors
    /// A sentence for the person: the token is too weak, or there are no random numbers.
    pub fn new(journal: Arc<Journal>, own: Arc<Own>, token: Option<String>) -> Result<Page, String> {
        let token = match token {
            Some(token) if is_token(&token) => token,
            Some(_) => return Err(format!("{TOKEN} must be 16 to 64 letters, digits, - or _")),
            None => random()?,
        };
        let ticket = random()?;
        Ok(Page { journal, own, token, ticket: Mutex::new(Some(ticket)) })
    }

    /// Its path.
    pub fn path(&self) -> String {
        format!("{FOLDER}{}/", self.token)
    }

    /// A path that leads to it once.
    pub fn ticket_path(&self) -> Option<String> {
        let ticket = self.ticket.lock().unwrap_or_else(PoisonError::into_inner);
        ticket.as_ref().map(|ticket| format!("{FOLDER}{ticket}/"))
    }

    /// The answer to a browser that asks for the page or its stream; none to anything else.
    pub fn answer(&self, request: &Request<Incoming>) -> Option<Response<AnswerBody>> {
        if request.method() != Method::GET {
            return None;
        }
        let headers = request.headers();
        let accepts = |media: &str| header(headers, &ACCEPT).is_some_and(|accepted| accepted.contains(media));
        let path = request.uri().path();
        if path == "/" && accepts("text/html") {
            return Some(refused("The page has another address: the one that the collector has printed.\n"));
        }
        let (secret, name) = path.strip_prefix(FOLDER)?.split_once('/')?;
        let is_stream = match name {
            "" if accepts("text/html") => false,
            "stream" if accepts("text/event-stream") => true,
            _ => return None,
        };
        let is_from_here = !is_stream || site(headers).is_none_or(|site| site == "same-origin");
        Some(if !self.own.is_host(headers) || self.own.is_foreign(headers) || !is_from_here {
            let origins = self.own.origins().collect::<Vec<_>>().join(" and ");
            refused(&format!("This page is only for {origins}.\n"))
        } else if !is_stream && self.takes_ticket(secret) {
            self.redirect()
        } else if secret != self.token {
            refused("This is not the address that the collector has printed.\n")
        } else if is_stream {
            answered(StatusCode::OK, "text/event-stream", self.stream(request))
        } else {
            page()
        })
    }

    fn takes_ticket(&self, secret: &str) -> bool {
        let mut ticket = self.ticket.lock().unwrap_or_else(PoisonError::into_inner);
        ticket.take_if(|ticket| ticket == secret).is_some()
    }

    fn redirect(&self) -> Response<AnswerBody> {
        let mut response = answered(StatusCode::SEE_OTHER, "text/plain", text_body(String::new()));
        if let Ok(path) = HeaderValue::from_str(&self.path()) {
            response.headers_mut().insert(LOCATION, path);
        }
        response
    }

    fn stream(&self, request: &Request<Incoming>) -> AnswerBody {
        // A browser that reconnects sends its place in the header, and the query of its first connection.
        let again = header(request.headers(), &HeaderName::from_static("last-event-id"));
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
    let nonce = match random() {
        Ok(nonce) => nonce,
        Err(error) => {
            let body = text_body(format!("{error}\n"));
            return answered(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", body);
        }
    };
    let html = text_body(HTML.replace(NONCE, &nonce));
    let mut response = answered(StatusCode::OK, "text/html; charset=utf-8", html);
    if let Ok(policy) = HeaderValue::from_str(&POLICY.replace(NONCE, &nonce)) {
        response.headers_mut().insert("content-security-policy", policy);
    }
    response
}

/// 128 random bits, as hexadecimal digits.
fn random() -> Result<String, String> {
    let mut bytes = [0; 16];
    let provider: CryptoProvider = ring::default_provider();
    let filled = provider.secure_random.fill(&mut bytes);
    filled.map_err(|_| "the system gives no random numbers".to_owned())?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

fn refused(why: &str) -> Response<AnswerBody> {
    answered(StatusCode::FORBIDDEN, "text/plain; charset=utf-8", text_body(why.to_owned()))
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
