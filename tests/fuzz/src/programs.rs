//! The check of programs in layers: it does not change the bytes that are read, and reports only programs.

use std::io;

use arbitrary::Unstructured;
use polyarch::CheckLevel;
use polyarch::internals::bytes::codec::Encoding;
use polyarch::internals::bytes::{Algorithms, LayerObserver, copy};
use polyarch::internals::image_facts::ImageFacts;
use polyarch::internals::oci::Execution;
use polyarch::internals::programs::Programs;
use polyarch::oci::{DiffId, Digest, Platform};
use serde_json::{Value, json};

use super::recipe::{Dice, Entry, archive};

/// Checks an image of generated layers and a generated entrypoint.
pub fn programs(bytes: &[u8]) {
    let u = &mut Unstructured::new(bytes);
    let platforms = [
        "linux/amd64",
        "linux/arm/v7",
        "linux/riscv64",
        "windows/amd64",
        "linux/s390x",
    ];
    let platform: Platform = u.one_of(&platforms).parse().unwrap();
    let config = json!({ "config": execution(u) });
    let layers: Vec<Vec<u8>> = (0..=u.up_to(2)).map(|_| layer(u)).collect();
    let found = check(&layers, &config, &platform);
    let programs = layers.iter().flatten().collect::<Vec<_>>();
    let has = |magic: &[u8]| {
        let mut windows = programs.windows(magic.len());
        windows.any(|window| window.iter().copied().eq(magic))
    };
    let magics: [&[u8]; 5] = [
        b"\x7fELF",
        b"MZ",
        b"\xfe\xed\xfa",
        b"\xfa\xed\xfe",
        b"\xca\xfe\xba",
    ];
    if !magics.into_iter().any(has) {
        let (wrong, notes) = &found;
        assert_eq!(*wrong, None, "an error without a program");
        let is_foreign = |note: &String| note.contains("not built for");
        assert!(!notes.iter().any(is_foreign), "{notes:?}");
    }
    // A second check of the same layers has the same result.
    assert_eq!(check(&layers, &config, &platform), found);
}

/// Returns the error and the notes.
fn check(layers: &[Vec<u8>], config: &Value, platform: &Platform) -> (Option<String>, Vec<String>) {
    let programs = Programs::default();
    let ids = layers.iter().enumerate().map(|(i, layer)| {
        let (mut as_is, mut decoded) = (io::sink(), Vec::new());
        let observer = Some(&programs as &dyn LayerObserver);
        let input = &layer[..];
        let algorithms = Algorithms::SHA256;
        let flow = copy::copy(
            input,
            Encoding::Plain,
            algorithms,
            &mut as_is,
            &mut decoded,
            observer,
        );
        let DiffId(digest) = flow.unwrap().diff_id;
        assert!(decoded == *layer && digest == Digest::of(layer));
        (Some(DiffId(digest)), i.to_string().into())
    });
    let subject = ImageFacts {
        origin: std::path::Path::new("image").into(),
        platform: platform.clone(),
        layers: ids.collect(),
        execution: Execution::parse(config.to_string().as_bytes()),
    };
    let mut notes = Vec::new();
    let subjects = [subject];
    let error = programs
        .check(&subjects, CheckLevel::Error, &mut notes)
        .err();
    let error = error.map(|error| {
        let hint = error.hint().unwrap();
        assert!(!hint.is_empty());
        error.to_string()
    });
    let mut warnings = Vec::new();
    programs
        .check(&subjects, CheckLevel::Warn, &mut warnings)
        .unwrap();
    assert_eq!(warnings.len(), notes.len() + usize::from(error.is_some()));
    let notes = notes.iter().map(ToString::to_string).collect();
    (error, notes)
}

const NAMES: [&str; 9] = [
    "run",
    "bin/run",
    "bin",
    "lib",
    "usr/bin/env",
    "a",
    ".",
    "",
    "bin/../run",
];

fn name(u: &mut Unstructured<'_>) -> String {
    match u.up_to(9) {
        0 => u.text(),
        _ => u.one_of(&NAMES).to_owned(),
    }
}

fn execution(u: &mut Unstructured<'_>) -> Value {
    let words = |u: &mut Unstructured<'_>| -> Vec<String> {
        (0..=u.up_to(1))
            .map(|_| match u.up_to(2) {
                0 => format!("/{}", name(u)),
                1 => name(u),
                _ => r"C:\bin\run.EXE".to_owned(),
            })
            .collect()
    };
    let mut execution = json!({ "Entrypoint": words(u) });
    match u.up_to(3) {
        1 => {
            execution["Env"] = json!([format!(
                "PATH={}",
                u.one_of(&["/bin", "bin:", "/usr/bin:/bin"])
            )])
        }
        2 => execution["WorkingDir"] = name(u).into(),
        3 => execution = json!({ "Cmd": words(u) }),
        _ => {}
    }
    execution
}

fn layer(u: &mut Unstructured<'_>) -> Vec<u8> {
    let entries = (0..u.up_to(5)).map(|_| entry(u)).collect();
    archive(u, entries)
}

fn entry(u: &mut Unstructured<'_>) -> Entry {
    let mut name = name(u);
    match u.up_to(7) {
        0..=2 => Entry::file(name, program(u)),
        3 => Entry::link(name, b'2', self::name(u)),
        4 => Entry::link(name, b'1', self::name(u)),
        5 => Entry {
            kind: b'5',
            ..Entry::file(name, [])
        },
        6 => {
            let at = name.rfind('/').map_or(0, |slash| slash + 1);
            name.insert_str(at, u.one_of(&[".wh.", ".wh..wh..opq"]));
            Entry::file(name, [])
        }
        _ => Entry::file(name, format!("#!{} x\n", self::name(u))),
    }
}

fn program(u: &mut Unstructured<'_>) -> Vec<u8> {
    match u.up_to(3) {
        3 => u.blob(300),
        2 => {
            // A header for DOS, with the position of the PE header.
            let mut head = vec![0; 64];
            head[..2].copy_from_slice(b"MZ");
            head[60] = *u.one_of(&[&64, &0, &255]);
            head.extend(b"PE\0\0");
            head.extend(u.one_of(&[&[0x64, 0x86], &[0x64, 0xaa], &[0x4c, 0x01]]));
            head.extend(u.blob(250));
            head.resize(512, 0);
            head
        }
        wide => {
            let mut head = vec![0x7f, b'E', b'L', b'F', 1 + wide as u8];
            head.push(1 + u.up_to(1) as u8);
            head.extend([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            head.extend([2, 0]);
            head.extend(u.one_of(&[&[62, 0], &[183, 0], &[40, 0], &[243, 0], &[0, 22]]));
            head.extend(u.blob(44));
            head.resize(64, 0);
            head
        }
    }
}
