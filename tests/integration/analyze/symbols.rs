//! Debug symbols, which `strip` would remove from programs.

use std::fs;

use serde_json::json;

use super::*;
use crate::support::*;

/// The image contains the program under test, which is not stripped.
#[test]
fn symbols_that_strip_would_remove_are_waste() {
    let program = fs::read(env!("CARGO_BIN_EXE_polyarch")).unwrap();
    let scratch = Scratch::new();
    image(
        &scratch,
        "a.tar",
        "linux/amd64",
        &[&[("bin/polyarch", &program), ("bin/cut", &program[..1000])]],
    );
    let found = waste(&analyze(&scratch, "a.tar"), "debug-symbols");
    assert_eq!(
        found["items"][0]["paths"],
        json!(["/bin/polyarch"]),
        "{found}"
    );
    assert_eq!(found["count"], 1);

    use object::{Object as _, ObjectSection as _};
    let file = object::File::parse(&program[..]).unwrap();
    let others = [".symtab", ".strtab", ".comment"];
    // .debug_gdb_scripts is loaded, so `strip` keeps it.
    let is_symbols = |name: &str| {
        (name.starts_with(".debug") && name != ".debug_gdb_scripts") || others.contains(&name)
    };
    let sections = file
        .sections()
        .filter(|section| section.name().is_ok_and(is_symbols));
    assert_eq!(
        found["bytes"],
        sections.map(|section| section.size()).sum::<u64>()
    );
}

/// Go's linker writes the section headers directly after the program headers, at the start of the file.
#[test]
fn symbols_are_counted_where_the_section_headers_come_first() {
    const SYMBOLS: u64 = 100_000;
    let mut program = vec![0; 64];
    program[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    // An executable for x86-64 with two section headers of 64 bytes at byte 2048.
    for (at, value) in [
        (16, 2),
        (18, 62),
        (20, 1),
        (40, 2048),
        (52, 64),
        (58, 64),
        (60, 2),
    ] {
        program[at..at + 2].copy_from_slice(&u16::to_le_bytes(value));
    }
    program.resize(2048 + 64, 0);
    let mut section = [0; 64];
    // A symbol table that is not loaded.
    section[4] = 2;
    section[24..32].copy_from_slice(&4096_u64.to_le_bytes());
    section[32..40].copy_from_slice(&SYMBOLS.to_le_bytes());
    program.extend(section);
    program.extend(noise(1, 300_000));

    let scratch = Scratch::new();
    image(&scratch, "a.tar", "linux/amd64", &[&[("bin/go", &program)]]);
    let found = waste(&analyze(&scratch, "a.tar"), "debug-symbols");
    assert_eq!(found["bytes"], SYMBOLS, "{found}");
}
