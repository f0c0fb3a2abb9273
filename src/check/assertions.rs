//! Checks an input against what the user asserts: its platform, the platform to set in its config, and the
//! platforms that are wanted.

use crate::error::{Code, Error, Problem, Subject, Warning};
use crate::image::Image;
use crate::oci::Platform;
use crate::source::{Contents, Input};
use crate::transform;

/// Applies the assertions of the user to an input.
pub fn apply(
    mut contents: Contents,
    input: &Input,
    wanted: &[Platform],
) -> Result<Contents, Error> {
    let name = input.name();
    let count = contents.images.len();
    if let Some(platform) = &input.set_platform {
        let [image] = &mut contents.images[..] else {
            let platform = platform.clone();
            return Err(Error::new(name, Problem::SetSeveral { platform, count }));
        };
        *image = transform::set_platform(image.clone(), platform)?;
    }
    if let Some(asserted) = &input.platform {
        apply_platform(&mut contents, asserted, &name.into())?;
    }
    for image in &mut contents.images {
        // Clients match the current name only. The config is left unchanged.
        if let Some(name) = image.platform.legacy_name() {
            image.platform = name;
        }
    }
    contents
        .images
        .retain(|image| image.platform.is_one_of(wanted));
    for image in &contents.images {
        // The config is copied as it is, so the user must know before a push.
        if !image.wrong_types.is_empty() {
            let wrong = image.wrong_types.join(", ");
            let text = format!("containerd, skopeo and podman cannot read its config: {wrong}");
            let warning = Warning::new(Code::FieldType, &image.origin, text);
            contents.warnings.push(warning);
        }
        contents.warnings.extend(unclear_platform(image));
    }
    Ok(contents)
}

/// Checks the image that was selected by the platform in front of its input, and takes over the details
/// of that platform. The only image of an input was read in any case.
pub fn apply_platform(
    contents: &mut Contents,
    asserted: &Platform,
    input: &Subject,
) -> Result<(), Error> {
    let asserted = asserted.clone();
    let problem = match (&mut contents.images[..], &contents.seen[..]) {
        ([image], _) => {
            image.platform = narrow(&image.platform, &asserted, &image.origin)?;
            return Ok(());
        }
        // An image that is not wanted must match too.
        ([], [seen]) => return narrow(seen, &asserted, input).map(drop),
        ([], seen)
            if seen.is_empty() || seen.iter().any(|p| p.narrowed_by(&asserted).is_some()) =>
        {
            return Ok(());
        }
        ([], _) => Problem::NoSuchPlatform {
            wanted: asserted,
            offered: contents.complete(),
        },
        (images, _) => Problem::AssertedSeveral {
            asserted,
            offered: images.iter().map(|image| image.platform.clone()).collect(),
        },
    };
    Err(Error::new(input, problem))
}

/// Checks that there is an image for each wanted platform.
pub fn all_platforms_found(contents: &Contents, wanted: &[Platform]) -> Result<(), Error> {
    let found = |wanted: &Platform| {
        let mut platforms = contents.images.iter().map(|image| &image.platform);
        platforms.any(|platform| platform.is_one_of(std::slice::from_ref(wanted)))
    };
    match wanted.iter().find(|wanted| !found(wanted)) {
        Some(missing) => {
            let (wanted, offered) = (missing.clone(), contents.complete());
            let problem = Problem::NoSuchPlatform { wanted, offered };
            Err(Error::new(Subject::ALL, problem))
        }
        None => Ok(()),
    }
}

fn narrow(found: &Platform, asserted: &Platform, subject: &Subject) -> Result<Platform, Error> {
    found.narrowed_by(asserted).ok_or_else(|| {
        let (asserted, found) = (asserted.clone(), found.clone());
        Error::new(subject, Problem::WrongPlatform { asserted, found })
    })
}

/// Returns a warning for a config whose platform runtimes do not recognise.
pub fn unclear_platform(image: &Image) -> Option<Warning> {
    let Image {
        platform,
        config_platform,
        origin,
        ..
    } = image;
    if let Some(name) = config_platform.legacy_name() {
        let found = match config_platform.architecture == name.architecture {
            true => format!("platform {:?}", config_platform.to_string()),
            false => format!("architecture {:?}", config_platform.architecture),
        };
        let text = format!(
            "its config calls the {found}, which runtimes know as {name}; change it with --set-platform IMAGE={name} (Nix: setPlatform = \"{name}\")",
        );
        return Some(Warning::new(Code::LegacyArchitecture, origin, text));
    }
    (platform.architecture == "arm" && platform.variant.is_none()).then(|| {
        let text = format!(
            "{platform} has no variant, and containerd takes that for linux/arm/v7; give it as linux/arm/v6=IMAGE or linux/arm/v7=IMAGE (Nix: images.\"linux/arm/v7\" = …)"
        );
        Warning::new(Code::ArmWithoutVariant, origin, text)
    })
}
