//! Scripts, and wrappers: programs that only set variables and then start another one.

/// The program that a wrapper starts in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    pub program: Vec<u8>,
    /// Whether the wrapper sets variables of the dynamic linker.
    pub sets_libraries: bool,
}

impl Wrapped {
    pub fn fields(wrapped: Option<&Self>) -> [&[u8]; 2] {
        match wrapped {
            None => [b"", b""],
            Some(wrapped) if wrapped.sets_libraries => [&wrapped.program, b"1"],
            Some(wrapped) => [&wrapped.program, b""],
        }
    }

    pub fn of_fields(program: Vec<u8>, sets_libraries: &[u8]) -> Option<Self> {
        (!program.is_empty()).then_some(Self {
            program,
            sets_libraries: !sets_libraries.is_empty(),
        })
    }

    /// Returns the program that a wrapper of nixpkgs' `makeBinaryWrapper` starts: it has the command that
    /// made it as a text.
    pub fn of_binary(bytes: &[u8]) -> Option<Self> {
        const COMMAND: &[u8] = b"\nmakeCWrapper '";
        let at = bytes.windows(COMMAND.len()).position(|at| at == COMMAND)?;
        let text = bytes[at + COMMAND.len()..].split(|b| *b == 0).next()?;
        let end = text.iter().position(|b| *b == b'\'')?;
        let (program, options) = text.split_at(end);
        // A quote in the name is written as several texts.
        let is_whole = options.starts_with(b"' ") || options.starts_with(b"'\n");
        (program.starts_with(b"/") && is_whole).then(|| Self {
            program: program.to_vec(),
            sets_libraries: sets_libraries(options),
        })
    }

    /// Returns the program that a script for a shell starts in any case: one that only sets variables, and then
    /// replaces itself, as nixpkgs' `makeWrapper` writes it.
    fn of_script(script: &[u8]) -> Option<Self> {
        let lines = script.split(|b| *b == b'\n').skip(1);
        let lines = lines.map(<[u8]>::trim_ascii);
        let mut lines: Vec<&[u8]> = lines
            .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
            .collect();
        let command = lines.pop()?.strip_prefix(b"exec ")?.trim_ascii_start();
        if !lines.iter().all(|line| only_sets_variables(line)) {
            return None;
        }
        let command = match command.strip_prefix(b"-a ") {
            Some(rest) => quoted_word(rest.trim_ascii_start())?.1.trim_ascii_start(),
            None => command,
        };
        let (program, _) = quoted_word(command)?;
        let is_literal = program.starts_with(b"/") && !program.iter().any(|b| b"$`\\".contains(b));
        is_literal.then(|| Self {
            program: program.to_vec(),
            sets_libraries: lines.iter().any(|line| sets_libraries(line)),
        })
    }
}

fn sets_libraries(text: &[u8]) -> bool {
    text.windows(3).any(|at| at == b"LD_")
}

/// Whether a line of a script only sets variables or options of the shell: it cannot end the script.
fn only_sets_variables(line: &[u8]) -> bool {
    let exported = line.strip_prefix(b"export ");
    let line = exported.unwrap_or(line);
    let name = line
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_');
    let name = name.count();
    let is_assignment = name > 0 && line[name..].starts_with(b"=");
    let is_name = exported.is_some() && name > 0 && name == line.len();
    let is_other = [&b"unset "[..], b"set -e", b"set -u"]
        .iter()
        .any(|start| line.starts_with(start));
    let runs_others = line.iter().any(|b| b"`;&|<>".contains(b))
        || line.windows(2).any(|at| at == b"$(")
        || line.ends_with(b"\\");
    (is_assignment || is_name || is_other) && !runs_others
}

/// Returns the first word of a command, and the rest. The word may be in quotes as a whole.
fn quoted_word(command: &[u8]) -> Option<(&[u8], &[u8])> {
    let (word, rest) = match command.first()? {
        quote @ (b'"' | b'\'') => {
            let command = &command[1..];
            let end = command.iter().position(|b| b == quote)?;
            (&command[..end], &command[end + 1..])
        }
        _ => {
            let is_end = |b: &u8| b.is_ascii_whitespace();
            let end = command.iter().position(is_end).unwrap_or(command.len());
            let (word, rest) = command.split_at(end);
            let is_plain = |b: &u8| b.is_ascii_alphanumeric() || b"/._+-@=".contains(b);
            if !word.iter().all(is_plain) {
                return None;
            }
            (word, rest)
        }
    };
    let is_whole = rest.is_empty() || rest.starts_with(b" ");
    is_whole.then_some((word, rest))
}

/// A script.
#[derive(Debug, PartialEq, Eq)]
pub struct Script {
    pub interpreter: Vec<u8>,
    /// The rest of its first line, which is one argument for Linux; may be empty.
    pub argument: Vec<u8>,
    pub wrapped: Option<Wrapped>,
}

