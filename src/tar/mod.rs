//! Reads tar archives strictly: the only place that interprets headers.

pub mod headers;
pub mod limited_reader;
pub mod walk;
