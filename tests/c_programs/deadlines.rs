//! A call with a time limit returns in time, wherever the server hangs.

use crate::support::Collector;
use crate::support::programs::{Language, Sandbox};
use std::net::TcpListener;

/// What one run of `deadlines` printed.
#[derive(Debug)]
struct Measured {
    milliseconds: f64,
    status: String,
    opted_out: u64,
    delivered: u64,
}

/// A server that hangs in its own way, and the endpoint to reach it by.
struct Hanging {
    endpoint: String,
    _server: Server,
}

#[allow(dead_code)] // held until the end of the test
enum Server {
    Collector(Collector),
    Listener(TcpListener),
    /// The program itself is the server.
    Own,
}

impl Hanging {
    /// Every packet of a connection is dropped.
    fn at_connect() -> Self {
        Hanging { endpoint: "connect".into(), _server: Server::Own }
    }

    /// The system accepts the connection, and nothing is ever sent.
    fn at_tls() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("https://{}", listener.local_addr().unwrap());
        Hanging { endpoint, _server: Server::Listener(listener) }
    }

    fn by_script(answers: &str) -> Self {
        let collector = Collector::start(&["--answers", answers]);
        Hanging { endpoint: collector.url.clone(), _server: Server::Collector(collector) }
    }

    /// Runs this many processes, each with a home of its own, because a server that hangs is remembered for later
    /// processes.
    fn measure(&self, call: &str, times: usize) -> Vec<Measured> {
        (0..times).flat_map(|_| self.measure_in_a_row(call, 1)).collect()
    }

    /// Runs this many processes with one home.
    fn measure_in_a_row(&self, call: &str, times: usize) -> Vec<Measured> {
        let sandbox = Sandbox::new();
        let program = sandbox.program("deadlines", Language::C);
        let measure = |_| {
            let out = sandbox.run(&program).argument(call).argument(&self.endpoint).succeed().out;
            let words: Vec<_> = out.split_whitespace().collect();
            Measured {
                milliseconds: words[0].parse().unwrap(),
                status: words[1].into(),
                opted_out: words[2].parse().unwrap(),
                delivered: words[3].parse().unwrap(),
            }
        };
        (0..times).map(measure).collect()
    }
}

fn best(all: &[Measured]) -> f64 {
    all.iter().map(|one| one.milliseconds).fold(f64::INFINITY, f64::min)
}

fn holds_its_time(hanging: &Hanging, status: &str) {
    for call in ["flush", "close"] {
        let all = hanging.measure(call, 5);
        for one in &all {
            assert_eq!((one.status.as_str(), one.delivered, one.opted_out), (status, 0, 0), "{call}: {all:?}");
            assert!((300.0..1300.0).contains(&one.milliseconds), "{call}: {all:?}");
        }
        assert!(best(&all) < 350.0, "{call}: {all:?}");
    }
}

/// Turning the client off returns at once, and the event settles as opted out without waiting for the server.
fn is_cut_at_once(hanging: &Hanging) {
    let all = hanging.measure("off", 3);
    for one in &all {
        let is_settled = matches!(one.status.as_str(), "PACT_TELEMETRY_LOST" | "PACT_TELEMETRY_OK");
        assert!(is_settled && one.opted_out == 1 && one.delivered == 0, "{all:?}");
        assert!(one.milliseconds < 1000.0, "{all:?}");
    }
    assert!(best(&all) < 50.0, "{all:?}");
}

#[test]
fn a_server_that_drops_connections_holds_nobody() {
    holds_its_time(&Hanging::at_connect(), "PACT_TELEMETRY_ERROR_TIMEOUT");
}

#[test]
fn a_server_that_hangs_in_the_handshake_holds_nobody() {
    holds_its_time(&Hanging::at_tls(), "PACT_TELEMETRY_ERROR_TIMEOUT");
}

#[test]
fn a_server_that_never_answers_holds_nobody() {
    holds_its_time(&Hanging::by_script("hang*"), "PACT_TELEMETRY_ERROR_TIMEOUT");
}

#[test]
fn what_hung_for_one_process_is_not_waited_for_by_the_next_ones() {
    for hanging in [Hanging::at_tls(), Hanging::by_script("hang*")] {
        for call in ["flush", "close"] {
            let all = hanging.measure_in_a_row(call, 5);
            assert_eq!(all[0].status, "PACT_TELEMETRY_ERROR_TIMEOUT", "{call}: {all:?}");
            assert!(all[1..].iter().all(|one| one.status == "PACT_TELEMETRY_KEPT"), "{call}: {all:?}");
            assert!(all[1..].iter().all(|one| one.milliseconds < 250.0), "{call}: {all:?}");
            assert!(best(&all) < 50.0, "{call}: {all:?}");
        }
    }
}

#[test]
fn a_server_that_stalls_within_its_answer_holds_nobody() {
    let all = Hanging::by_script("hang-body*").measure("flush", 5);
    for one in &all {
        // The head of the answer said 2xx, so the request was accepted. That may be known before or after the time for
        // the body is over.
        let is_late = one.status == "PACT_TELEMETRY_ERROR_TIMEOUT" && one.milliseconds >= 300.0 && one.delivered == 0;
        let is_known = one.status == "PACT_TELEMETRY_OK" && one.delivered == 1;
        assert!((is_late || is_known) && one.milliseconds < 1300.0, "{all:?}");
    }
    assert!(best(&all) < 350.0, "{all:?}");
}

#[test]
fn an_answer_whose_head_is_2xx_counts_as_delivered_though_its_body_stalls() {
    let sandbox = Sandbox::new();
    let collector = Collector::start(&["--answers", "hang-body*"]);
    for program in sandbox.programs("slow_body") {
        sandbox.run(program).endpoint(&collector.url).succeed();
    }
}

#[test]
fn turning_it_off_cuts_a_request_that_waits_for_its_answer() {
    is_cut_at_once(&Hanging::by_script("hang*"));
}

#[test]
fn turning_it_off_cuts_a_handshake() {
    is_cut_at_once(&Hanging::at_tls());
}

#[test]
fn turning_it_off_is_quick_also_while_it_connects() {
    // A connection attempt cannot be cancelled. But nothing can leave by it, and the call does not wait for it.
    let all = Hanging::at_connect().measure("off", 3);
    assert!(all.iter().all(|one| one.delivered == 0 && one.milliseconds < 1000.0), "{all:?}");
    assert!(best(&all) < 50.0, "{all:?}");
}
