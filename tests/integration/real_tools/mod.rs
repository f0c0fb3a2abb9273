//! Images that real tools write, and images rebuilt from public bug reports: taken right, and nothing
//! lost without a word.

mod audit;
pub mod corpus;
mod kinds;
mod ordinary;
mod referrers;
pub mod writer;
