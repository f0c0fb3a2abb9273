//! Checks of images that do not change them: what the caller asserts, whether configs agree, and
//! whether programs are built for the platform of their image.

pub mod assertions;
pub mod consistency;
pub mod image_facts;
pub mod programs;
