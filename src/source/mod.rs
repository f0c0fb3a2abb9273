//! Reads inputs: what a path holds is told by its content, never by its name.
//!
//! Directories and uncompressed archives are looked up; nothing of a layer is read before its bytes
//! are needed. A compressed archive is a stream: it is read once, from its beginning to its end, and
//! its layers are staged (and compressed anew) while they flow by.

mod archive;
mod docker_archive;
mod layout;
mod nix2container;
mod said;
mod select;
mod tree;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use crate::codec::Encoding;
use crate::error::Error;
use crate::flow::fill;
use crate::image::Image;
use crate::spec::Platform;
use crate::store::Store;
use crate::transform;
pub use said::Said;
pub use select::Select;
use tree::Tree;

/// An image as the user names it.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// Where it is; `-` is standard input.
    pub path: PathBuf,
    /// Which of the images there is meant.
    pub select: Select,
    /// What it is said to run on.
    pub platform: Option<Platform>,
    /// What its config is to say.
    pub set_platform: Option<Platform>,
}

impl Input {
    /// All that is at a path.
    pub fn path(path: PathBuf) -> Self {
        Self {
            path,
            ..Self::default()
        }
    }

    /// Whether it comes through standard input.
    pub fn is_stdin(&self) -> bool {
        self.path == Path::new("-")
    }
}

/// What an input holds.
#[derive(Debug, Default)]
pub struct Contents {
    /// Its images.
    pub images: Vec<Image>,
    /// What its image indexes say of all of them together.
    pub said: Said,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// What is wanted of an input.
struct Wanted<'a> {
    select: &'a Select,
    /// None means all.
    platforms: &'a [Platform],
}

impl Wanted<'_> {
    fn has(&self, platform: &Platform) -> bool {
        let asked = |wanted: &Platform| platform.narrowed_by(wanted).is_some();
        self.platforms.is_empty() || self.platforms.iter().any(asked)
    }
}

/// Reads what is wanted of an input and holds it against what the user says of it.
pub fn read(input: &Input, platforms: &[Platform], store: &Store) -> Result<Contents, Error> {
    let wanted = Wanted {
        select: &input.select,
        // What is to be changed is looked for under its new name.
        platforms: if input.set_platform.is_some() {
            &[]
        } else {
            platforms
        },
    };
    let mut contents = match nix2container::read(input, &wanted)? {
        Some(contents) => contents,
        None => {
            let tree = open(input, store)?;
            if tree.is_layout()? {
                // Docker 25 and later save both formats in one archive; only the layout says all.
                layout::read(&tree, &wanted)?
            } else {
                docker_archive::read(&tree, &wanted, store)?
            }
        }
    };
    if let Some(platform) = &input.set_platform {
        let image = the_only_one(&mut contents, platform, input)?;
        *image = transform::set_platform(image.clone(), platform)?;
    }
    if let Some(asserted) = &input.platform
        && !contents.images.is_empty()
    {
        let image = the_only_one(&mut contents, asserted, input)?;
        match image.platform.narrowed_by(asserted) {
            Some(platform) => image.platform = platform,
            None => {
                return Err(Error::WrongPlatform {
                    input: image.origin.to_string(),
                    asserted: asserted.to_string(),
                    found: image.platform.to_string(),
                });
            }
        }
    }
    let doubts = contents.images.iter().filter_map(doubt);
    contents.notes.extend(doubts.collect::<Vec<_>>());
    Ok(contents)
}

fn the_only_one<'a>(
    contents: &'a mut Contents,
    platform: &Platform,
    input: &Input,
) -> Result<&'a mut Image, Error> {
    let count = contents.images.len();
    match &mut contents.images[..] {
        [image] => Ok(image),
        _ => Err(Error::AssertedSeveral {
            input: input.path.display().to_string(),
            asserted: platform.to_string(),
            count,
        }),
    }
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

/// Puts together what several inputs hold. What their indexes say must not be lost, so where two
/// contradict each other, `decided` has the last word.
pub fn unite(
    contents: Vec<Contents>,
    decided: &BTreeMap<String, String>,
) -> Result<Contents, Error> {
    let mut united = Contents::default();
    for found in contents {
        united.images.extend(found.images);
        united.notes.extend(found.notes);
        united.said.add(found.said, decided, &mut united.notes)?;
    }
    Ok(united)
}

fn open(input: &Input, store: &Store) -> Result<Tree, Error> {
    let path = &input.path;
    if input.is_stdin() {
        return archive::open_stream(Path::new("standard input"), io::stdin(), store);
    }
    let metadata = path.metadata().map_err(Error::io("read", path))?;
    if metadata.is_dir() {
        return Tree::directory(path);
    }
    let mut file = File::open(path).map_err(Error::io("read", path))?;
    if !metadata.is_file() {
        return archive::open_stream(path, file, store);
    }
    let mut head = [0; 512];
    let n = fill(&mut file, &mut head).map_err(Error::io("read", path))?;
    match Encoding::sniff(&head[..n]) {
        Encoding::Plain if is_tar(&head[..n]) => archive::look_up(path, file, metadata.len()),
        _ => {
            let all = io::Cursor::new(head[..n].to_vec()).chain(file);
            archive::open_stream(path, all, store)
        }
    }
}

/// Whether this is the header of a tar entry: old (v7) archives have no magic, but all have a
/// checksum.
pub(crate) fn is_tar(head: &[u8]) -> bool {
    let Ok(block) = <[u8; 512]>::try_from(head) else {
        return false;
    };
    let header = tar::Header::from_byte_slice(&block);
    let sum: u32 = block
        .iter()
        .enumerate()
        .map(|(i, b)| u32::from(if (148..156).contains(&i) { b' ' } else { *b }))
        .sum();
    header.cksum().is_ok_and(|found| found == sum)
}

/// What a file is that is no image, in the words of its owner.
fn describe(head: &[u8]) -> &'static str {
    match head {
        [] => "an empty file",
        [b'{' | b'[', ..] => "a JSON document",
        [0x7f, b'E', b'L', b'F', ..] => "an ELF executable",
        [b'#', b'!', ..] => "a script",
        [0xfd, b'7', b'z', b'X', b'Z', ..] => "an xz-compressed file",
        [b'B', b'Z', b'h', ..] => "a bzip2-compressed file",
        [b'P', b'K', 3, 4, ..] => "a zip archive",
        _ if head.iter().all(|b| *b == 0) => "only zeros",
        _ => "a file of another format",
    }
}

/// The head of a file, its encoding, and its stream from the first byte on.
fn sniff<R: Read>(mut input: R) -> io::Result<(Vec<u8>, Encoding, impl Read + use<R>)> {
    let mut head = vec![0; 512];
    let n = fill(&mut input, &mut head)?;
    head.truncate(n);
    let encoding = Encoding::sniff(&head);
    let stream = Cursor::new(head.clone()).chain(input);
    Ok((head, encoding, stream))
}
