//! What the user says of an input, held against what it holds: a platform that is asserted, one that
//! the config is to say, and the platforms that are wanted.

use crate::error::Error;
use crate::image::Image;
use crate::source::{Contents, Input};
use crate::spec::Platform;
use crate::transform;

/// Does what the user says of an input, or says why it cannot be so.
pub fn hold(mut contents: Contents, input: &Input, wanted: &[Platform]) -> Result<Contents, Error> {
    let name = || input.path.display().to_string();
    let count = contents.images.len();
    if let Some(platform) = &input.set_platform {
        let [image] = &mut contents.images[..] else {
            return Err(Error::SetSeveral {
                input: name(),
                platform: platform.to_string(),
                count,
            });
        };
        *image = transform::set_platform(image.clone(), platform)?;
    }
    if let Some(asserted) = &input.platform {
        match (&mut contents.images[..], &contents.seen[..]) {
            ([image], _) => {
                image.platform = asserted_platform(&image.platform, asserted, &image.origin)?;
            }
            // An image that is not taken is not what it is said to be either.
            ([], [seen]) => drop(asserted_platform(seen, asserted, &name())?),
            _ => {
                return Err(Error::AssertedSeveral {
                    input: name(),
                    asserted: asserted.to_string(),
                    count,
                });
            }
        }
    }
    contents
        .images
        .retain(|image| image.platform.is_one_of(wanted));
    let doubts: Vec<String> = contents.images.iter().filter_map(doubt).collect();
    contents.notes.extend(doubts);
    Ok(contents)
}

/// Makes sure that there is an image for each platform that is wanted.
pub fn all_found(contents: &Contents, wanted: &[Platform]) -> Result<(), Error> {
    let found = |wanted: &Platform| {
        let mut platforms = contents.images.iter().map(|image| &image.platform);
        platforms.any(|platform| platform.is_one_of(std::slice::from_ref(wanted)))
    };
    match wanted.iter().find(|wanted| !found(wanted)) {
        Some(missing) => Err(Error::NoSuchPlatform {
            wanted: missing.to_string(),
            offered: Platform::list(&contents.seen),
        }),
        None => Ok(()),
    }
}

fn asserted_platform(
    found: &Platform,
    asserted: &Platform,
    input: &str,
) -> Result<Platform, Error> {
    found
        .narrowed_by(asserted)
        .ok_or_else(|| Error::WrongPlatform {
            input: input.to_owned(),
            asserted: asserted.to_string(),
            found: found.to_string(),
        })
}

/// What runtimes will make of a platform that is not named as it should be.
fn doubt(image: &Image) -> Option<String> {
    let Image {
        origin, platform, ..
    } = image;
    if let Some(name) = image.config_platform.legacy_name() {
        return Some(format!(
            "{origin}: its config calls the architecture {:?}, which runtimes know as {name}; change it with --set-platform IMAGE={name}",
            image.config_platform.architecture
        ));
    }
    (platform.architecture == "arm" && platform.variant.is_none()).then(|| {
        format!(
            "{origin}: {platform} has no variant, and containerd takes that for linux/arm/v7; give it as linux/arm/v6=IMAGE or linux/arm/v7=IMAGE"
        )
    })
}
