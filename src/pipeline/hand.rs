//! Events in the library's hands, between the queue and their end. Whatever happens to one is counted, once.

use super::{DropReason, Pipeline};
use crate::batch::{self, Record, Unread};
use crate::client::{Route, Shared};
use crate::host::Host;
use crate::spool::Spool;
use std::sync::atomic::Ordering;
use std::sync::Arc;

/// One event. If it is let go without a word, it counts as lost by a fault of ours.
pub(super) struct InHand {
    pub record: Record,
    /// Whose it is; `None` for one that an earlier process left on disk.
    pub owner: Option<Arc<Shared>>,
    pipeline: &'static Pipeline,
    kept: bool,
    settled: bool,
}

impl InHand {
    /// An event of this process, out of the queue.
    pub fn own(pipeline: &'static Pipeline, owner: Arc<Shared>, record: Record) -> Self {
        pipeline.pending.fetch_add(1, Ordering::SeqCst);
        InHand { record, owner: Some(owner), pipeline, kept: false, settled: false }
    }

    /// An event that another process left.
    pub fn found(pipeline: &'static Pipeline, record: Record) -> Self {
        InHand { record, owner: None, pipeline, kept: true, settled: false }
    }

    /// May it still leave? Not after its owner turned it off, even if it was turned on again since.
    pub fn is_wanted(&self) -> bool {
        self.owner.as_ref().is_none_or(|owner| owner.consent_epoch() == self.record.event.epoch())
    }

    pub fn deliver(mut self) {
        self.settled = true;
        match &self.owner {
            Some(owner) => owner.account.deliver(self.kept),
            None => drop(self.pipeline.others_delivered.fetch_add(1, Ordering::Relaxed)),
        }
        self.no_longer_pending();
    }

    pub fn drop_for(mut self, why: DropReason) {
        self.settle_as_dropped(why);
    }

    /// It waits for another attempt.
    pub fn keep(&mut self) {
        if !self.kept {
            if let Some(owner) = &self.owner {
                owner.account.keep();
            }
            self.no_longer_pending();
            self.kept = true;
        }
    }

    /// It is on disk, where another process takes care of it.
    pub fn leave(mut self) {
        self.keep();
        self.settled = true;
    }

    fn settle_as_dropped(&mut self, why: DropReason) {
        self.settled = true;
        match &self.owner {
            Some(owner) => owner.account.drop_for(why, self.kept),
            None => drop(self.pipeline.others_dropped.fetch_add(1, Ordering::Relaxed)),
        }
        self.no_longer_pending();
    }

    fn no_longer_pending(&self) {
        if !self.kept {
            self.pipeline.pending.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        if !self.settled {
            self.settle_as_dropped(DropReason::Internal);
        }
    }
}

/// Events of one destination and one machine, on disk as one file where the disk allows: as many as were taken out of the
/// queue at once, sent in several requests if need be. A file is dear to make and to remove, and cheap to cut.
pub(super) struct Batch {
    pub route: Arc<Route>,
    pub host: Arc<Host>,
    /// The newest first, as in the file: the oldest are sent first, and cut off at its end.
    events: Vec<InHand>,
    pub spool: Option<Arc<Spool>>,
    pub file: Option<String>,
    /// How long the file is with each event.
    ends: Vec<usize>,
}

impl Batch {
    /// Of these, the newest first, and on disk if the disk takes it: before the uploader has it.
    pub fn put(
        route: &Arc<Route>,
        host: Arc<Host>,
        spool: Option<Arc<Spool>>,
        events: Vec<InHand>,
        now_ms: u64,
    ) -> Self {
        let mut batch = Batch { route: route.clone(), host, events, spool, file: None, ends: Vec::new() };
        if let Some(spool) = batch.spool.clone() {
            batch.file = spool.put(&route.id, &batch.text(), now_ms);
        }
        batch
    }

