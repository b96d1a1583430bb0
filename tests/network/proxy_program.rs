//! Real proxies as programs, in a network of their own, where their ports are free.

use super::namespace::file;
use crate::support::{PATIENCE, home, say_loudly};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

/// A running proxy, and its output.
pub struct ProxyProgram {
    process: Child,
    lines: Receiver<String>,
}

impl ProxyProgram {
    /// tinyproxy on port 3128; with `account`, a name and a password, only for those who give them.
    pub fn tinyproxy(account: Option<&str>) -> Self {
        let account = account.map(|account| format!("BasicAuth {account}\n")).unwrap_or_default();
        let path = file("tinyproxy", format!("Port 3128\nListen 127.0.0.1\nLogLevel Info\nMaxClients 9\n{account}"));
        // It keeps the mounts of this moment, so it still knows the names if the test removes them later.
        let mut command = Command::new("unshare");
        Self::start(command.args(["--mount", "tinyproxy", "-d", "-c"]).arg(path), "Accepting connections")
    }

    /// mitmproxy on port 8080, which opens what is encrypted and closes it again with certificates of this root.
    pub fn mitmproxy(root: &str, key: &str) -> Self {
        std::fs::create_dir(home().join("mitm")).unwrap();
        file("mitm/mitmproxy-ca.pem", format!("{key}{root}"));
        let words = ["--listen-host", "127.0.0.1", "--listen-port", "8080", "--set", "ssl_insecure=true", "--set"];
        let folder = format!("confdir={}", home().join("mitm").display());
        let mut command = Command::new("mitmdump");
        Self::start(command.args(words).arg(folder).env("PYTHONUNBUFFERED", "1"), "listening at")
    }

    fn start(command: &mut Command, ready: &str) -> Self {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let proxy = ProxyProgram { process, lines };
        proxy.says(ready);
        proxy
    }

    /// Waits until it prints that text; returns the line.
    #[track_caller]
    pub fn says(&self, text: &str) -> String {
        let mut said = String::new();
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else { panic!("{text:?} was not said:\n{said}") };
            if line.contains(text) {
                return line;
            }
            said += &line;
            said.push('\n');
        }
    }

    /// Ends it, and returns what it printed since the last call.
    pub fn end(mut self) -> String {
        let _ = self.process.kill();
        let _ = self.process.wait();
        std::iter::from_fn(|| self.lines.recv_timeout(PATIENCE).ok()).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for ProxyProgram {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether this program is installed; prints a message if not. For root in CI it must be.
pub fn is_here(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", "command -v \"$0\"", program]).stdout(Stdio::null()).status();
    let is_here = found.is_ok_and(|status| status.success());
    if !is_here {
        let text = format!("NOT RUN: no {program} here, so what goes through it was not checked");
        assert!(!crate::support::has_to_run(), "{text}");
        say_loudly(&text);
    }
    is_here
}
