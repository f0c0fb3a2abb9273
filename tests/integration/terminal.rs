//! Terminals: progress bars, colours and line widths, none of which appear without a terminal; suggestions for
//! typos, completions and manual pages.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use crate::support::*;
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Opens a pseudoterminal: its own end, and the end that a program writes to.
fn terminal(columns: u16) -> (File, OwnedFd) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    // Without CLOEXEC, the programs that other tests start would hold it open.
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let theirs = rustix::fs::open(name, flags, Mode::empty()).unwrap();
    let size = Winsize {
        ws_row: 40,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&theirs, size).unwrap();
    (File::from(ours), theirs)
}

/// Runs a command with a terminal as standard output and error, and returns what it writes there.
fn said(mut command: Command, columns: u16) -> String {
    let (mut ours, theirs) = terminal(columns);
    command.env("TERM", "xterm-256color").stdin(Stdio::null());
    command.stdout(theirs.try_clone().unwrap()).stderr(theirs);
    let mut child = command.spawn().unwrap();
    // The command holds the last copies of the other end of the terminal.
    drop(command);
    let said = read_to_end(&mut ours);
    child.wait().unwrap();
    said
}

/// Reads until the other end of the terminal is closed, which is an error on Linux.
fn read_to_end(ours: &mut File) -> String {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(n @ 1..) = ours.read(&mut buffer) {
        all.extend_from_slice(&buffer[..n]);
    }
    String::from_utf8_lossy(&all).replace("\r\n", "\n")
}

/// Reads until all of these texts have appeared.
fn read_until(ours: &mut File, texts: &[&str]) -> String {
    let mut seen = String::new();
    let mut buffer = [0; 4096];
    while !texts.iter().all(|text| seen.contains(text)) {
        let n = ours.read(&mut buffer).unwrap();
        assert!(n > 0, "{seen}");
        seen += &String::from_utf8_lossy(&buffer[..n]);
    }
    seen
}

/// The text without escape sequences.
fn visible(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let end = part.find(|c: char| c.is_ascii_alphabetic());
        text + end.map_or("", |end| &part[end + 1..])
    })
}

/// Feeds a command half of an image on standard input and reads its terminal until that has `shown`;
/// then feeds the rest. Returns what it wrote to the terminal after that, and to standard output.
fn fed_halfway(mut command: Command, bytes: &[u8], shown: &[&str]) -> (String, String) {
    let (mut ours, theirs) = terminal(80);
    // The tests may themselves run in a Nix build.
    command
        .env("TERM", "xterm-256color")
        .env_remove("NIX_BUILD_TOP");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(theirs);
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut stdin = child.stdin.take().unwrap();
    let (half, rest) = bytes.split_at(bytes.len() / 2);
    stdin.write_all(half).unwrap();
    let bars = read_until(&mut ours, shown);
    // Each bar is padded to the width of the terminal; the last one may not be whole yet.
    for line in visible(&bars).split(['\r', '\n']) {
        let line: Vec<char> = line.chars().collect();
        for bar in line.chunks_exact(80) {
            let bar = String::from_iter(bar);
            assert!(bar.contains(" of ") && bar.contains("B/s"), "{bar:?}");
        }
    }
    stdin.write_all(rest).unwrap();
    drop(stdin);
    let end = read_to_end(&mut ours);
    let mut stdout = String::new();
    let mut output = child.stdout.take().unwrap();
    output.read_to_string(&mut stdout).unwrap();
    assert!(child.wait().unwrap().success());
    (end, stdout)
}

/// The test writes the second half of the image after it has seen the bar.
#[test]
fn a_progress_bar_shows_the_bytes_that_were_read() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/amd64");
    image.layers.push(tar(&[("noise", &noise(1, 2 << 20))]));
    let bytes = image.docker_archive();
    scratch.write("a.tar", &bytes);
    let expected = scratch.run(&["merge", "-o", "expected", "a.tar"]);

    let command = scratch.command(&["merge", "-o", "out", "-"]);
    let shown = ["standard input", "1.0", " MB of ", "B/s", " left"];
    let (end, digest) = fed_halfway(command, &bytes, &shown);
    assert_eq!(digest.trim(), expected);
    // The bar is erased before the next line is printed.
    let (_, after) = end.rsplit_once("\u{1b}[2K").unwrap();
    let line = after.trim_start_matches(['\r', '\n']);
    assert!(line.starts_with("linux/amd64         3 layers"), "{end:?}");
}

