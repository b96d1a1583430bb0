//! Runs a test in a process or a network of its own, and changes the system there.

use crate::support::{home, in_its_own_network, in_its_own_process};
use std::path::{Path, PathBuf};
use std::process::Command;

/// [`in_its_own_process`] for this test.
pub fn alone<T>(test: T, environment: &[(&str, &str)]) -> bool {
    in_its_own_process(name_of(test), environment)
}

/// [`in_its_own_network`] for this test.
pub fn far_away<T>(test: T, environment: &[(&str, &str)]) -> bool {
    in_its_own_network(name_of(test), environment)
}

/// As the test runner calls it: the path without the crate.
fn name_of<T>(_: T) -> &'static str {
    std::any::type_name::<T>().split_once("::").unwrap().1
}

/// Runs a system's tool, which has to succeed.
pub fn run(tool: &str, words: &str) {
    let output = Command::new(tool).args(words.split_whitespace()).output().unwrap();
    assert!(output.status.success(), "{tool} {words}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A file below the home of this process.
pub fn file(name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = home().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// Gives this file of the system this text in this namespace.
pub fn change(path: &str, text: impl AsRef<[u8]>) {
    // A new file each time, so that earlier mounts keep their text.
    let (_, source) = tempfile::NamedTempFile::new_in(home()).unwrap().keep().unwrap();
    std::fs::write(&source, text).unwrap();
    run("chmod", &format!("644 {}", source.display()));
    run("mount", &format!("--bind {} {}", source.display(), std::fs::canonicalize(path).unwrap().display()));
}

/// Makes these folders of the system empty in this namespace.
pub fn empty(folders: &[&str]) {
    for folder in folders.iter().filter(|folder| Path::new(folder).exists()) {
        run("mount", &format!("-t tmpfs none {folder}"));
    }
}

/// Sets the names of this network as lines of /etc/hosts, without a name server.
pub fn names(lines: &str) {
    change("/etc/nsswitch.conf", "hosts: files dns\n");
    change("/etc/hosts", lines);
}
