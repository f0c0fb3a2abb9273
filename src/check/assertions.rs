//! Checks an input against the assertions of the user: its platform, the platform to set in its config, and the
//! platforms that are wanted.

use crate::error::{Candidate, Code, Error, Problem, Subject, Warning};
use crate::image::Image;
use crate::oci::Platform;
use crate::source::{Contents, Input, choose_digest};
use crate::transform;

/// Applies the assertions of the user to an input.
pub fn apply(
    mut contents: Contents,
    input: &Input,
    wanted: &[Platform],
) -> Result<Contents, Error> {
    let name = input.name();
    set_platforms(&mut contents, input)?;
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

/// Sets the platforms in configs.
fn set_platforms(contents: &mut Contents, input: &Input) -> Result<(), Error> {
    let name = input.name();
    let offered: Vec<Candidate> = contents.images.iter().map(Image::candidate).collect();
    for (prefix, _) in &input.set_platforms {
        choose_digest(&name, prefix, &offered, || offered.clone())?;
    }
    if let Some(platform) = &input.set_platform
        && offered.len() != 1
    {
        let platform = platform.clone();
        return Err(Error::new(name, Problem::SetSeveral { platform, offered }));
    }
    for image in &mut contents.images {
        if let Some(platform) = input.platform_to_set(&image.pick_digest()) {
            *image = transform::set_platform(image.clone(), platform)?;
        }
    }
    Ok(())
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
        // Twins that differ in compression.
        (images @ [_, ..], _)
            if images.iter().all(|image| {
                is(&image.platform, &asserted) && image.platform.same_place(&images[0].platform)
            }) =>
        {
            for image in images {
                image.platform = narrow(&image.platform, &asserted, &image.origin)?;
            }
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

/// Checks that there is an image for each wanted platform in `whole`, the input or all inputs.
pub fn all_platforms_found(
    contents: &Contents,
    wanted: &[Platform],
    whole: Subject,
) -> Result<(), Error> {
    let found = |wanted: &Platform| {
        let mut platforms = contents.images.iter().map(|image| &image.platform);
        platforms.any(|platform| platform.is_one_of(std::slice::from_ref(wanted)))
    };
    match wanted.iter().find(|wanted| !found(wanted)) {
        Some(missing) => {
            let (wanted, offered) = (missing.clone(), contents.complete());
            let problem = Problem::NoSuchPlatform { wanted, offered };
            Err(Error::new(whole, problem))
        }
        None => Ok(()),
    }
}

fn is(found: &Platform, asserted: &Platform) -> bool {
    found.narrowed_by(asserted).is_some()
}

fn narrow(found: &Platform, asserted: &Platform, subject: &Subject) -> Result<Platform, Error> {
    // Clients that look for the platform do not find a variant that does not exist.
    let is_real = asserted.variant.is_some() || found.unknown_variant().is_none();
    let narrowed = found.narrowed_by(asserted).filter(|_| is_real);
    narrowed.ok_or_else(|| {
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
            "its config calls the {found}, which runtimes know as {name}; merge it with --set-platform IMAGE={name} (Nix: setPlatform = \"{name}\")",
        );
        return Some(Warning::new(Code::LegacyArchitecture, origin, text));
    }
    if let Some(variant) = platform.unknown_variant() {
        let right = platform.without_variant().name();
        let argument = image.pick_argument();
        let text = format!(
            "{} has no variant {variant:?}, so clients that look for {right} do not find the image; merge it with --set-platform {argument}={right} (Nix: setPlatform = \"{right}\")",
            platform.architecture
        );
        return Some(Warning::new(Code::UnknownVariant, origin, text));
    }
    (platform.architecture == "arm" && platform.variant.is_none()).then(|| {
        let text = format!(
            "{platform} has no variant, and containerd assumes linux/arm/v7; give it as linux/arm/v6=IMAGE or linux/arm/v7=IMAGE (Nix: images.\"linux/arm/v7\" = …)"
        );
        Warning::new(Code::ArmWithoutVariant, origin, text)
    })
}
