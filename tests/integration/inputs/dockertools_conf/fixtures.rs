//! Images that the real dockerTools wrote: `tests/fixtures/conf/README.md` lists them.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::*;

const NAMES: [&str; 8] = [
    "hello-amd64",
    "hello-arm64",
    "odd-amd64",
    "odd-amd64-before-mtime",
    "odd-amd64-on-base",
    "odd-arm64",
    "streamed-amd64",
    "streamed-arm64",
];

#[test]
fn every_fixture_is_the_image_that_dockertools_wrote() {
    let scratch = Scratch::new();
    let store = Unpacked::new(&scratch);
    let mut script = String::new();
    for name in NAMES {
        let conf = fs::read_to_string(fixture(&format!("conf/{name}/conf.json"))).unwrap();
        let conf = conf.replace("@FIXTURES@/", &fixture(""));
        scratch.write(&format!("{name}.json"), conf.as_bytes());
        for compression in ["none", "gzip"] {
            script += &format!(
                "$polyarch merge -q -o {name}.{compression} --compression {compression} {name}.json\n"
            );
        }
    }
    let Some(output) = store.run(&script) else {
        return;
    };
    assert!(output.status.success(), "{}", stderr(&output));
    for name in NAMES {
        let expected = fs::read(fixture(&format!("conf/{name}/expected.json"))).unwrap();
        let expected: Value = serde_json::from_slice(&expected).unwrap();
        for compression in ["none", "gzip"] {
            let merged = Merged::read(&scratch.path(&format!("{name}.{compression}")));
            let config = &merged.manifests[0]["config"];
            assert_eq!(config["digest"], expected["image_id"], "{name}");
            assert_eq!(
                merged.content(config),
                expected["config"].as_str().unwrap().as_bytes()
            );
            assert_eq!(
                merged.configs[0]["rootfs"]["diff_ids"],
                expected["diff_ids"]
            );
            if compression == "none" {
                let sizes = merged.layers[0].iter().map(|layer| layer["size"].clone());
                assert_eq!(
                    Value::Array(sizes.collect()),
                    expected["layer_sizes"],
                    "{name}"
                );
            }
        }
    }
}

/// The store paths of the fixtures, in a directory that a script sees as `/nix`.
struct Unpacked<'a>(&'a Scratch);

impl<'a> Unpacked<'a> {
    fn new(scratch: &'a Scratch) -> Self {
        let export = fs::File::open(fixture("conf/paths.nix-export.zst")).unwrap();
        let export = zstd::decode_all(export).unwrap();
        let root = scratch.path("nix/store");
        fs::create_dir_all(&root).unwrap();
        let mut reader = Archive { rest: &export };
        // The format of `nix-store --export`: archives, each with its path, references and deriver.
        while reader.number() == 1 {
            let new = root.join("new");
            assert_eq!(reader.text(), b"nix-archive-1");
            reader.unpack(&new);
            assert_eq!(reader.number(), 0x4558_494e);
            let path = reader.text();
            let name = path.strip_prefix(b"/nix/store/").unwrap();
            fs::rename(new, root.join(OsStr::from_bytes(name))).unwrap();
            for _ in 0..reader.number() {
                reader.text();
            }
            reader.text();
            assert_eq!(reader.number(), 0, "a signature");
        }
        assert!(reader.rest.is_empty());
        modes(scratch, 0o555);
        Self(scratch)
    }

    /// Runs a script in the directory of the test; `None` on a machine that does not allow that.
    fn run(&self, script: &str) -> Option<Output> {
        if !have(&["unshare", "chroot"]) {
            return None;
        }
        // In a new root directory, because only root could create /nix in that of the machine.
        let prepare = "
            mkdir root root/nix
            mount --rbind nix root/nix
            for entry in /*; do
              [ \"$entry\" != /nix ] || continue
              if [ -L \"$entry\" ]; then cp -P \"$entry\" root
              elif [ -d \"$entry\" ]; then mkdir \"root$entry\"; mount --rbind \"$entry\" \"root$entry\"
              fi
            done
            exec chroot root bash -euc \"cd '$PWD'; $script\"
        ";
        let run = |script: &str| {
            let mut command = Command::new("unshare");
            command
                .args(["--map-root-user", "--mount", "bash", "-euc", prepare])
                .env("polyarch", env!("CARGO_BIN_EXE_polyarch"))
                .env("script", script)
                .current_dir(self.0.path(""));
            command.output().unwrap()
        };
        let allowed = run("true");
        if !allowed.status.success() {
            missing(&format!(
                "the right to change the root directory: {}",
                stderr(&allowed)
            ));
            return None;
        }
        sh(self.0, "rm -r root");
        Some(run(script))
    }
}

impl Drop for Unpacked<'_> {
    fn drop(&mut self) {
        modes(self.0, 0o755);
    }
}

/// Sets the modes of all directories of the store: of the store, while it is used, and those that allow removing it.
fn modes(scratch: &Scratch, mode: u32) {
    let directories: Vec<_> = walkdir::WalkDir::new(scratch.path("nix/store"))
        .min_depth(1)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_dir())
        .collect();
    for directory in directories {
        fs::set_permissions(directory.path(), Permissions::from_mode(mode)).unwrap();
    }
}

/// A reader of Nix's archives (NAR, section 5.2 of "The Purely Functional Software Deployment Model").
struct Archive<'a> {
    rest: &'a [u8],
}

impl<'a> Archive<'a> {
    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest;
        taken
    }

    fn number(&mut self) -> u64 {
        u64::from_le_bytes(self.take(8).try_into().unwrap())
    }

    fn text(&mut self) -> &'a [u8] {
        let len = usize::try_from(self.number()).unwrap();
        let text = self.take(len);
        self.take(len.next_multiple_of(8) - len);
        text
    }

    fn expect(&mut self, text: &str) {
        assert_eq!(self.text(), text.as_bytes());
    }

    fn unpack(&mut self, path: &Path) {
        self.expect("(");
        self.expect("type");
        match self.text() {
            b"regular" => {
                let mut key = self.text();
                let mode = if key == b"executable" { 0o555 } else { 0o444 };
                if key == b"executable" {
                    self.expect("");
                    key = self.text();
                }
                let mut content = &b""[..];
                if key == b"contents" {
                    content = self.text();
                    key = self.text();
                }
                assert_eq!(key, b")");
                fs::write(path, content).unwrap();
                fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
            }
            b"symlink" => {
                self.expect("target");
                symlink(OsStr::from_bytes(self.text()), path).unwrap();
                self.expect(")");
            }
            b"directory" => {
                fs::create_dir(path).unwrap();
                while self.text() != b")" {
                    self.expect("(");
                    self.expect("name");
                    let name = OsStr::from_bytes(self.text());
                    self.expect("node");
                    self.unpack(&path.join(name));
                    self.expect(")");
                }
            }
            other => panic!("{other:?}"),
        }
    }
}
