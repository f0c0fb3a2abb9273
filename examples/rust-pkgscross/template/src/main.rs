//! Says what it runs on and what it was built for.

use std::env::consts::{ARCH, OS};

fn main() {
    println!("Hello, world! from {ARCH} built for {ARCH}-{OS}");
}
