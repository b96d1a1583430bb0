//! The `collect` subcommand: a server in the place of Google's, which prints what arrives as JSON lines, and shows it
//! on a live page if asked to. It forwards nothing, and keeps in memory only what the page shows.

pub mod answers;
pub mod body;
mod browser;
pub mod endpoint;
mod export;
mod journal;
mod normal;
pub mod origin;
mod output;
mod page;
pub mod record;
pub mod request;
pub mod server;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use tokio::net::TcpListener;

use answers::Script;
use export::Export;
use journal::Journal;
use origin::Own;
use output::{Output, complain};
use page::Page;
use record::Arrival;
use server::Collector;

/// The arguments of `collect`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Loopback address to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1", value_parser = loopback)]
    listen: IpAddr,
    /// Port to listen on; 0 takes any free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
    /// Certificate chain for TLS
    #[arg(long, value_name = "PEM", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key for TLS
    #[arg(long, value_name = "PEM", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// What to answer: comma-separated steps, one a request, each repeated with *N, or * for always
    #[arg(long, value_name = "SCRIPT", value_parser = answers::parse, long_help = answers::HELP)]
    answers: Option<Script>,
    /// Also print every request
    #[arg(long)]
    requests: bool,
    /// Also append each event of Google Analytics 4 to this file, as a row of its BigQuery export (a JSON object a
    /// line)
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// Also show events as they arrive on a page, and open it in the browser
    ///
    /// The address contains a random token, so that other users of this machine do not see the page.
    /// PACT_TELEMETRY_PAGE_TOKEN in the environment (16 to 64 letters, digits, - or _) sets the token; an open page
    /// then continues with the next run on the same port.
    #[arg(long)]
    open: bool,
}

fn loopback(text: &str) -> Result<IpAddr, String> {
    let address: IpAddr = text.parse().map_err(|error| format!("{error}"))?;
    let is_here = address.is_loopback();
    is_here.then_some(address).ok_or_else(|| "not a loopback address; events are only collected on this machine".into())
}

/// Collects until a signal ends the process.
///
/// # Errors
/// A sentence for the person: the port is taken, or a file or the token of the page cannot be used.
pub async fn run(arguments: Arguments) -> Result<(), String> {
    let address = SocketAddr::new(arguments.listen, arguments.port);
    let tls = match arguments.tls_cert.zip(arguments.tls_key) {
        Some((certificate, key)) => Some(server::tls(&certificate, &key)?),
        None => None,
    };
    let export = match &arguments.export {
        Some(path) => Some(Export::open(path).map_err(|error| format!("--export {}: {error}", path.display()))?),
        None => None,
    };
    let hint = if address.port() == 0 { "" } else { ". Without --port, it takes any free one" };
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|error| format!("cannot listen on {address}: {error}{hint}"))?;
    let address = listener.local_addr().map_err(|error| format!("no local address: {error}"))?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let ended = signal().map_err(|error| format!("cannot wait for signals: {error}"))?;
    let output = Output::stdout().map_err(|error| format!("cannot write lines: {error}"))?;
    let url = format!("{scheme}://{address}");
    let own = Arc::new(Own::new(scheme, address));
    let journal = arguments.open.then(|| Arc::new(Journal::new(server::microseconds())));
    let token = std::env::var(page::TOKEN).ok().filter(|token| !token.is_empty());
    let page = journal.clone().map(|journal| Page::new(journal, own.clone(), token)).transpose()?;
    let mut listening = vec![("type", json!("listening")), ("url", json!(url))];
    listening.extend(page.iter().map(|page| ("page", json!(format!("{url}{}", page.path())))));
    output.line(&record::line(&listening));
    complain(&format!(
        "To try a program: PACT_TELEMETRY_NOTICE=seen PACT_TELEMETRY_ENDPOINT={url} PROGRAM. Without \
         PACT_TELEMETRY_NOTICE=seen, events wait until the notice was shown and its hold is over."
    ));
    let (requests, lines, kept) = (arguments.requests, output.clone(), journal.clone());
    let script = arguments.answers.unwrap_or_default();
    let mut collector = Collector::new(script, own, move |arrival| {
        print(arrival, requests, &lines);
        export.iter().for_each(|export| export.add(arrival));
        kept.iter().for_each(|journal| journal.add(arrival));
    });
    if let Some(page) = page {
        let ticket = page.ticket_path().map(|path| format!("{url}{path}"));
        // The opener may run as long as the first browser of a desktop does.
        tokio::spawn(show(format!("{url}{}", page.path()), ticket.unwrap_or_default()));
        collector = collector.with_page(page);
    }
    server::serve(listener, tls, Arc::new(collector), ended).await;
    let unread = output.end();
    if unread > 0 {
        complain(&format!("{unread} lines were not written, because they were not read"));
    }
    output::end_complaints();
    Ok(())
}

async fn show(url: String, ticket: String) {
    complain(&format!("The page is at {url}"));
    if let Err(reason) = browser::open(&ticket).await {
        complain(&format!("No browser could be opened ({reason}); open that address yourself."));
    }
}

fn print(arrival: &Arrival, requests: bool, output: &Output) {
    if requests {
        output.line(&arrival.request_line());
    }
    for event in &arrival.events {
        output.line(&event.line(arrival.number));
    }
    if let Some(problem) = &arrival.unreadable {
        complain(&format!("request {}: {problem}", arrival.number));
    }
}

/// Listens for signals from this call on, and ends at the first.
#[cfg(unix)]
fn signal() -> io::Result<impl std::future::Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Ends at Ctrl-C.
#[cfg(not(unix))]
fn signal() -> io::Result<impl std::future::Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
