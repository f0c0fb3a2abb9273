//! All images of an input, completed by a second pass where one pass does not know a store path.

use std::collections::BTreeSet;

use super::budget::Budget;
use super::rebuild::{Rebuilder, Wanted};
use super::rebuilt::RebuiltTree;
use super::stack::{MAX_LISTED, Records, SecondPass, Stack};
use crate::error::{Code, Error, Item, Subject, Warning};
use crate::image::{Image, Layer};
use crate::load::{LoadRequest, Loaded};
use crate::util::parallel;

/// The images of an input.
pub struct Stacks {
    pub images: Vec<Stack>,
}

impl Stacks {
    /// Puts the layers of each image on top of each other.
    pub fn of(records: &[Records]) -> Self {
        Self {
            images: records.iter().map(Stack::of).collect(),
        }
    }

    /// Finds what one layer does not say in order, in a second pass over the input.
    pub fn complete(
        &mut self,
        load: &LoadRequest<'_>,
        loaded: &Loaded,
        records: &[Records],
        budget: &Budget,
        warnings: &mut Vec<Warning>,
    ) -> Result<(), Error> {
        let mut wanted = Wanted::default();
        for stack in &self.images {
            let open = stack.store.iter().filter(|(_, path)| path.is_open);
            wanted.roots.extend(open.map(|(root, _)| root.clone()));
            wanted.files.extend(stack.links().map(<[u8]>::to_vec));
        }
        if !wanted.is_empty() {
            let all = records.iter().flatten().flatten();
            wanted.add_link_targets(all.map(|record| &**record));
            let images = &loaded.contents.images;
            let rebuilder = Rebuilder::new(wanted, budget);
            let wanted = rebuilder.layers_of(images, records);
            match load.load_again(loaded, &wanted, &rebuilder)? {
                true => self.rebuild(parallel::threads(load.jobs), images, &rebuilder, budget)?,
                false => self.images.iter_mut().for_each(Stack::skip_links),
            }
        }
        self.warn(warnings);
        Ok(())
    }

    fn rebuild(
        &mut self,
        jobs: usize,
        images: &[Image],
        rebuilder: &Rebuilder<'_>,
        budget: &Budget,
    ) -> Result<(), Error> {
        let mut done: Vec<(Vec<_>, SecondPass)> = Vec::new();
        for (image, stack) in images.iter().zip(&mut self.images) {
            let diff_ids: Vec<_> = image.layers.iter().map(Layer::diff_id).collect();
            // Images for the same platform may differ in their compression only.
            let known = done.iter().find(|(other, _)| *other == diff_ids);
            let pass = match known {
                Some((_, pass)) => pass.clone(),
                None => {
                    let pass = second_pass(jobs, image, stack, rebuilder, budget)?;
                    done.push((diff_ids, pass.clone()));
                    pass
                }
            };
            stack.complete(pass);
        }
        Ok(())
    }

    /// Warns of store paths without a NAR hash, and of files that were not searched, each once.
    fn warn(&self, warnings: &mut Vec<Warning>) {
        let all = self.images.iter().flat_map(Stack::findings);
        let skipped = all.filter_map(|(_, path, found)| Some((path, found.skipped?)));
        let skipped: BTreeSet<_> = skipped.collect();
        for (path, reason) in skipped.into_iter().take(MAX_LISTED) {
            let path = String::from_utf8_lossy(path);
            let text = format!("/{path} was not fully searched for packages: {reason}");
            warnings.push(Warning::new(Code::NotSearched, Subject::ALL, text));
        }
        for (root, path) in self.images.iter().flat_map(|stack| &stack.store) {
            if path.nar.is_some() {
                continue;
            }
            let reason = match path.foreign {
                _ if path.is_open => "its entries are not in order, come from several layers or are hard links, and a pipe is read only once".to_owned(),
                Some(foreign) => format!("it has {foreign}"),
                None => "its entries contradict each other".to_owned(),
            };
            let text = format!("the NAR hash of /{root} is not known: {reason}");
            warnings.push(Warning::new(Code::NoNarHash, Subject::ALL, text));
        }
    }
}

/// Rebuilds what the first pass has left open in an image.
fn second_pass(
    jobs: usize,
    image: &Image,
    stack: &Stack,
    rebuilder: &Rebuilder<'_>,
    budget: &Budget,
) -> Result<SecondPass, Error> {
    let kept = |layer: &Layer| {
        let Some(layer) = layer.files() else {
            return Ok(None);
        };
        let kept = rebuilder.layer(&layer.diff_id);
        kept.map_err(|e| Error::unreadable(layer.blob.subject(Item::Layer))(e.into()))
    };
    let layers = image.layers.iter().map(kept);
    let layers = layers.collect::<Result<Vec<_>, Error>>()?;
    let unreadable = |e| Error::unreadable(image.origin.clone())(e);
    let tree = RebuiltTree::of(&layers, budget).map_err(unreadable)?;
    let open = stack.store.iter().filter(|(_, path)| path.is_open);
    let roots: Vec<&String> = open.map(|(root, _)| root).collect();
    let paths = parallel::map(jobs, &roots, |root| Ok(((*root).clone(), tree.path(root)?)));
    let links: Vec<&[u8]> = stack.links().collect();
    let found = parallel::map(jobs, &links, |path| tree.file(path));
    let mut pass = SecondPass {
        paths: paths.map_err(unreadable)?,
        ..SecondPass::default()
    };
    for (path, (is_file, found)) in links.iter().zip(found.map_err(unreadable)?) {
        pass.links.push((path.to_vec(), is_file));
        pass.findings.extend(found);
    }
    Ok(pass)
}
