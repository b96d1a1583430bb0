//! Compiles a program of tests/c, runs it in a clean environment, and ends it if it does not end by itself.

use super::{ROOT, notice_shown, state_below};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// No program here needs this long, and none under a checker needs ten times this long.
const WATCHDOG: Duration = Duration::from_secs(60);

/// What checks the programs while they run: nothing, or by PACT_TELEMETRY_WATCHED_BY (`tests/sanitize/run`) the
/// sanitizers of the compiler or Valgrind. Both end a faulty program with a text and a status that is not 0.
#[derive(Clone, Copy, PartialEq)]
enum Watch {
    Nothing,
    Sanitizers,
    Valgrind,
}

fn watch() -> Watch {
    match std::env::var("PACT_TELEMETRY_WATCHED_BY").as_deref() {
        Err(_) => Watch::Nothing,
        Ok("sanitizers") => Watch::Sanitizers,
        Ok("valgrind") => Watch::Valgrind,
        Ok(other) => panic!("PACT_TELEMETRY_WATCHED_BY: sanitizers or valgrind, not {other}"),
    }
}

pub const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

/// A path below the project.
pub fn root(path: &str) -> PathBuf {
    Path::new(ROOT).join(path)
}

/// Runs `make -s` with these arguments, which builds in the usual folder.
pub fn make(arguments: &[&str]) {
    run_tool(Command::new("make").args(["-s", "-C", ROOT]).args(arguments).env_remove("CARGO_TARGET_DIR"));
}

/// The folder of the release library, built once. Under a checker it is a build with symbols and with checked
/// arithmetic.
pub fn library() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        make(&["lib", "command"]);
        match watch() {
            Watch::Nothing => root("build/lib"),
            _ => watched_library(),
        }
    };
    BUILT.get_or_init(build).clone()
}

fn watched_library() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["rustc", "--quiet", "--locked", "--lib", "--crate-type", "cdylib"]);
    run_tool(cargo.current_dir(root("")));
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root("target"), PathBuf::from);
    let folder = root("build/watched");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["libpact_telemetry.so", "libpact_telemetry.so.1"] {
        let _ = std::fs::remove_file(folder.join(name));
        std::fs::copy(target.join("debug/libpact_telemetry.so"), folder.join(name)).unwrap();
    }
    folder
}

/// Runs a tool that has to succeed, and returns what it printed.
pub fn run_tool(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{}{errors}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stdout).unwrap()
}

#[derive(Clone, Copy)]
pub enum Language {
    C,
    Cpp,
}

/// A folder of a test's own: its programs, and their home.
pub struct Sandbox(TempDir);