#[test]
fn every_command_that_reads_images_shows_a_bar_for_each_input() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/amd64");
    image.layers.push(tar(&[("noise", &noise(1, 2 << 20))]));
    let bytes = image.docker_archive();
    scratch.write("image", &bytes);
    scratch.write("a.tar", &TestImage::new("linux/arm64").docker_archive());
    for (arguments, has_two) in [
        (&["verify", "-", "a.tar"][..], true),
        (&["diff", "-", "a.tar"], true),
        (&["inspect", "-"], false),
        (&["inspect", "--raw=config", "-"], false),
        (&["analyze", "-"], false),
    ] {
        let mut shown = vec!["standard input", "1.0"];
        shown.extend(has_two.then_some("a.tar"));
        let (end, stdout) = fed_halfway(scratch.command(arguments), &bytes, &shown);
        // The result is printed after the bars, to a standard output without bars.
        assert!(end.contains("\u{1b}[2K"), "{arguments:?}: {end:?}");
        let is_clean = !stdout.contains('\u{1b}') && stdout.contains("linux");
        assert!(is_clean, "{arguments:?}: {stdout:?}");
        // A log file has no bars.
        let mut command = scratch.command(arguments);
        command.stdin(File::open(scratch.path("image")).unwrap());
        assert_eq!(stderr(&command.output().unwrap()), "", "{arguments:?}");
    }
}

/// Nix gives builds a terminal and keeps their output for `nix log` and for errors.
#[test]
fn a_nix_build_shows_no_progress_bar() {
    let scratch = Scratch::new();
    let bytes = TestImage::new("linux/amd64").docker_archive();
    for (shell, has_bar) in [(false, false), (true, true)] {
        let (mut ours, theirs) = terminal(80);
        let mut command = scratch.command(&["merge", "--force", "-o", "out", "-"]);
        command
            .env("TERM", "xterm-256color")
            .env("NIX_BUILD_TOP", "/build");
        if shell {
            command.env("IN_NIX_SHELL", "impure");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.stderr(theirs).spawn().unwrap();
        drop(command);
        let mut stdin = child.stdin.take().unwrap();
        let mut shown = String::new();
        if has_bar {
            shown = read_until(&mut ours, &[" of "]);
        } else {
            // Longer than it takes to draw a bar.
            std::thread::sleep(std::time::Duration::from_millis(400));
        }
        stdin.write_all(&bytes).unwrap();
        drop(stdin);
        shown += &read_to_end(&mut ours);
        assert!(child.wait().unwrap().success());
        assert_eq!(shown.contains(" of "), has_bar, "{shown:?}");
    }
}

#[test]
fn without_a_terminal_each_image_gets_one_plain_line() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &TestImage::new("linux/amd64").docker_archive());
    scratch.write("b.tar", &TestImage::new("linux/arm64").docker_archive());
    let output = scratch
        .command(&["merge", "-o", "out", "a.tar", "b.tar"])
        .output()
        .unwrap();
    let said = stderr(&output);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 4, "{said}");
    assert!(lines[0].starts_with("linux/amd64") && lines[1].starts_with("linux/arm64"));
    assert!(lines[2].starts_with("wrote out: ") && lines[3].starts_with("push it: "));
    assert!(!said.contains(['\u{1b}', '\r']), "{said:?}");

    // --quiet prints nothing, not even to a terminal.
    let (mut ours, theirs) = terminal(80);
    let mut command = scratch.command(&["merge", "-q", "-o", "out2", "a.tar", "b.tar"]);
    command.stdout(Stdio::null()).stderr(theirs);
    assert!(command.status().unwrap().success());
    drop(command);
    assert_eq!(read_to_end(&mut ours), "");
}

