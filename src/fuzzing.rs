//! Entry points for the programs in `fuzz/` into private modules. Each takes any bytes and checks what must hold for
//! all of them. Compiled only with the feature `fuzzing`, and never part of a released library.
#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc)] // a fault found must stop the fuzzer

use crate::config;
pub use crate::consent::{Saved, opts_out};
use crate::identity::Identity;
use crate::machine::Machine;
use crate::protocol::{self, Context};
use crate::record;
use crate::retry::{Health, RETRY_AFTER_MAX, retry_after};
use crate::spool::{Spool, Turn};
use crate::transport::{Proxies, Way};
use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A fixed time. Its value does not matter.
const NOW_MS: u64 = 1_800_000_000_000;

/// The proxies that an environment sets, and which of them a URL uses. A loopback address never uses one.
pub fn proxies(proxy: &str, exceptions: &str, url: &str) {
    let variable = |name: &str| match name {
        "HTTPS_PROXY" => Some(OsString::from(proxy)),
        "NO_PROXY" => Some(OsString::from(exceptions)),
        _ => None,
    };
    let proxies = Proxies::from_variables(variable);
    if let Ok(uri) = url.parse() {
        let way = proxies.way(&uri);
        let stays_here = config::is_loopback(uri.host().unwrap_or_default());
        assert!(!stays_here || way == Way::Direct, "through a proxy to loopback");
        assert!(way != Way::Through || proxies.proxy().is_some());
        let is_gone_past = way == Way::Direct && !proxy.is_empty() && exceptions.is_empty();
        assert!(stays_here || !is_gone_past, "past a proxy that no exception names");
    }
}

/// The `Retry-After` of a server, and the file that remembers it.
pub fn waits(text: &str, now_s: u32) {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(now_s.into());
    let asked = retry_after(text, now);
    assert!(asked.unwrap_or_default() <= RETRY_AFTER_MAX);
    let health = Health::from_text(text.as_bytes());
    assert_eq!(Health::from_text(health.to_text().as_bytes()), health);
    let backoff = health.backoff;
    assert!(backoff.wait(NOW_MS).unwrap_or_default() <= RETRY_AFTER_MAX);
    let next = backoff.after_failure(NOW_MS, asked, u64::from(now_s));
    assert!(next.wait(NOW_MS).unwrap_or_default() <= RETRY_AFTER_MAX && next.failures > 0);
}

/// A file of the spool. What is read is written back unchanged, and each protocol encodes it within its limits.
pub fn batch(bytes: &[u8]) {
    let Ok((machine, records, _)) = record::from_text(bytes) else { return };
    let (text, ends) = record::to_text(&machine, records.iter());
    let (_, again, ends_again) = record::from_text(text.as_bytes()).unwrap();
    assert_eq!(ends, ends_again);
    assert_eq!(record::to_text(&machine, again.iter()).0, text);
    for protocol in ["ga4", "universal-analytics", "otlp"] {
        encode(protocol, &machine, &records);
    }
}

fn encode(protocol: &str, machine: &Machine, records: &[record::Record]) {
    let credentials = r#""measurement_id":"G-1","api_secret":"s","tracking_id":"UA-1-1""#;
    let library = r#""library":{"id":"a","name":"b","version":"1"},"endpoint":"https://a.example""#;
    let settings =
        config::parse(&format!("{{{library},{credentials},\"protocol\":\"{protocol}\"}}"), |_| None).unwrap();
    let hits: Vec<_> = records.iter().map(|record| record.hit(NOW_MS)).collect();
    let context = Context { machine, now_micros: NOW_MS * 1_000 };
    for body in protocol::encode(&settings.destination, &context, &hits) {
        assert!(body.text.len() <= settings.destination.protocol.max_body_bytes(), "{}", body.text.len());
    }
}

/// A config, with one override from the environment.
pub fn config(json: &str, name: &str, value: &str) {
    let variable = |asked: &str| (asked == name).then(|| OsString::from(value));
    match config::parse(json, variable) {
        Ok(settings) => {
            assert!((1..=config::QUEUE_CAPACITY_MAX).contains(&settings.queue_capacity));
            let Identity { library_id, library_name, library_version, data_source, test_framework, platform_version } =
                &*settings.identity;
            let parts = [library_id, library_name, library_version, data_source, test_framework, platform_version];
            assert!(Identity::from_parts(parts.map(|part| &**part)).is_some(), "the spool would not read it back");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A spool folder with files of any name and content.
pub fn spool(state_folder: &Path, names: &[&str], content: &[u8]) {
    let Some(spool) = Spool::open(state_folder) else { return };
    let folder = state_folder.join("spool");
    for name in names {
        let _ = std::fs::write(folder.join(name.replace(['/', '\0'], "_")), content);
    }
    let destination = "0123456789abcdef0123456789abcdef";
    let listed = || spool.list(destination, NOW_MS).unwrap_or_default().batches;
    for (_, name) in listed() {
        let _ = (spool.is_free(&name, NOW_MS), spool.read(&name));
        spool.set_aside(&name);
    }
    let kept = spool.put(destination, "{}", NOW_MS);
    if let Some((name, _)) = kept {
        assert!(listed().iter().any(|(_, listed)| *listed == name) && !spool.is_free(&name, NOW_MS), "{name}");
        let given = spool.give_away(&name).unwrap_or_default();
        assert!(spool.is_given_away(&given) && spool.is_free(&given, NOW_MS), "{given}");
        assert_eq!(spool.read(&given).ok().as_deref(), Some(b"{}".as_slice()));
    }
    assert!(matches!(spool.turn(destination), Turn::Ours(_)));
    let _ = spool.health(destination);
    spool.purge(NOW_MS + 1, NOW_MS);
    assert!(listed().is_empty());
    let _ = std::fs::remove_dir_all(&folder);
}
