//! Sockets, TLS and HTTP: reads each request, hands it on as an `Arrival`, and sends its answer.
//! It does not know what an address takes or what a script means.

use std::fmt::{self, Display};
use std::future::{Future, pending, poll_fn};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, ORIGIN};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio_rustls::rustls::{self, ServerConfig};

use super::answers::{Script, Step};
use super::body::AnswerBody;
use super::normal::Normal;
use super::origin::{self, Own};
use super::output::complain;
use super::page::Page;
use super::record::{Arrival, Outcome};
use super::request::Received;

/// The most bytes that are read of one request's body.
const BODY_BYTES: usize = 1_024 * 1_024;
const DRIP_BYTES: u64 = 2_000;
const PORTAL: &str = "<!DOCTYPE html><html><head><title>Sign in</title></head>\
    <body><h1>Welcome to this network</h1><p>Please sign in to go on.</p></body></html>\n";

/// What all connections share: the count, the script, and the function that gets each request.
pub struct Collector {
    turn: Mutex<(u64, Script)>,
    tell: Box<dyn Fn(&Arrival) + Send + Sync>,
    own: Arc<Own>,
    page: Option<Page>,
}

impl Collector {
    /// `tell` is called once a request, in the order of their numbers, before it is answered.
    pub fn new(script: Script, own: Arc<Own>, tell: impl Fn(&Arrival) + Send + Sync + 'static) -> Collector {
        Collector { turn: Mutex::new((0, script)), tell: Box::new(tell), own, page: None }
    }

    /// The same collector, which also shows a page to browsers.
    pub fn with_page(self, page: Page) -> Collector {
        Collector { page: Some(page), ..self }
    }

    /// The answer to a request that a web page of another site makes: it could write events that no program sent. It
    /// takes no number and no step of the script.
    fn refusal(&self, request: &Request<Incoming>) -> Option<Response<AnswerBody>> {
        if !self.own.is_foreign(request.headers()) {
            return None;
        }
        let origin = origin::header(request.headers(), &ORIGIN).unwrap_or("another site");
        complain(&format!("a request of a web page ({origin}) was refused"));
        let why = Bytes::from_static(b"Web pages of other sites may not write here.\n");
        let mut response = with_type("text/plain; charset=utf-8", why);
        *response.status_mut() = StatusCode::FORBIDDEN;
        Some(response)
    }

    fn take(&self, received: Received) -> (Step, Normal) {
        let now = microseconds();
        let normal = Normal::to(&received, now);
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let step = turn.1.next();
        turn.0 += 1;
        (self.tell)(&Arrival::new(turn.0, received, outcome(&step, &normal), now));
        (step, normal)
    }
}

/// The TLS side of a server with this certificate chain and key.
///
/// # Errors
/// A sentence that names the file that cannot be used.
pub fn tls(certificate: &Path, key: &Path) -> Result<TlsAcceptor, String> {
    fn of(path: &Path) -> impl Fn(&dyn Display) -> String + '_ {
        move |error| format!("{}: {error}", path.display())
    }
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| of(certificate)(&error))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| of(key)(&error))?;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|error| of(certificate)(&error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves until `ended` completes; returns the number of connections that are still open then.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    collector: Arc<Collector>,
    ended: impl Future<Output = ()>,
) -> JoinSet<()> {
    let mut connections = JoinSet::new();
    tokio::pin!(ended);
    loop {
        tokio::select! {
            // In this order, so that a connection from before the end is still accepted.
            biased;
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => _ = connections.spawn(connection(stream, tls.clone(), collector.clone())),
                // There are probably no descriptors left. Some may be free again soon.
                Err(_) => sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
            () = &mut ended => return connections,
        }
    }
}

async fn connection(stream: tokio::net::TcpStream, tls: Option<TlsAcceptor>, collector: Arc<Collector>) {
    // Small answers should be sent at once. A socket without that option is served too.
    let _ = stream.set_nodelay(true);
    match tls {
        None => speak(stream, collector).await,
        Some(tls) => match tls.accept(stream).await {
            Ok(stream) => speak(stream, collector).await,
            Err(error) => complain(&format!("a TLS handshake failed: {error}")),
        },
    }
}

