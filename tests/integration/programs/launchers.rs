//! Programs that start another one.

use serde_json::json;

use super::*;

#[test]
fn the_program_behind_a_launcher_is_checked() {
    let wrapper = |line: &str| {
        format!("#! /bin/bash -e\n{line}\nexec -a \"$0\" \"/opt/.x-wrapped\"  \"$@\"\n")
    };
    for (words, path) in [
        (json!(["tini", "--", "x"]), "/usr/bin/x, "),
        (json!(["/bin/tini", "-g", "x"]), "/usr/bin/x, "),
        (json!(["dumb-init", "x"]), "/usr/bin/x, "),
        (json!(["env", "A=1", "x"]), "/usr/bin/x, "),
        (json!(["env", "PATH=/opt", "y"]), "/opt/y, "),
        (
            json!(["tini", "--", "env", "A=1", "sh", "-c", "exec x --flag"]),
            "/usr/bin/x, ",
        ),
        (json!(["sh", "-c", "x $PORT"]), "/usr/bin/x, "),
        (json!(["env-script"]), "/usr/bin/x, "),
        (json!(["wrapper"]), "/opt/.x-wrapped, "),
        (json!(["tini", "--", "wrapper"]), "/opt/.x-wrapped, "),
        (json!(["sh", "-c", "x || true"]), ""),
        (json!(["env", "-i", "x"]), ""),
        (json!(["other-wrapper"]), ""),
        (json!(["bash", "-c", "echo x"]), ""),
    ] {
        let (good, bad) = (|| ARM64.bytes(), || AMD64.bytes());
        let files = [
            Program("bin/tini", good()),
            Program("bin/dumb-init", good()),
            Program("bin/env", good()),
            Program("bin/sh", good()),
            Link("bin/bash", "sh"),
            Program("usr/bin/x", bad()),
            Program("opt/y", bad()),
            Program("bin/env-script", b"#!/bin/env x\n".to_vec()),
            Program("bin/wrapper", wrapper("export A='b'").into_bytes()),
            Program("bin/other-wrapper", wrapper("exit").into_bytes()),
            Program("opt/.x-wrapped", bad()),
        ];
        let execution = json!({ "Entrypoint": words, "Env": ["PATH=/bin:/usr/bin"] });
        let (merged, said) = merge(&image("linux/arm64", execution, &[&files]), &[]);
        assert_eq!(merged, path.is_empty(), "{words}: {said}");
        let first = path.trim_end_matches(", ");
        assert!(
            path.is_empty() || said.contains(&format!("({first}) in layer 1 of 1")),
            "{words}: {said}"
        );
    }
}

/// A shell reads the file that `BASH_ENV` names first, which may define a function with the name of the program.
#[test]
fn commands_of_a_shell_are_not_followed_after_a_file_that_it_reads() {
    let files = [
        Program("bin/bash", ARM64.bytes()),
        Program("bin/x", AMD64.bytes()),
    ];
    for (variable, is_followed) in [("A=/x", true), ("BASH_ENV=/x", false)] {
        let execution = json!({ "Cmd": ["bash", "-c", "x"], "Env": [variable] });
        let (merged, said) = merge(&image("linux/arm64", execution, &[&files]), &[]);
        assert_eq!(merged, !is_followed, "{said}");
    }
}

#[test]
fn a_missing_program_behind_a_launcher_gives_a_warning() {
    for (words, warning) in [
        (
            json!(["tini", "--", "none"]),
            Some("the program \"none\", which \"tini\" starts"),
        ),
        (
            json!(["env", "none"]),
            Some("the program \"none\", which \"env\" starts"),
        ),
        (
            json!(["script"]),
            Some("the program \"none\", which \"/bin/env\" starts"),
        ),
        (
            json!(["sh", "-c", "/bin/none"]),
            Some("the program \"/bin/none\", which \"sh\" starts"),
        ),
        (
            json!(["tini", "script2"]),
            Some("the interpreter \"/none\" of the script \"script2\""),
        ),
        // It may be a command of the shell.
        (json!(["sh", "-c", "none"]), None),
        // A shell interprets it.
        (json!(["tini", "empty"]), None),
    ] {
        let files = [
            Program("bin/tini", ARM64.bytes()),
            Program("bin/env", ARM64.bytes()),
            Program("bin/sh", ARM64.bytes()),
            Program("bin/script", b"#!/bin/env none\n".to_vec()),
            Program("bin/script2", b"#!/none\n".to_vec()),
            Program("bin/empty", Vec::new()),
        ];
        let image = image("linux/arm64", json!({ "Cmd": words }), &[&files]);
        let (merged, said) = merge(&image, &[]);
        assert!(merged);
        match warning {
            Some(warning) => {
                let warning = format!("its layers do not have {warning}\n");
                assert!(said.contains(&warning), "{words}: {said}");
            }
            None => assert!(!said.contains("warning"), "{words}: {said}"),
        }
    }
}

#[test]
fn the_program_of_a_binary_wrapper_of_nixpkgs_is_checked() {
    let interpreter = "/nix/store/0-glibc/lib/ld-linux-aarch64.so.1";
    let mut wrapper = ARM64.bytes();
    // PT_INTERP, its offset and its size.
    wrapper[64 + 8..64 + 12].copy_from_slice(&0x200u32.to_le_bytes());
    wrapper[64 + 32] = interpreter.len() as u8 + 1;
    wrapper[0x200..0x200 + interpreter.len()].copy_from_slice(interpreter.as_bytes());
    let command = b"\n\nmakeCWrapper '/nix/store/1-x/bin/.x-wrapped' \\\n    --inherit-argv0\n\n";
    wrapper[0x300..0x300 + command.len()].copy_from_slice(command);
    let files = |wrapped: Vec<u8>| {
        [
            Program("nix/store/1-x/bin/x", wrapper.clone()),
            Program("nix/store/1-x/bin/.x-wrapped", wrapped),
            Program(&interpreter[1..], ARM64.bytes()),
        ]
    };
    let execution = json!({ "Cmd": ["/nix/store/1-x/bin/x"] });
    let (merged, said) = merge(
        &image("linux/arm64", execution.clone(), &[&files(AMD64.bytes())]),
        &[],
    );
    let program = "\"/nix/store/1-x/bin/x\" (/nix/store/1-x/bin/.x-wrapped) in layer 1 of 1";
    assert!(!merged && said.contains(program), "{said}");
    let good = image("linux/arm64", execution, &[&files(ARM64.bytes())]);
    assert!(is_quiet(&good), "{}", merge(&good, &[]).1);
}
