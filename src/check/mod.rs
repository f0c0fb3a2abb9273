//! Checks of images that do not change them: what the caller asserts, whether configs agree, and
//! whether programs are built for the platform of their image.

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
