//! The readers of images, one target each, and merges of several.

use arbitrary::Unstructured;
use polyarch::merge::{Compression, Level};
use polyarch::oci::{ImageName, Platform};
use polyarch::{CheckLevel, Select};

use super::merging::{Asked, hold, report};
use super::recipe::{
    Dice, archive as tar, docker_archive as docker_recipe, layout as layout_recipe,
};
use super::scratch::{Parcel, Way};

const WAYS: [&Way; 4] = [&Way::File, &Way::Pipe, &Way::Gzip, &Way::Zstd];

fn ways(u: &mut Unstructured<'_>) -> [Way; 2] {
    [*u.one_of(&WAYS), *u.one_of(&WAYS)]
}

/// Reads any bytes as an archive.
pub fn archive(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else {
        return;
    };
    let mut bytes = bytes.to_vec();
    if choice & 1 == 0 {
        right_checksums(&mut bytes);
    }
    let way = |bits: u8| *WAYS[usize::from(bits & 3)];
    let ways = [way(choice >> 1), way(choice >> 3)];
    hold(&[Parcel::Archive(bytes)], &Asked::default(), ways);
}

/// Corrects the checksums of headers, so that changed headers are read. A header is at the beginning of the
/// archive, and after the content of the header before.
fn right_checksums(bytes: &mut [u8]) {
    let mut at = 0;
    while let Some(block) = bytes.get_mut(at..at + 512) {
        if block.iter().any(|b| *b != 0) {
            let block: &mut [u8; 512] = block.try_into().unwrap();
            let mut header = tar::Header::from_byte_slice(block).clone();
            header.set_cksum();
            *block = *header.as_bytes();
            let size = header.entry_size().unwrap_or(0).min(1 << 20);
            at += (size as usize).next_multiple_of(512);
        }
        at += 512;
    }
}

/// Docker archives.
pub fn docker_archive(bytes: &[u8]) {
    let u = &mut Unstructured::new(bytes);
    let ways = ways(u);
    let parcel = Parcel::Archive(docker_recipe(u));
    hold(&[parcel], &Asked::default(), ways);
}

/// OCI image layouts, in a directory or an archive, and skopeo's `dir:`.
pub fn layout(bytes: &[u8]) {
    let u = &mut Unstructured::new(bytes);
    let ways = ways(u);
    let parcel = layout_parcel(u);
    hold(&[parcel], &Asked::default(), ways);
}

fn layout_parcel(u: &mut Unstructured<'_>) -> Parcel {
    let form = u.up_to(2);
    let layout = layout_recipe(u);
    match form {
        0 => Parcel::Directory(layout.files),
        1 => Parcel::Directory(layout.flat(u)),
        _ => Parcel::Archive(tar(u, layout.entries())),
    }
}

/// Verifies one image of any kind: the report does not depend on the settings.
pub fn verify(bytes: &[u8]) {
    let u = &mut Unstructured::new(bytes);
    let ways = ways(u);
    report(&any_parcel(u), ways);
}

fn any_parcel(u: &mut Unstructured<'_>) -> Parcel {
    match u.up_to(1) {
        0 => layout_parcel(u),
        _ => Parcel::Archive(docker_recipe(u)),
    }
}

/// Merges several images of any kind with any options.
pub fn merge(bytes: &[u8]) {
    let u = &mut Unstructured::new(bytes);
    let ways = ways(u);
    let asked = asked(u);
    let parcels: Vec<Parcel> = (0..=u.up_to(2)).map(|_| any_parcel(u)).collect();
    hold(&parcels, &asked, ways);
}

fn asked(u: &mut Unstructured<'_>) -> Asked {
    let platform = |u: &mut Unstructured<'_>| {
        let known = [
            "linux/amd64",
            "linux/arm64",
            "linux/arm/v6",
            "linux/arm",
            "windows/amd64",
        ];
        u.one_of(&known).parse::<Platform>().unwrap()
    };
    let gzip = Compression::Gzip(Level::gzip(1).unwrap());
    let zstd = Compression::Zstd(Level::zstd(1).unwrap());
    let compressions = [&gzip, &zstd, &Compression::None, &Compression::Keep];
    let name = u.rarely().then(|| ImageName::new("x", "v1").unwrap());
    Asked {
        select: match u.up_to(9) {
            7 => Select::Position(u.up_to(3)),
            8 => Select::Name(u.one_of(&["v1", "x:v1", "test:0", "0"]).to_owned()),
            // Text of the user is printed unchanged.
            9 => Select::Name(u.text().replace(char::is_control, "")),
            _ => Select::All,
        },
        platform: u.rarely().then(|| platform(u)),
        set_platform: u.rarely().then(|| platform(u)),
        platforms: (0..u.up_to(6) / 5).map(|_| platform(u)).collect(),
        compression: *u.one_of(&compressions),
        docker_manifest: name.is_some() && u.up_to(1) == 1,
        name,
        annotations: (0..u.up_to(8) / 7).map(|_| (u.text(), u.text())).collect(),
        link: u.up_to(3) == 3,
        platform_check: *u.one_of(&[&CheckLevel::Warn, &CheckLevel::Error, &CheckLevel::Off]),
        consistency: *u.one_of(&[&CheckLevel::Off, &CheckLevel::Error]),
    }
}
