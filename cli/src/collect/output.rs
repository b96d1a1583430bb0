//! Lines on standard output and standard error, written by a thread of their own, so that a slow reader delays no
//! answer. The lines that wait are bounded; those that do not fit are counted, and the count is printed.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use crate::text::escaped;

/// The most bytes that may wait for a reader.
const WAITING_BYTES: usize = 16 * 1_024 * 1_024;

/// How long the command may wait for a reader before it exits.
const LAST_LINES_TIME: Duration = Duration::from_secs(1);

/// Where lines go, in their order.
pub struct Output {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    left_out_line: fn(u64) -> String,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<String>,
    /// Lines and bytes that wait, with those that are being written.
    count: u64,
    bytes: usize,
    left_out: u64,
}

impl Waiting {
    fn is_done(&self) -> bool {
        self.count == 0 && self.left_out == 0
    }

    fn push(&mut self, line: String) {
        self.count += 1;
        self.bytes += line.len();
        self.lines.push_back(line);
    }

    fn say_left_out(&mut self, line: fn(u64) -> String) {
        match std::mem::take(&mut self.left_out) {
            0 => {}
            lines => self.push(line(lines)),
        }
    }
}

impl Output {
    /// Standard output. When nothing more can be written there, the process exits, since nothing else uses what it
    /// collects. It is no error if the reader has closed it.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn stdout() -> io::Result<Arc<Output>> {
        let left_out = |lines| format!("{{\"type\":\"left_out\",\"lines\":{lines}}}\n");
        Output::start(io::stdout(), left_out, |error| {
            if error.kind() == io::ErrorKind::BrokenPipe {
                std::process::exit(0);
            }
            complain(&format!("error: cannot write the output: {error}"));
            end_complaints();
            std::process::exit(1);
        })
    }

    /// `failed` is called when a line could not be written.
    fn start(
        to: impl Write + Send + 'static,
        left_out_line: fn(u64) -> String,
        failed: fn(&io::Error),
    ) -> io::Result<Arc<Output>> {
        let output = Arc::new(Output { waiting: Mutex::default(), changed: Condvar::new(), left_out_line });
        let own = output.clone();
        thread::Builder::new().name("lines".to_owned()).spawn(move || own.write_all(to, failed))?;
        Ok(output)
    }

    /// Takes a line without its line break, and never waits.
    pub fn line(&self, line: &str) {
        let mut waiting = self.lock();
        // A line that is longer than everything that may wait goes through when nothing else does.
        if waiting.bytes > 0 && waiting.bytes + line.len() > WAITING_BYTES {
            waiting.left_out += 1;
            return;
        }
        waiting.say_left_out(self.left_out_line);
        waiting.push(format!("{line}\n"));
        self.changed.notify_all();
    }

    /// Waits a moment for the last lines to be written; returns how many were not.
    pub fn end(&self) -> u64 {
        let waited = self.changed.wait_timeout_while(self.lock(), LAST_LINES_TIME, |waiting| !waiting.is_done());
        let (waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        waiting.count + waiting.left_out
    }

    fn write_all(&self, mut to: impl Write, failed: fn(&io::Error)) {
        loop {
            let waited = self.changed.wait_while(self.lock(), |waiting| waiting.is_done());
            let mut waiting = waited.unwrap_or_else(PoisonError::into_inner);
            waiting.say_left_out(self.left_out_line);
            let lines = std::mem::take(&mut waiting.lines);
            drop(waiting);
            let written = lines.iter().try_for_each(|line| to.write_all(line.as_bytes())).and_then(|()| to.flush());
            if let Err(error) = written {
                failed(&error);
            }
            let mut waiting = self.lock();
            waiting.count -= lines.len() as u64;
            waiting.bytes -= lines.iter().map(String::len).sum::<usize>();
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line for the person, on standard error.
pub fn complain(line: &str) {
    if let Some(errors) = errors() {
        errors.line(&escaped(line));
    }
}

/// Waits a moment until the lines on standard error are written.
pub fn end_complaints() {
    if let Some(errors) = errors() {
        errors.end();
    }
}

/// Standard error, unless there is no thread for it. The process does not exit when its reader has closed it.
fn errors() -> Option<&'static Arc<Output>> {
    static ERRORS: OnceLock<Option<Arc<Output>>> = OnceLock::new();
    let left_out = |lines| format!("{lines} lines were left out here, because they were not read\n");
    ERRORS.get_or_init(|| Output::start(io::stderr(), left_out, |_| {}).ok()).as_ref()
}

#[cfg(test)]
mod tests {
    // A test that cannot go on should stop.
    #![allow(clippy::unwrap_used)]
    use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};

    use super::*;

    /// Hands on each piece, but only when its reader takes it.
    struct Pipe(SyncSender<Vec<u8>>, Sender<()>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.send(()).unwrap();
            self.0.send(bytes.to_vec()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_slow_reader_delays_nothing_and_is_told_how_many_lines_were_left_out() {
        let (writes, read) = sync_channel(0);
        let (begins, has_begun) = channel();
        let output = Output::start(Pipe(writes, begins), |lines| format!("left out {lines}\n"), |_| {}).unwrap();
        output.line("first");
        has_begun.recv().unwrap();
        let long = "x".repeat(WAITING_BYTES / 4 - 100);
        (0..10).for_each(|_| output.line(&long));
        assert_eq!(read.recv().unwrap(), b"first\n");
        for _ in 0..4 {
            assert_eq!(read.recv().unwrap().len(), long.len() + 1);
        }
        assert_eq!(read.recv().unwrap(), b"left out 6\n");
        output.line("last");
        assert_eq!(read.recv().unwrap(), b"last\n");
        assert_eq!(output.end(), 0);
    }

    #[test]
    fn what_was_left_out_is_said_although_nothing_follows() {
        let (writes, read) = sync_channel(0);
        let (begins, has_begun) = channel();
        let output = Output::start(Pipe(writes, begins), |lines| format!("left out {lines}\n"), |_| {}).unwrap();
        let long = "x".repeat(WAITING_BYTES + 1);
        output.line(&long);
        has_begun.recv().unwrap();
        output.line("does not fit");
        assert_eq!(read.recv().unwrap().len(), long.len() + 1);
        assert_eq!(read.recv_timeout(Duration::from_secs(20)).unwrap(), b"left out 1\n");
    }

    #[test]
    fn the_lines_that_were_not_read_are_counted_at_exit() {
        let (writes, _read) = sync_channel(0);
        let (begins, has_begun) = channel();
        let output = Output::start(Pipe(writes, begins), |lines| format!("left out {lines}\n"), |_| {}).unwrap();
        output.line("first");
        has_begun.recv().unwrap();
        output.line("second");
        assert_eq!(output.end(), 2);
    }
}