    /// One that another process left, whose file is that; `None` where it is gone, or cannot be read just now. What is no batch
    /// is set aside.
    pub fn found(pipeline: &'static Pipeline, route: &Arc<Route>, spool: &Arc<Spool>, file: String) -> Option<Self> {
        let (host, records, ends) = match read(spool, &file) {
            Ok(read) => read,
            Err(Unread::NotNow) => return None,
            Err(Unread::NoBatch) => {
                spool.set_aside(&file);
                return None;
            }
        };
        let events = records.into_iter().map(|record| InHand::found(pipeline, record)).collect();
        let (route, host) = (route.clone(), Arc::new(host));
        Some(Batch { route, host, events, spool: Some(spool.clone()), file: Some(file), ends })
    }

    pub fn len(&self) -> usize {
        self.events.len()
    }

    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Its events, the oldest first.
    pub fn events(&self) -> impl Iterator<Item = &InHand> {
        self.events.iter().rev()
    }

    /// What its file holds.
    fn text(&mut self) -> String {
        let (text, ends) = batch::to_text(&self.host, self.events.iter().map(|event| &event.record));
        self.ends = ends;
        text
    }

    /// Takes out the events that are so.
    pub fn take(&mut self, is_so: impl Fn(&InHand) -> bool) -> Vec<InHand> {
        if !self.events.iter().any(&is_so) {
            return Vec::new();
        }
        let (taken, left) = std::mem::take(&mut self.events).into_iter().partition(|event| is_so(event));
        self.events = left;
        self.follow(|batch, spool, file| {
            let text = batch.text();
            spool.write(file, text.as_bytes()).is_ok()
        });
        taken
    }

    /// Takes out the oldest, at most so many.
    pub fn take_oldest(&mut self, count: usize) -> Vec<InHand> {
        let taken = self.events.split_off(self.events.len().saturating_sub(count));
        if taken.is_empty() {
            return taken;
        }
        self.ends.truncate(self.events.len());
        self.follow(|batch, spool, file| {
            let end = batch.ends.last().copied().unwrap_or_default();
            spool.cut(file, end as u64).is_ok()
        });
        taken
    }

    /// The file follows what was taken out.
    fn follow(&mut self, write: impl FnOnce(&mut Self, &Spool, &str) -> bool) {
        let (Some(spool), Some(file)) = (self.spool.clone(), self.file.take()) else { return };
        if !self.is_empty() && write(self, &spool, &file) {
            self.file = Some(file);
        } else {
            spool.remove(&file); // rather in memory alone than twice
        }
    }

    /// Takes the file of another process for good: it will be sent in parts. Returns whether it was still there.
    pub fn claim(&mut self) -> bool {
        if let (Some(spool), Some(file)) = (&self.spool, &self.file) {
            self.file = spool.claim(file);
        }
        self.file.is_some()
    }

    /// Keeps it, for whoever has a turn before this process does.
    pub fn offer(&mut self) {
        self.give_away();
        self.keep(); // last: the end of the process waits for it
    }

    /// From now on whoever has a turn may take it.
    pub fn give_away(&mut self) {
        if let (Some(spool), Some(file)) = (&self.spool, &mut self.file) {
            if !spool.is_given_away(file) {
                *file = spool.give_away(file);
            }
        }
    }

    pub fn keep(&mut self) {
        self.events.iter_mut().for_each(InHand::keep);
    }

    /// For one who has another life on disk: another process took its file, or will.
    pub fn leave(self) {
        self.events.into_iter().for_each(InHand::leave);
    }
}

fn read(spool: &Spool, file: &str) -> Result<(Host, Vec<Record>, Vec<usize>), Unread> {
    let text = spool.read(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => Unread::NoBatch,
        _ => Unread::NotNow,
    });
    batch::from_text(&text?)
}

/// The clients of these events, each once.
pub(super) fn owners_of<'a>(events: impl Iterator<Item = &'a InHand>) -> Vec<Arc<Shared>> {
    let mut owners: Vec<Arc<Shared>> = Vec::new();
    for owner in events.filter_map(|event| event.owner.as_ref()) {
        if !owners.iter().any(|known| Arc::ptr_eq(known, owner)) {
            owners.push(owner.clone());
        }
    }
    owners
}

pub(super) fn drop_all(events: Vec<InHand>, why: DropReason) {
    events.into_iter().for_each(|event| event.drop_for(why));
}
