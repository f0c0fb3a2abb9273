//! Kind I: What a program is.

use super::*;

pub fn rows() -> Vec<Row> {
    const SOFT: u32 = 0x0500_0200;
    const HARD: u32 = 0x0500_0400;
    vec![
        // rust-lang/rust#50423
        merged(
            "static programs of soft-float for arm/v6 and v7",
            |s| {
                s.write(
                    "v6.tar",
                    &starts("linux/arm/v6", 0o755, &arm_program(SOFT, false)),
                );
                s.write(
                    "v7.tar",
                    &starts("linux/arm/v7", 0o755, &arm_program(SOFT, false)),
                );
            },
            &["v6.tar", "v7.tar"],
            "linux/arm/v6,linux/arm/v7",
        )
        .quiet()
        .todo(),
        merged(
            "a static program of hard-float for arm/v5",
            |s| {
                drop(s.write(
                    "v5.tar",
                    &starts("linux/arm/v5", 0o755, &arm_program(HARD, false)),
                ))
            },
            &["v5.tar"],
            "linux/arm/v5",
        )
        .quiet()
        .todo(),
        refused(
            "a dynamic program of soft-float for arm/v7",
            |s| {
                drop(s.write(
                    "v7.tar",
                    &starts("linux/arm/v7", 0o755, &arm_program(SOFT, true)),
                ))
            },
            &["v7.tar"],
        )
        .says("soft-float"),
        merged(
            "a dynamic program of hard-float for arm/v7",
            |s| {
                drop(s.write(
                    "v7.tar",
                    &starts("linux/arm/v7", 0o755, &arm_program(HARD, true)),
                ))
            },
            &["v7.tar"],
            "linux/arm/v7",
        )
        .quiet(),
        merged(
            "a wasm module without an x bit",
            |s| {
                drop(s.write(
                    "wasm.tar",
                    &starts("wasip1/wasm", 0o644, b"\0asm\x01\0\0\0"),
                ))
            },
            &["wasm.tar"],
            "wasip1/wasm",
        )
        .quiet()
        .todo(),
        merged(
            "a wasm module with an x bit",
            |s| drop(s.write("wasm.tar", &starts("wasi/wasm", 0o755, b"\0asm\x01\0\0\0"))),
            &["wasm.tar"],
            "wasi/wasm",
        )
        .quiet(),
        refused(
            "a program of arm in an image of wasm",
            |s| {
                drop(s.write(
                    "wasm.tar",
                    &starts("wasip1/wasm", 0o755, &arm_program(HARD, false)),
                ))
            },
            &["wasm.tar"],
        )
        .says("(?i)wasm")
        .todo(),
        merged(
            "a program that is there and not executable",
            |s| {
                drop(s.write(
                    "a.tar",
                    &starts("linux/arm/v7", 0o644, &arm_program(HARD, false)),
                ))
            },
            &["a.tar"],
            "linux/arm/v7",
        )
        .says("(?m)^warning.*not executable")
        .todo(),
        merged(
            "a script that is there and not executable",
            |s| drop(s.write("a.tar", &starts("linux/amd64", 0o644, b"#!/bin/sh\n"))),
            &["a.tar"],
            "linux/amd64",
        )
        .says("(?m)^warning.*not executable")
        .todo(),
    ]
}
