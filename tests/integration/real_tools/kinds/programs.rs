//! Kind I: the program that an image starts: formats, scripts and x bits.

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
        .quiet(),
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
        .quiet(),
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
        // The image has no other file.
        .says("layers do not have /lib/ld-linux.so.3, the dynamic linker of the program"),
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
        .quiet(),
        merged(
            "a wasm module with an x bit",
            |s| drop(s.write("wasm.tar", &starts("wasi/wasm", 0o755, b"\0asm\x01\0\0\0"))),
            &["wasm.tar"],
            "wasi/wasm",
        )
        .quiet(),
        merged(
            "a wasm module in the working directory, with a function",
            |s| {
                let mut image = TestImage::new("wasi/wasm");
                image.config["config"] =
                    json!({ "Entrypoint": ["app.wasm#run"], "WorkingDir": "/app" });
                image.layers = vec![layer(&[("app/app.wasm", 0o644, b"\0asm\x01\0\0\0")])];
                s.write("wasm.tar", &image.docker_archive());
            },
            &["wasm.tar"],
            "wasi/wasm",
        )
        .quiet(),
        merged(
            "an image of wasm whose module is missing",
            |s| {
                let mut image = TestImage::new("wasi/wasm");
                image.config["config"] = json!({ "Entrypoint": ["/other.wasm"] });
                image.layers = vec![layer(&[("app.wasm", 0o644, b"\0asm\x01\0\0\0")])];
                s.write("wasm.tar", &image.docker_archive());
            },
            &["wasm.tar"],
            "wasi/wasm",
        )
        .says("(?m)^warning.*its layers do not have the program.*other.wasm"),
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
        .says("(?i)wasm"),
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
        .says("(?m)^warning.*not executable"),
        merged(
            "a script whose interpreter is not executable",
            |s| {
                let mut image = TestImage::new("linux/amd64");
                image.config["config"] = json!({ "Entrypoint": ["/bin/app"] });
                let files = [
                    ("bin/app", 0o755, &b"#!/bin/sh\n"[..]),
                    ("bin/sh", 0o644, b"data"),
                ];
                image.layers = vec![layer(&files)];
                s.write("a.tar", &image.docker_archive());
            },
            &["a.tar"],
            "linux/amd64",
        )
        .says("(?m)^warning.*interpreter \"/bin/sh\" of the script.*not executable"),
        merged(
            "a file in PATH that is not executable hides no program after it",
            |s| {
                let mut image = TestImage::new("linux/arm/v7");
                image.config["config"] = json!({ "Cmd": ["app"], "Env": ["PATH=/a:/b"] });
                let program = arm_program(HARD, false);
                let files = [("a/app", 0o644, &b"data"[..]), ("b/app", 0o755, &program)];
                image.layers = vec![layer(&files)];
                s.write("a.tar", &image.docker_archive());
            },
            &["a.tar"],
            "linux/arm/v7",
        )
        .quiet(),
        merged(
            "a script that is there and not executable",
            |s| drop(s.write("a.tar", &starts("linux/amd64", 0o644, b"#!/bin/sh\n"))),
            &["a.tar"],
            "linux/amd64",
        )
        .says("(?m)^warning.*not executable"),
    ]
}
