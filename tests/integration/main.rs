//! Runs the real binary on images that are built in code, and reads back what it writes.
//!
//! All tests are modules of this one program, so that it is linked once and cargo runs them side by side.
//! A test must not change what all threads share: the environment, the current directory, the umask.
//! [`support`] builds images and reads them back; each folder is a topic with its own helpers in
//! `mod.rs`.

mod analyze;
mod attest;
mod compressors;
mod consistency;
mod diff;
mod dockertools;
// Needs namespaces, `strace` and limits of Linux.
#[cfg(target_os = "linux")]
mod faults;
mod guarantees;
mod hostile;
mod inputs;
mod inspect;
mod json;
mod merge;
mod pin;
mod programs;
mod real_tools;
mod reuse;
mod sbom;
mod sizes;
mod slips;
#[cfg(target_os = "linux")]
mod soak;
mod supply_chain;
mod support;
mod terminal;
mod tools;
mod verify;
