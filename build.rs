//! Passes the version of libdeflate to the program, for `--version`: only the header of the library has
//! it, while zstd has a function for it.

use std::path::Path;
use std::{env, fs};

const NAME: &str = "#define LIBDEFLATE_VERSION_STRING";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // libdeflate-sys sets it for direct dependents.
    let include = env::var("DEP_LIBDEFLATE_INCLUDE")
        .expect("libdeflate-sys sets the directory of its headers");
    let header = Path::new(&include).join("libdeflate.h");
    let header = fs::read_to_string(&header).expect("libdeflate.h exists");
    let version = header.lines().find_map(|line| line.strip_prefix(NAME));
    let version = version.expect("libdeflate.h defines its version");
    println!(
        "cargo::rustc-env=POLYARCH_LIBDEFLATE={}",
        version.trim().trim_matches('"')
    );
}
