//! What the user says of an input, held against what it holds: a platform that is asserted, one that
//! the config is to say, and the platforms that are wanted.

use crate::error::Error;
use crate::image::Image;
use crate::oci::Platform;
use crate::source::{Contents, Input};
use crate::transform;

/// Does what the user says of an input, or says why it cannot be so.
pub fn apply(
    mut contents: Contents,
    input: &Input,
    wanted: &[Platform],
) -> Result<Contents, Error> {
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
        apply_platform(&mut contents, asserted, &name())?;
    }
    for image in &mut contents.images {
        // Who pulls compares names: by the one of old nobody would find it. The config stays.
        if let Some(name) = image.platform.legacy_name() {
            image.platform = name;
        }
    }
    contents
        .images
        .retain(|image| image.platform.is_one_of(wanted));
    for image in &contents.images {
        // It is carried as it is: that is known before a push, and not when nobody can run it.
        if !image.wrong_types.is_empty() {
            contents.notes.push(format!(
                "{}: containerd, skopeo and podman cannot read its config: {}",
                image.origin,
                image.wrong_types.join(", ")
            ));
        }
        let said = doubt(image).map(|doubt| format!("{}: {}", image.origin, doubt.message));
        contents.notes.extend(said);
    }
    Ok(contents)
}

/// Holds an image to the platform that it is said to have.
pub fn apply_platform(
    contents: &mut Contents,
    asserted: &Platform,
    input: &str,
) -> Result<(), Error> {
    match (&mut contents.images[..], &contents.seen[..]) {
        ([image], _) => {
            image.platform = asserted_platform(&image.platform, asserted, &image.origin)?;
        }
        // An image that is not taken is not what it is said to be either.
        ([], [seen]) => drop(asserted_platform(seen, asserted, input)?),
        (images, _) => {
            return Err(Error::AssertedSeveral {
                input: input.to_owned(),
                asserted: asserted.to_string(),
                count: images.len(),
            });
        }
    }
    Ok(())
}

/// Makes sure that there is an image for each platform that is wanted.
pub fn all_platforms_found(contents: &Contents, wanted: &[Platform]) -> Result<(), Error> {
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
pub struct Doubt {
    /// The rule that `verify` knows it by.
    pub id: &'static str,
    /// What is doubted.
    pub message: String,
}

/// Whether a platform is not named as it should be.
pub fn doubt(image: &Image) -> Option<Doubt> {
    let Image {
        platform,
        config_platform,
        ..
    } = image;
    if let Some(name) = config_platform.legacy_name() {
        let found = match config_platform.architecture == name.architecture {
            true => format!("platform {:?}", config_platform.to_string()),
            false => format!("architecture {:?}", config_platform.architecture),
        };
        return Some(Doubt {
            id: "legacy-architecture",
            message: format!(
                "its config calls the {found}, which runtimes know as {name}; change it with --set-platform IMAGE={name} (Nix: setPlatform = \"{name}\")",
            ),
        });
    }
    (platform.architecture == "arm" && platform.variant.is_none()).then(|| Doubt {
        id: "arm-without-variant",
        message: format!(
            "{platform} has no variant, and containerd takes that for linux/arm/v7; give it as linux/arm/v6=IMAGE or linux/arm/v7=IMAGE (Nix: images.\"linux/arm/v7\" = …)"
        ),
    })
}
