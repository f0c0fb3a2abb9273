//! Programs that start another one, which their arguments name: `tini`, `dumb-init`, `env` and shells.
//!
//! Only what is certain is followed. An option that is not known here ends the search.

/// A command that a program starts.
#[derive(Debug, PartialEq, Eq)]
pub struct Launched {
    pub words: Vec<Vec<u8>>,
    /// The variables that it sets, as `NAME=value`.
    pub variables: Vec<Vec<u8>>,
    /// Whether a shell starts it, which has commands that are not files.
    pub is_by_shell: bool,
}

/// Commands that shells have themselves: those of POSIX, bash and BusyBox.
const BUILTINS: &str = "! . : [ [[ alias bg break builtin case cd command continue coproc declare dirs disown do \
    done echo elif else enable esac eval exit export false fc fg fi for function getopts hash help history if \
    in jobs kill let local logout mapfile popd printf pushd pwd read readarray readonly return select set \
    shift shopt source suspend test then time times trap true type typeset ulimit umask unalias unset until \
    wait while { }";

/// Returns the command that `words` start, whose first word names a program.
pub fn launched(words: &[Vec<u8>]) -> Option<Launched> {
    let (program, arguments) = words.split_first()?;
    let name = program.rsplit(|b| *b == b'/').next()?;
    let arguments: Vec<&[u8]> = arguments.iter().map(Vec::as_slice).collect();
    let (command, variables) = match name {
        b"tini" | b"tini-static" | b"docker-init" => {
            (after_options(&arguments, b"gsvw", b"ep", &[])?, Vec::new())
        }
        b"catatonit" => (after_options(&arguments, b"g", b"", &[])?, Vec::new()),
        b"dumb-init" => {
            let long: &[&[u8]] = &[b"--single-child", b"--verbose"];
            (after_options(&arguments, b"cv", b"r", long)?, Vec::new())
        }
        b"env" => {
            let rest = after_options(&arguments, b"", b"", &[])?;
            let count = rest.iter().take_while(|word| word.contains(&b'=')).count();
            let (variables, command) = rest.split_at(count);
            (command.to_vec(), variables.to_vec())
        }
        b"sh" | b"bash" | b"dash" | b"ash" => return of_shell(&arguments),
        _ => return None,
    };
    let owned = |words: Vec<&[u8]>| words.into_iter().map(<[u8]>::to_vec).collect();
    Some(Launched {
        words: owned(command),
        variables: owned(variables),
        is_by_shell: false,
    })
    .filter(|launched: &Launched| launched.words.first().is_some_and(|word| !word.is_empty()))
}

/// Returns the words after the options of a program: `flags` are options without an argument, `values` have one.
fn after_options<'a>(
    arguments: &[&'a [u8]],
    flags: &[u8],
    values: &[u8],
    long: &[&[u8]],
) -> Option<Vec<&'a [u8]>> {
    let mut rest = arguments;
    loop {
        let (word, more) = rest.split_first()?;
        match *word {
            b"--" => return Some(more.to_vec()),
            [b'-', b'-', ..] if long.contains(word) => rest = more,
            [b'-', letters @ ..] => {
                let end = letters.iter().position(|b| !flags.contains(b));
                rest = match end {
                    None if letters.is_empty() => return None,
                    None => more,
                    Some(at) if values.contains(&letters[at]) => match at + 1 == letters.len() {
                        // The value is the next word.
                        true => more.split_first()?.1,
                        false => more,
                    },
                    Some(_) => return None,
                };
            }
            _ => return Some(rest.to_vec()),
        }
    }
}

/// Returns the first command of `sh -c COMMAND`, if it is a plain one.
fn of_shell(arguments: &[&[u8]]) -> Option<Launched> {
    let mut rest = arguments;
    let script = loop {
        let (word, more) = rest.split_first()?;
        let letters = word
            .strip_prefix(b"-")
            .filter(|letters| !letters.is_empty())?;
        // A login shell (`-l`) first reads files that may do anything.
        if !letters.iter().all(|b| b"cexu".contains(b)) {
            return None;
        }
        rest = more;
        if letters.contains(&b'c') {
            break *more.first()?;
        }
    };
    let is_operator = |b: &u8| b"|&;<>()\n`".contains(b);
    if script.iter().any(is_operator) || script.windows(2).any(|at| at == b"$(") {
        return None;
    }
    let mut words = script.split(u8::is_ascii_whitespace);
    let mut words: Vec<&[u8]> = words.by_ref().filter(|word| !word.is_empty()).collect();
    if words.first() == Some(&&b"exec"[..]) {
        words.remove(0);
    }
    let is_plain = |word: &&[u8]| {
        let is_plain = |b: &u8| b.is_ascii_alphanumeric() || b"_./+-:,@%".contains(b);
        word.iter().all(is_plain)
    };
    let program = *words.first().filter(|word| is_plain(word))?;
    let is_builtin = BUILTINS
        .split_whitespace()
        .any(|name| name.as_bytes() == program);
    if is_builtin || program.starts_with(b"-") {
        return None;
    }
    // Other arguments are not known before the shell runs.
    if !words.iter().all(is_plain) {
        words.truncate(1);
    }
    Some(Launched {
        words: words.into_iter().map(<[u8]>::to_vec).collect(),
        variables: Vec::new(),
        is_by_shell: true,
    })
}

#[cfg(test)]
mod tests {
    use super::launched;

    #[test]
    fn the_command_of_a_launcher_is_found() {
        for (command, expected) in [
            ("tini -- app x", Some("app x")),
            ("/sbin/tini app", Some("app")),
            ("tini -g -s -vv -p SIGTERM -e143 -- /app", Some("/app")),
            ("tini -gs -e 143 /app", Some("/app")),
            (
                "/usr/bin/dumb-init -c --verbose -r 15:3 -- app",
                Some("app"),
            ),
            ("dumb-init --rewrite 15:3 app", None),
            ("catatonit -- app", Some("app")),
            ("catatonit -P", None),
            ("docker-init -- app", Some("app")),
            ("env A=1 B=2 app C=3", Some("app C=3")),
            ("/usr/bin/env -- app", Some("app")),
            ("env -i app", None),
            ("env -S app", None),
            ("env", None),
            ("tini --version", None),
            ("tini", None),
            ("app tini", None),
        ] {
            let words: Vec<Vec<u8>> = command.split(' ').map(Into::into).collect();
            let found = launched(&words).map(|launched| launched.words.join(&b' '));
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{command}");
        }
    }

    #[test]
    fn the_first_command_of_a_shell_is_found_if_it_is_plain() {
        for (options, script, expected) in [
            ("-c", "app --flag", Some("app --flag")),
            ("-c", "exec /bin/app", Some("/bin/app")),
            ("-ec", " /app  x ", Some("/app x")),
            ("-e -c", "app $PORT", Some("app")),
            ("-c", "app \"$@\"", Some("app")),
            ("-c", "cd /app", None),
            ("-c", "app || other", None),
            ("-c", "app; other", None),
            ("-c", "app $(other)", None),
            ("-c", "A=1 app", None),
            ("-c", "$APP", None),
            ("-c", "exec -a x app", None),
            ("-c", "if true", None),
            ("-c", "", None),
            ("-lc", "app", None),
            ("script", "app", None),
        ] {
            let mut words = vec![b"/bin/sh".to_vec()];
            words.extend(options.split(' ').map(Into::into));
            words.push(script.into());
            let found = launched(&words).map(|launched| launched.words.join(&b' '));
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{script}");
        }
    }
}
