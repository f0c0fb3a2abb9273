//! Other programs, and files of the project that tests read.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use super::{Scratch, stderr};

/// Whether all of these tools are installed. `make test` installs them, and a missing one fails there.
pub fn have(tools: &[&str]) -> bool {
    let absent = tools.iter().find(|tool| {
        let found = Command::new("sh")
            .arg("-c")
            .arg(format!("command -v {tool}"))
            .output();
        !found.unwrap().status.success()
    });
    if let Some(tool) = absent {
        missing(tool);
    }
    absent.is_none()
}

/// Reports that a test is skipped, which is a failure where `POLYARCH_TOOLS` or `CI` demands all tests.
pub fn missing(what: &str) {
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|v| v == value);
    let required = is("POLYARCH_TOOLS", "required") || is("CI", "true");
    assert!(!required, "missing: {what}");
    eprintln!("skipped, because this is missing: {what}");
}

/// The path of a program in `target/newer`, if it is there.
pub fn newer(program: &str) -> Option<String> {
    let path = format!("{}/target/newer/bin/{program}", env!("CARGO_MANIFEST_DIR"));
    let is_there = Path::new(&path).exists();
    if !is_there {
        missing(&path);
    }
    is_there.then_some(path)
}

/// Other users cannot set all owners and attributes, so programs leave them out.
pub fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        missing("root");
    }
    is_root
}

/// Traces a run of `polyarch`, which must succeed, and returns its system calls of a kind, one per line.
/// Each file descriptor is followed by its path.
pub fn calls(scratch: &Scratch, kind: &str, arguments: &[&str]) -> Vec<String> {
    let log = tempfile::NamedTempFile::new().unwrap();
    let traced = Command::new("strace")
        .current_dir(scratch.path(""))
        .args([
            "-f",
            "-y",
            "-qq",
            "-s",
            "4096",
            "-e",
            &format!("trace={kind}"),
            "-o",
        ])
        .arg(log.path())
        .arg(env!("CARGO_BIN_EXE_polyarch"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(traced.status.success(), "{}", stderr(&traced));
    let log = fs::read_to_string(log.path()).unwrap();
    // Each line starts with the number of the thread.
    let call = |line: &str| {
        line.split_once(' ')
            .map(|(_, call)| call.trim_start().to_owned())
    };
    log.lines().filter_map(call).collect()
}

/// The peak memory of a process so far, in MiB; `None` where it has exited or there is no `/proc`.
pub fn peak_memory(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    Some(kibibytes >> 10)
}

/// Runs a script in the directory of the test, which must succeed, and returns its trimmed standard output.
#[track_caller]
pub fn sh(scratch: &Scratch, script: &str) -> String {
    let output = Command::new("bash")
        .current_dir(scratch.path(""))
        .args(["-euo", "pipefail", "-c", script])
        .output()
        .unwrap();
    assert!(output.status.success(), "{script}\n{}", stderr(&output));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Whether a command succeeds in the directory of the test.
pub fn succeeds(scratch: &Scratch, script: &str) -> bool {
    let mut command = Command::new("sh");
    let command = command.current_dir(scratch.path("")).args(["-c", script]);
    command.output().unwrap().status.success()
}

/// Starts containerd with its files in the directory of the test, and returns the command of its client too. It must end
/// before the directory is removed.
pub fn containerd(scratch: &Scratch) -> (Daemon, String) {
    let [root, state, socket, config] =
        ["root", "state", "socket", "config.toml"].map(|name| scratch.path(name));
    let text = format!(
        "version = 2\nroot = {root:?}\nstate = {state:?}\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\naddress = {socket:?}\n"
    );
    scratch.write("config.toml", text.as_bytes());
    let mut containerd = Command::new("containerd");
    let containerd = containerd.arg("--config").arg(config);
    let containerd = containerd.stdout(Stdio::null()).stderr(Stdio::null());
    let daemon = Daemon(containerd.spawn().unwrap());
    let ctr = format!("ctr --address {}", socket.display());
    let is_up = |_| {
        std::thread::sleep(Duration::from_millis(100));
        succeeds(scratch, &format!("{ctr} version"))
    };
    assert!((0..300).any(is_up), "containerd did not start");
    (daemon, ctr)
}

/// A process that ends with the test.
pub struct Daemon(pub Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Runs `polyarch` in a shell after commands such as `ulimit -n 64`.
pub fn limited(scratch: &Scratch, limits: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new("bash");
    let script = format!("{limits}; exec \"$@\"");
    command
        .current_dir(scratch.path(""))
        .args(["-euc", &script, "bash"]);
    command
        .arg(env!("CARGO_BIN_EXE_polyarch"))
        .args(arguments)
        .output()
        .unwrap()
}

/// The path of an image in `tests/fixtures`, which the real dockerTools wrote.
pub fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Compares a text with the file of that name in `tests/snapshots`. With `POLYARCH_SNAPSHOTS=write` in the
/// environment it writes that file first, so that `git diff` shows the change.
pub fn snapshot(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let path = path.join(name);
    if std::env::var_os("POLYARCH_SNAPSHOTS").is_some_and(|what| what == "write") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{} differs from the output (POLYARCH_SNAPSHOTS=write updates it):\n{found}",
        path.display()
    );
}

/// Merges two dockerTools images into `hello.tar`.
pub fn hello(scratch: &Scratch) {
    let inputs = ["amd64", "arm64"].map(|arch| fixture(&format!("{arch}-bli-hello-gz.tar.gz")));
    let source = "org.opencontainers.image.source=https://example.org/hello";
    let options = [
        "merge",
        "--name",
        "hello",
        "--tag",
        "v1",
        "--annotation",
        source,
    ];
    let files = ["-o", "hello.tar", &inputs[0], &inputs[1]];
    scratch.run(&[&options[..], &files].concat());
}