impl Sandbox {
    pub fn new() -> Self {
        let sandbox = tempfile::tempdir().unwrap();
        notice_shown(&state_below(sandbox.path()));
        Sandbox(sandbox)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The program in both languages.
    pub fn programs(&self, name: &str) -> [PathBuf; 2] {
        [Language::C, Language::Cpp].map(|language| self.program(name, language))
    }

    /// The program, linked with the release library where that was built.
    pub fn program(&self, name: &str, language: Language) -> PathBuf {
        self.program_with(name, language, &linked_with(&library()))
    }

    /// The program, linked by these arguments. The headers are in `include/` unless the arguments name another folder.
    pub fn program_with(&self, name: &str, language: Language, arguments: &[String]) -> PathBuf {
        let (compiler, suffix, language) = match language {
            Language::C => ("cc", "c", ["-std=c99", "-x", "c"]),
            Language::Cpp => ("c++", "cpp", ["-std=c++17", "-x", "c++"]),
        };
        let program = self.path().join(format!("{name}.{suffix}.out"));
        let mut command = Command::new(compiler);
        command.args(language).args(WARNINGS).args(["-D_GNU_SOURCE", "-pthread", "-o"]).arg(&program);
        if watch() == Watch::Sanitizers {
            command.args(["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
        }
        command.arg(root("tests/c").join(format!("{name}.c"))).args(["-x", "none"]).args(arguments);
        run_tool(&mut command);
        program
    }

    /// A run of a program with nothing in its environment but a home, credentials, and what is added.
    pub fn run(&self, program: impl AsRef<Path>) -> Run {
        let run = self.run_bare(program);
        run.variable("PACT_TELEMETRY_MEASUREMENT_ID", "G-TEST").variable("PACT_TELEMETRY_API_SECRET", "secret")
    }

    /// The same without credentials.
    pub fn run_bare(&self, program: impl AsRef<Path>) -> Run {
        let mut command = match watch() {
            Watch::Valgrind => {
                let mut valgrind = Command::new("valgrind");
                valgrind.args(["--quiet", "--error-exitcode=99"]);
                valgrind.arg(program.as_ref());
                valgrind
            }
            _ => Command::new(program.as_ref()),
        };
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("HOME", self.path()).env("XDG_CONFIG_HOME", self.path().join("config"));
        command.env("CI", "true"); // where events are sent without waiting for the notice
        Run(command)
    }
}

/// The arguments that link a program with the library in that folder, and make it find the library there.
pub fn linked_with(library: &Path) -> Vec<String> {
    let (include, library) = (root("include"), library.display());
    let rpath = format!("-Wl,-rpath,{library}");
    vec![format!("-I{}", include.display()), format!("-L{library}"), "-lpact_telemetry".into(), rpath, "-ldl".into()]
}

/// A program about to run.
pub struct Run(Command);

impl Run {
    pub fn endpoint(self, url: &str) -> Self {
        self.variable("PACT_TELEMETRY_ENDPOINT", url)
    }

    /// With that home, of a person who has seen the notice.
    pub fn home(self, home: &Path) -> Self {
        notice_shown(&state_below(home));
        self.variable("HOME", home)
    }

    pub fn variable(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    pub fn argument(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    /// The command, for running it in another way.
    pub fn command(self) -> Command {
        self.0
    }

    /// Runs it until it exits and its output is closed, also by its children.
    pub fn end(mut self) -> Ended {
        let command = self.0.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let since = Instant::now();
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (sender, texts) = channel();
        read_to_end(child.stdout.take().unwrap(), 0, sender.clone());
        read_to_end(child.stderr.take().unwrap(), 1, sender);
        let mut ended = [String::new(), String::new()];
        for _ in 0..2 {
            let patience = if watch() == Watch::Nothing { WATCHDOG } else { 10 * WATCHDOG };
            let Ok((index, text)) = texts.recv_timeout(patience.saturating_sub(since.elapsed())) else {
                let _ = child.kill();
                panic!("{command:?} did not end within {patience:?}");
            };
            ended[index] = text;
        }
        let status = child.wait().unwrap();
        let [out, err] = ended;
        Ended { what: format!("{command:?}"), status, out, err, took: since.elapsed() }
    }

    /// Runs it until it exits. It must succeed and print nothing on standard error.
    #[track_caller]
    pub fn succeed(self) -> Ended {
        let ended = self.end();
        let is_good = ended.status.success() && ended.err.is_empty();
        assert!(is_good, "{}\n{}{}{}", ended.what, ended.out, ended.err, ended.status);
        ended
    }
}

fn read_to_end(mut from: impl Read + Send + 'static, index: usize, to: Sender<(usize, String)>) {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        to.send((index, String::from_utf8_lossy(&bytes).into_owned()))
    });
}

/// A program that ran.
pub struct Ended {
    what: String,
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
    pub took: Duration,
}

impl Ended {
    /// The number after "delivered " in its output.
    pub fn delivered(&self) -> usize {
        let found = self.out.lines().find_map(|line| line.strip_prefix("delivered "));
        found.unwrap_or_else(|| panic!("{}: {}", self.what, self.out)).parse().unwrap()
    }
}
