//! The parts of an input that a command reads, which the reader of each format asks for.

use std::collections::BTreeMap;

use super::Input;
use super::callbacks::Callbacks;
use super::select;
use crate::error::{Candidate, Error, InputName};
use crate::oci::Platform;

/// The parts of all inputs that a command reads.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// The platforms; empty means all.
    pub platforms: &'a [Platform],
    /// The annotations of the image index that the user has set: inputs may contradict each other about them.
    pub decided: &'a BTreeMap<String, String>,
    /// Handles violations, and gets everything that is read.
    pub callbacks: &'a dyn Callbacks,
    /// Whether companions beside the images are read too, not only those in their indexes.
    pub referrers: bool,
}

/// The parts of an input that a command reads.
pub(super) struct Reading<'a> {
    pub input: &'a Input,
    pub wanted: Wanted<'a>,
}

impl<'a> Reading<'a> {
    pub fn callbacks(&self) -> &'a dyn Callbacks {
        self.wanted.callbacks
    }

    /// Returns the positions of the selected candidates.
    pub fn choose(
        &self,
        input: &InputName,
        candidates: &[Candidate],
        unnamed_is_one: bool,
    ) -> Result<Vec<usize>, Error> {
        let (select, several) = (&self.input.select, self.callbacks().reads_all());
        select::choose(input, select, candidates, unnamed_is_one, several)
    }

    /// Whether an image of this platform is selected: by the platform in front of the input, and by
    /// those that are wanted of all inputs. An image that is to be changed is known by its new platform,
    /// an `arm` that is asserted to be a `v6` by that one.
    pub fn has(&self, platform: &Platform) -> bool {
        if self.input.set_platform.is_some() || !self.input.set_platforms.is_empty() {
            return true;
        }
        match &self.input.platform {
            Some(asserted) => platform
                .narrowed_by(asserted)
                .is_some_and(|narrowed| narrowed.is_one_of(self.wanted.platforms)),
            None => platform.is_one_of(self.wanted.platforms),
        }
    }

    /// Whether an image whose descriptor claims this platform may turn out to be selected: its config
    /// may name the variant that the claim leaves out.
    pub fn may_have(&self, claimed: &Platform) -> bool {
        let asserted = self.input.platform.as_ref();
        self.has(claimed) || asserted.is_some_and(|a| a.narrowed_by(claimed).is_some())
    }

    /// Whether the only image of an input is compared with the platform in front of the input, instead
    /// of being selected by it: the error then names both.
    pub fn compares_only(&self, platform: &Platform) -> bool {
        self.input.platform.is_some() && platform.is_one_of(self.wanted.platforms)
    }

    /// Whether some images of an input are selected by their platforms.
    pub fn is_narrowed(&self) -> bool {
        self.input.platform.is_some() || !self.wanted.platforms.is_empty()
    }
}