async fn speak(stream: impl AsyncRead + AsyncWrite + Unpin, collector: Arc<Collector>) {
    let (reading, mut all_read) = mpsc::channel::<()>(1);
    // A client may exit right after its last byte. Then hyper drops the future of the answer, perhaps before it ran. A
    // complete request must be recorded anyway, so reading is a task of its own.
    let service = service_fn(move |request| {
        let (collector, reading) = (collector.clone(), reading.clone());
        let page = collector.page.as_ref().and_then(|page| page.answer(&request));
        let answer = match page.or_else(|| collector.refusal(&request)) {
            Some(response) => Ok(response),
            None => Err(tokio::spawn(async move {
                let received = read(request).await;
                let taken = received.map(|received| collector.take(received));
                drop(reading);
                taken
            })),
        };
        async move {
            let taken = match answer {
                Ok(response) => return Ok(response),
                Err(taken) => taken,
            };
            let (step, normal) = taken.await.ok().flatten().ok_or(Cut)?;
            play(step, normal).await
        }
    });
    // It is no fault if a client closes its connection early.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    // Nothing is ever sent through it: it is closed when the last task above has finished.
    all_read.recv().await;
}

/// Ends a connection without an answer.
#[derive(Debug)]
struct Cut;

impl Display for Cut {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str("the connection is cut")
    }
}

impl std::error::Error for Cut {}

async fn read(request: Request<Incoming>) -> Option<Received> {
    let (head, mut body) = request.into_parts();
    let headers = head.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let mut received = Received {
        method: head.method.to_string(),
        target: head.uri.to_string(),
        headers: headers.collect(),
        ..Received::default()
    };
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(bytes) = frame.ok()?.into_data() else {
            continue;
        };
        let left = BODY_BYTES - received.body.len();
        received.is_too_large = bytes.len() > left;
        received.body.extend(bytes.iter().take(left));
        if received.is_too_large {
            break;
        }
    }
    Some(received)
}

fn outcome(step: &Step, normal: &Normal) -> Outcome {
    match step {
        Step::Ok | Step::Delay(_) => Outcome::Status(normal.status),
        Step::Status(status, _) => Outcome::Status(status.as_u16()),
        Step::Drip(_) | Step::Big(_) | Step::Partial(_) => Outcome::Status(200),
        Step::Hang => Outcome::Fault("hang"),
        Step::HangBody => Outcome::Fault("hang-body"),
        Step::Close => Outcome::Fault("close"),
        Step::Html => Outcome::Fault("html"),
    }
}

async fn play(step: Step, normal: Normal) -> Result<Response<AnswerBody>, Cut> {
    match step {
        Step::Ok => Ok(healthy(normal)),
        Step::Delay(time) => {
            sleep(time).await;
            Ok(healthy(normal))
        }
        Step::Status(status, headers) => {
            let mut response = Response::new(AnswerBody::Text(Bytes::new()));
            *response.status_mut() = status;
            response.headers_mut().extend(headers);
            Ok(response)
        }
        Step::Hang => pending().await,
        Step::HangBody => {
            Ok(Response::new(AnswerBody::Stall { part: Bytes::from_static(b"only a part"), promised: DRIP_BYTES }))
        }
        Step::Close => Err(Cut),
        Step::Drip(period) => Ok(Response::new(AnswerBody::drip(DRIP_BYTES, period))),
        Step::Big(bytes) => Ok(Response::new(AnswerBody::Fill(bytes))),
        Step::Partial(records) => {
            // A 64-bit number is a text in protobuf's JSON.
            let rejected = json!({"rejectedLogRecords": records.to_string(), "errorMessage": "as the script says"});
            Ok(with_type("application/json", json!({"partialSuccess": rejected}).to_string().into()))
        }
        Step::Html => Ok(with_type("text/html; charset=utf-8", Bytes::from_static(PORTAL.as_bytes()))),
    }
}

fn healthy(normal: Normal) -> Response<AnswerBody> {
    let mut response = with_type(normal.content_type, normal.body);
    *response.status_mut() = StatusCode::from_u16(normal.status).unwrap_or_default();
    response
}

fn with_type(content_type: &'static str, body: Bytes) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::Text(body));
    if !content_type.is_empty() {
        let value = HeaderValue::from_static(content_type);
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response
}

/// Now, in microseconds since 1970.
pub fn microseconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
