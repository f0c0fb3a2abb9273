//! Checks images without changing them: the assertions of the caller, differences between configs, and the
//! platform of programs.

pub mod assertions;
pub mod consistency;
pub mod image_facts;
pub mod programs;

/// How strict a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckLevel {
    /// A violation is an error.
    Error,
    /// A violation is a warning.
    Warn,
    /// The check is left out.
    Off,
}
