//! Forks in every way while the library works: no child hangs, its own events arrive, and no event of another process
//! arrives twice.

use super::leftovers::Leftovers;
use super::tarpits::{Kind, Tarpit};
use crate::support::programs::{Language, Sandbox};
use crate::support::{Collector, PATIENCE};
use crate::{Asked, Row, Seen};
use serde_json::Value;
use std::collections::BTreeMap;

pub fn rows() -> Vec<Row> {
    let row = |name, run| Row { name, tries: [50, 1_250], run };
    vec![
        row("fork while idle", |asked| answered(asked, "idle", "fork")),
        row("fork while threads track", |asked| answered(asked, "tracking", "fork")),
        row("grandchildren while threads track", |asked| answered(asked, "tracking", "grandchild")),
        row("raw clone while idle", |asked| answered(asked, "idle", "clone")),
        row("posix_spawn while threads track", |asked| answered(asked, "tracking", "spawn")),
        row("vfork while threads track", |asked| answered(asked, "tracking", "vfork")),
        row("fork while a connect hangs", |asked| hanging(asked, Kind::Connect)),
        row("fork while a name look-up hangs", |asked| hanging(asked, Kind::Name)),
    ]
}

/// With a server that answers: the events of all children arrive there.
fn answered(asked: &Asked, doing: &str, how: &str) -> Seen {
    let sandbox = Sandbox::new();
    let (program, deliver_leftovers) =
        (sandbox.program("forks_storm", Language::C), sandbox.program("deliver_leftovers", Language::C));
    let mut seen = Seen { tries: asked.tries, ..Seen::default() };
    let mut left = asked.tries;
    // A part at a time: no program runs for longer than its watchdog allows.
    while left > 0 {
        let part = left.min(100);
        left -= part;
        let home = sandbox.path().join(left.to_string());
        std::fs::create_dir(&home).unwrap();
        let collector = Collector::start(&[]);
        let run = sandbox.run(&program).home(&home).endpoint(&collector.url).argument(doing).argument(how);
        let ended = run.argument(part.to_string()).argument("4").end();
        if !ended.status.success() || !ended.err.is_empty() {
            seen.failures.push(format!("{}\n{}{}", ended.status, ended.out, ended.err));
            continue;
        }
        if let Err(why) =
            Leftovers::in_home(&home).deliver(sandbox.run(&deliver_leftovers).home(&home).endpoint(&collector.url))
        {
            seen.failures.push(why);
        }
        let events = collector.events_until_end();
        let parents = events.iter().filter(|event| event["fields"]["event"] == "parent").count();
        let kinds: &[&str] = match how {
            "grandchild" => &["child", "grandchild"],
            "spawn" | "vfork" => &[],
            _ => &["child"],
        };
        let expected: Vec<_> =
            kinds.iter().flat_map(|kind| (0..part as i64).map(|n| ((*kind).to_owned(), n))).collect();
        seen.failures.extend(each_once(&events, &expected));
        if parents < ended.delivered() {
            seen.failures.push(format!("{parents} of the parent's {} events arrived", ended.delivered()));
        }
    }
    seen
}

/// Which events did not arrive exactly once; `None` if all did.
fn each_once(events: &[Value], expected: &[(String, i64)]) -> Option<String> {
    let mut times = BTreeMap::<(String, i64), usize>::new();
    for event in events.iter().map(|event| &event["fields"]) {
        let name = event["event"].as_str().unwrap().to_owned();
        if name.ends_with("child") {
            *times.entry((name, event["value"].as_str().unwrap().parse().unwrap())).or_default() += 1;
        }
    }
    let wrong: Vec<_> = expected.iter().filter(|one| times.get(one) != Some(&1)).collect();
    let is_right = wrong.is_empty() && times.len() == expected.len();
    (!is_right).then(|| format!("{} of {} arrived otherwise than once: {wrong:?}", wrong.len(), expected.len()))
}

/// With a server that hangs: the events of the children are on disk once, for a later process.
fn hanging(asked: &Asked, kind: Kind) -> Seen {
    let sandbox = Sandbox::new();
    let program = sandbox.program("forks_storm", Language::C);
    let mut seen = Seen { tries: asked.tries, ..Seen::default() };
    let Some(tarpit) = Tarpit::open(kind) else { return seen };
    let mut left = asked.tries;
    while left > 0 {
        let part = left.min(50); // as many as fork before the first attempt is given up
        left -= part;
        let home = sandbox.path().join(left.to_string());
        std::fs::create_dir(&home).unwrap();
        let run = tarpit.run(&sandbox, &home, &program).argument("hanging").argument("fork");
        let ended = run.argument(part.to_string()).argument("16").end();
        if !ended.status.success() || !ended.err.is_empty() {
            seen.failures.push(format!("{}\n{}{}", ended.status, ended.out, ended.err));
            continue;
        }
        assert!(ended.took < PATIENCE);
        let mut on_disk = Leftovers::in_home(&home).values();
        on_disk.sort_unstable();
        // The parent's own event has the value 1.
        let mut expected: Vec<_> = (0..part as i64).chain([1]).collect();
        expected.sort_unstable();
        if on_disk != expected {
            seen.failures.push(format!("on disk: {on_disk:?}"));
        }
    }
    seen
}
