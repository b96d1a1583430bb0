//! A person's home, and the command as that person runs it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// A home that is removed with its test.
pub struct Home(TempDir);

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub error: String,
}

impl Ended {
    /// The output of a command that must have succeeded.
    pub fn good(self) -> String {
        assert_eq!((self.code, self.error.as_str()), (0, ""), "{}", self.out);
        self.out
    }

    /// The same, for machines.
    pub fn json(self) -> Value {
        serde_json::from_str(&self.good()).unwrap()
    }

    /// The error of a command that must have failed, with nothing on standard output.
    pub fn failed(self) -> String {
        assert_eq!((self.code, self.out.as_str()), (1, ""), "{}", self.error);
        self.error
    }
}

impl Home {
    pub fn new() -> Self {
        Home(TempDir::new().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn choice(&self) -> PathBuf {
        self.path().join(".config/pact-telemetry/choice.json")
    }

    pub fn state(&self) -> PathBuf {
        self.path().join(".local/state/pact-telemetry")
    }

    /// Any program with this home and nothing else in its environment.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.path()).env("TZ", "UTC");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, &[])
    }

    pub fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let mut command = self.command(env!("CARGO_BIN_EXE_pact-telemetry"));
        end(command.args(arguments).envs(variables.iter().copied()))
    }

    pub fn save(&self, choice: &str) {
        write(&self.choice(), choice);
    }

    /// The saved choice, for machines.
    pub fn saved(&self) -> Value {
        serde_json::from_slice(&fs::read(self.choice()).unwrap()).unwrap()
    }

    /// Every file in it, by its path there.
    pub fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        walk(self.path(), &mut |path| found.push(path.strip_prefix(self.path()).unwrap().display().to_string()));
        found.sort();
        found
    }
}

/// Runs it until it exits.
pub fn end(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap(), out: text(output.stdout), error: text(output.stderr) }
}

/// Prints a message that is visible even if the test passes and its output is captured.
pub fn say_loudly(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Writes a file and makes the folders above it.
pub fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// The permissions of a file.
pub fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

fn walk(folder: &Path, found: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            walk(&path, found);
        } else {
            found(&path);
        }
    }
}
