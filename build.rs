//! Tells the program which libdeflate it is built with, for `--version`: the library has no function
//! that says it (zstd's has), only its header does.

use std::path::Path;
use std::{env, fs};

const NAME: &str = "#define LIBDEFLATE_VERSION_STRING";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Set by libdeflate-sys for those who depend on it directly.
    let include = env::var("DEP_LIBDEFLATE_INCLUDE").expect("libdeflate-sys names its headers");
    let header = Path::new(&include).join("libdeflate.h");
    let header = fs::read_to_string(&header).expect("libdeflate.h is there");
    let version = header.lines().find_map(|line| line.strip_prefix(NAME));
    let version = version.expect("libdeflate.h says its version");
    println!(
        "cargo::rustc-env=POLYARCH_LIBDEFLATE={}",
        version.trim().trim_matches('"')
    );
}
