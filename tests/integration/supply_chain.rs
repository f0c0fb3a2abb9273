//! Dependencies: no crate that opens network connections, and no `unsafe` code in polyarch.
//!
//! `make lint` checks licences, sources, versions and build scripts against `deny.toml`.

use std::fs;
use std::path::Path;

use object::{Object, ObjectSymbol};

/// Crates that open connections or wait for them, by kind. Other crates that do so depend on one of these.
const REFUSED: &[(&str, &[&str])] = &[
    (
        "an async runtime",
        &[
            "async-executor",
            "async-io",
            "async-std",
            "compio",
            "futures-executor",
            "glommio",
            "mio",
            "monoio",
            "polling",
            "smol",
            "tokio",
            "tokio-uring",
        ],
    ),
    (
        "an HTTP client or server",
        &[
            "actix-web",
            "attohttpc",
            "axum",
            "curl",
            "curl-sys",
            "h2",
            "http",
            "hyper",
            "isahc",
            "minreq",
            "quinn",
            "reqwest",
            "surf",
            "tiny_http",
            "ureq",
            "warp",
        ],
    ),
    (
        "TLS",
        &[
            "boring",
            "native-tls",
            "openssl",
            "openssl-sys",
            "rustls",
            "schannel",
            "security-framework",
            "webpki",
        ],
    ),
    (
        "sockets and names of hosts",
        &[
            "dns-lookup",
            "hickory-proto",
            "hickory-resolver",
            "nix",
            "socket2",
            "ssh2",
            "trust-dns-resolver",
            "tungstenite",
        ],
    ),
    (
        "a client of a container registry, which speaks HTTP",
        &[
            "bollard",
            "docker-api",
            "dkregistry",
            "oci-client",
            "oci-distribution",
        ],
    ),
];

/// Functions that open connections. (`socketpair`, `send` and `recv` are missing because signals arrive through
/// a pair of sockets within the process.)
const SOCKETS: &[&str] = &[
    "accept",
    "accept4",
    "bind",
    "connect",
    "getaddrinfo",
    "gethostbyname",
    "getnameinfo",
    "listen",
    "recvfrom",
    "recvmsg",
    "res_init",
    "sendmsg",
    "sendto",
    "socket",
];

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[test]
fn no_dependency_is_a_network_crate() {
    let lock = file("Cargo.lock");
    let names = lock
        .lines()
        .filter_map(|line| line.strip_prefix("name = \""));
    let names: Vec<&str> = names.map(|name| name.trim_end_matches('"')).collect();
    assert!(names.contains(&"serde"), "Cargo.lock looks different");
    for (what, refused) in REFUSED {
        for name in *refused {
            assert!(!names.contains(name), "{name} is {what}");
        }
    }
}

/// The linked program includes the standard library and C code, which Cargo.lock does not list.
#[test]
#[cfg(target_os = "linux")]
fn the_program_links_to_no_function_that_opens_a_connection() {
    let bytes = fs::read(env!("CARGO_BIN_EXE_polyarch")).unwrap();
    let program = object::File::parse(&*bytes).unwrap();
    let symbols = program.dynamic_symbols();
    let called: Vec<&str> = symbols
        .filter(ObjectSymbol::is_undefined)
        .map(|symbol| symbol.name().unwrap())
        .collect();
    if cfg!(target_feature = "crt-static") {
        // A static program has no dynamic symbols.
        return;
    }
    assert!(
        called.contains(&"write"),
        "its symbols look different: {called:?}"
    );
    let sockets: Vec<_> = called
        .iter()
        .filter(|name| SOCKETS.contains(name))
        .collect();
    assert!(sockets.is_empty(), "{sockets:?}");
}

/// `forbid`, because a module can allow again what is only denied.
#[test]
fn unsafe_code_is_forbidden() {
    let manifest = file("Cargo.toml");
    let (_, lints) = manifest.split_once("\n[lints.rust]\n").unwrap();
    let lints = lints.split("\n[").next().unwrap();
    assert!(
        lints.lines().any(|line| line == "unsafe_code = \"forbid\""),
        "{lints}"
    );
}