#[test]
fn errors_are_coloured_on_a_terminal_unless_no_color_is_set() {
    let scratch = Scratch::new();
    let fail = || scratch.command(&["inspect", "--platform=linux/arm46", "a.tar"]);
    scratch.write("a.tar", &TestImage::new("linux/arm64").docker_archive());
    let coloured = said(fail(), 80);
    assert!(
        coloured.contains("\u{1b}[1m\u{1b}[31merror:\u{1b}[0m a.tar: no image"),
        "{coloured:?}"
    );
    assert!(
        coloured.contains("hint:\u{1b}[0m did you mean linux/arm64?"),
        "{coloured:?}"
    );
    let mut plain = fail();
    plain.env("NO_COLOR", "1");
    // The bar moves the cursor, but without colours.
    let plain = said(plain, 80);
    assert!(
        plain.contains("error: a.tar: no image for the platform"),
        "{plain:?}"
    );
    assert!(
        !plain.contains("\u{1b}[31m") && !plain.contains("\u{1b}[1m"),
        "{plain:?}"
    );
    let piped = stderr(&fail().output().unwrap());
    assert!(!piped.contains('\u{1b}'), "{piped:?}");
}

#[test]
fn lines_are_cut_to_the_width_of_the_terminal() {
    let scratch = Scratch::new();
    hello(&scratch);
    for arguments in [
        &["inspect", "hello.tar"][..],
        &["inspect", "--platform=linux/arm64", "hello.tar"],
        &["analyze", "hello.tar"],
        &["diff", "hello.tar", "hello.tar"],
    ] {
        let mut command = scratch.command(arguments);
        command.env("NO_COLOR", "1").stderr(Stdio::null());
        let (mut ours, theirs) = terminal(76);
        command.stdout(theirs);
        assert!(command.status().unwrap().success());
        drop(command);
        let shown = read_to_end(&mut ours);
        let longest = shown
            .lines()
            .max_by_key(|line| line.chars().count())
            .unwrap();
        assert!(longest.chars().count() <= 76, "{longest}");
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
        // Lines in a pipe are not cut.
        let whole = scratch.run(arguments);
        assert!(!whole.lines().any(|line| line.ends_with('…')), "{whole}");
    }
}

#[test]
fn typos_in_options_and_platforms_get_a_suggestion() {
    let scratch = Scratch::new();
    let wrong = |arguments: &[&str]| {
        let output = scratch.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        stderr(&output)
    };
    assert!(wrong(&["merge", "--outptu", "x", "a"]).contains("'--output'"));
    assert!(wrong(&["inspekt", "a"]).contains("'inspect'"));
    assert!(
        wrong(&["inspect", "--platform", "aarch64-linux", "a"])
            .contains("did you mean linux/arm64?")
    );
    let error = scratch.fail(&["merge", "-o", "x", "x86_64-linux=a.tar"]);
    assert!(error.contains("did you mean linux/amd64=a.tar?"), "{error}");
}

#[test]
fn completions_and_manual_pages_cover_every_command() {
    let scratch = Scratch::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = scratch.run(&["completions", shell]);
        for word in ["merge", "inspect", "analyze", "diff", "compression-level"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let script = scratch.run(&["completions", "bash"]);
    scratch.write("script", script.as_bytes());
    let bash = Command::new("bash")
        .arg("-n")
        .arg(scratch.path("script"))
        .status();
    assert!(bash.unwrap().success());

    fs::create_dir(scratch.path("man")).unwrap();
    scratch.run(&["man", "man"]);
    let help = scratch.run(&["--help"]);
    for command in [
        "merge",
        "inspect",
        "analyze",
        "diff",
        "sbom",
        "completions",
        "man",
    ] {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
        let page = fs::read_to_string(scratch.path(&format!("man/polyarch-{command}.1"))).unwrap();
        // .nf: lines that can be pasted, neither filled nor hyphenated.
        for part in [
            ".SH NAME",
            ".SH SYNOPSIS\n.nf\npolyarch",
            ".SH EXAMPLES\n.nf\n",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("EXTRA"), "{page}");
    }
    let page = fs::read_to_string(scratch.path("man/polyarch.1")).unwrap();
    assert!(
        page.contains("polyarch\\-diff(1)") && !page.contains("help(1)"),
        "{page}"
    );
    scratch.write("file", b"");
    assert!(
        scratch
            .fail(&["man", "file/man1"])
            .contains("cannot create")
    );
}