impl Script {
    /// Parses a script; `head` is the whole of it unless it is longer than a wrapper. A carriage return is a
    /// part of the words of the first line, as for Linux (`load_script`).
    pub fn parse(head: &[u8], is_whole: bool) -> Option<Self> {
        let line = head.strip_prefix(b"#!")?;
        let line = line.split(|b| b"\n\0".contains(b)).next()?;
        let is_blank = |b: &u8| b" \t".contains(b);
        let start = line.iter().position(|b| !is_blank(b))?;
        let end = line.iter().rposition(|b| !is_blank(b))?;
        let line = &line[start..=end];
        let end = line.iter().position(is_blank).unwrap_or(line.len());
        let (interpreter, rest) = line.split_at(end);
        let start = rest.iter().position(|b| !is_blank(b)).unwrap_or(rest.len());
        let shell = interpreter.rsplit(|b| *b == b'/').next()?;
        let is_shell = matches!(shell, b"sh" | b"bash" | b"dash" | b"ash");
        Some(Self {
            interpreter: interpreter.to_vec(),
            argument: rest[start..].to_vec(),
            wrapped: match is_shell && is_whole {
                true => Wrapped::of_script(head),
                false => None,
            },
        })
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let [program, sets_libraries] = Wrapped::fields(self.wrapped.as_ref());
        [&self.interpreter, &self.argument, program, sets_libraries].join(&0)
    }

    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut fields = bytes.split(|b| *b == 0).map(<[u8]>::to_vec);
        let mut next = || fields.next().unwrap_or_default();
        Self {
            interpreter: next(),
            argument: next(),
            wrapped: Wrapped::of_fields(next(), &next()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_only_sets_variables_wraps_a_program() {
        let wrapper = "#! /nix/store/b-bash/bin/bash -e\nPATH=${PATH:+':'$PATH':'}\nPATH=${PATH/':''/nix/store/x/bin'':'/':'}\nexport PATH\nexport LANG='C'\nexec -a \"$0\" \"/nix/store/y/bin/.y-wrapped\"  --flag \"$@\"\n";
        for (script, expected) in [
            (
                wrapper.to_owned(),
                Some(("/nix/store/y/bin/.y-wrapped", false)),
            ),
            (
                wrapper.replace("LANG", "LD_LIBRARY_PATH"),
                Some(("/nix/store/y/bin/.y-wrapped", true)),
            ),
            (
                "#!/bin/sh\n# A comment.\nset -e\n\nexec /app/server \"$@\"".to_owned(),
                Some(("/app/server", false)),
            ),
            ("#!/bin/sh\nexec '/a b' x".to_owned(), Some(("/a b", false))),
            // What these start is not certain.
            (
                wrapper.replace("export LANG='C'", "if test -e /x; then exit; fi"),
                None,
            ),
            (wrapper.replace("export LANG='C'", "exit"), None),
            (wrapper.replace("'C'", "$(pwd)"), None),
            (wrapper.replace("'C'", "C; exit"), None),
            (wrapper.replace("/nix/store/y", "$HOME"), None),
            (wrapper.replace("exec", "run"), None),
            ("#!/bin/sh\nexec server".to_owned(), None),
            ("#!/bin/sh\nexec /bin/x$Y".to_owned(), None),
            ("#!/usr/bin/python3\nexec /app/server".to_owned(), None),
            ("#!/bin/sh\n".to_owned(), None),
        ] {
            let parsed = Script::parse(script.as_bytes(), true).unwrap();
            let wrapped = parsed.wrapped.as_ref();
            let found = wrapped.map(|w| (str::from_utf8(&w.program).unwrap(), w.sets_libraries));
            assert_eq!(found, expected, "{script}");
            assert_eq!(Script::from_bytes(&parsed.to_bytes()), parsed);
            assert_eq!(
                Script::parse(script.as_bytes(), false).unwrap().wrapped,
                None
            );
        }
    }

    #[test]
    fn the_first_line_of_a_script_is_read_as_linux_reads_it() {
        for (line, interpreter, argument) in [
            ("#!/bin/sh", "/bin/sh", ""),
            ("#! \t/bin/sh \t-e -x \t\nx", "/bin/sh", "-e -x"),
            ("#!/bin/sh\r\n", "/bin/sh\r", ""),
            ("#!/usr/bin/env python3\n", "/usr/bin/env", "python3"),
        ] {
            let script = Script::parse(line.as_bytes(), true).unwrap();
            assert_eq!(script.interpreter, interpreter.as_bytes(), "{line}");
            assert_eq!(script.argument, argument.as_bytes(), "{line}");
        }
        assert_eq!(Script::parse(b"#!  \n/bin/sh", true), None);
    }

    #[test]
    fn a_binary_wrapper_names_its_program() {
        let text = b"\x7fELF\0\nmakeCWrapper '/nix/store/y/bin/.y-wrapped' \\\n    --inherit-argv0 \\\n    --prefix 'PATH' ':' '/nix/store/x/bin'\n\n\n# (Use\0LD_BIND_NOW\0";
        let found = Wrapped::of_binary(text).unwrap();
        assert_eq!(found.program, b"/nix/store/y/bin/.y-wrapped");
        assert!(!found.sets_libraries);
        assert_eq!(
            Wrapped::of_binary(b"\nmakeCWrapper '/a'\\''b' \\\n\0"),
            None
        );
        assert_eq!(Wrapped::of_binary(b"makeCWrapper"), None);
    }
}
