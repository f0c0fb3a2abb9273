//! Reads inputs: what a path holds is told by its content, never by its name.
//!
//! Directories and uncompressed archives are looked up; nothing of a layer is read before its bytes
//! are needed. A compressed archive is a stream: it is read once, from its beginning to its end, and
//! its layers are staged (and compressed anew) while they flow by.

mod archive;
mod docker_archive;
mod layout;
mod nix2container;
mod tree;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;

use crate::codec::Encoding;
use crate::error::Error;
use crate::image::Image;
use crate::spec::{INDEX_FILE, LAYOUT_FILE, Platform};
use crate::store::Store;
use tree::Tree;

/// An image as the user names it.
#[derive(Clone, Debug)]
pub struct Input {
    /// Where it is.
    pub path: PathBuf,
    /// What it is said to run on.
    pub platform: Option<Platform>,
}

/// What an input holds.
#[derive(Debug)]
pub struct Contents {
    /// Its images.
    pub images: Vec<Image>,
    /// What its image indexes say of all of them together.
    pub annotations: BTreeMap<String, String>,
}

/// Reads an input and holds it against what the user says of it.
pub fn read(input: &Input, store: &Store) -> Result<Contents, Error> {
    let mut contents = match nix2container::read(&input.path)? {
        Some(contents) => contents,
        None => read_tree(&open(input, store)?, store)?,
    };
    if let Some(asserted) = &input.platform {
        assert_platform(&mut contents, asserted, input)?;
    }
    Ok(contents)
}

fn read_tree(tree: &Tree, store: &Store) -> Result<Contents, Error> {
    if tree.has(LAYOUT_FILE)? || tree.has(INDEX_FILE)? {
        // Docker 25 and later save both formats in one archive; only the layout says all.
        layout::read(tree, store)
    } else {
        docker_archive::read(tree, store)
    }
}

/// Puts together what several inputs hold. What their indexes say must not be lost, so where two
/// contradict each other, `decided` must have the last word.
pub fn unite(
    contents: Vec<Contents>,
    decided: &BTreeMap<String, String>,
) -> Result<(Vec<Image>, BTreeMap<String, String>), Error> {
    let mut images = Vec::new();
    let mut annotations = BTreeMap::<String, String>::new();
    for found in contents {
        for (key, value) in found.annotations {
            match annotations.get(&key) {
                Some(kept) if *kept != value && !decided.contains_key(&key) => {
                    let mut values = [kept.clone(), value];
                    values.sort();
                    let [first, second] = values;
                    return Err(Error::ConflictingAnnotation { key, first, second });
                }
                _ => annotations.insert(key, value),
            };
        }
        images.extend(found.images);
    }
    Ok((images, annotations))
}

fn open(input: &Input, store: &Store) -> Result<Tree, Error> {
    let path = &input.path;
    let metadata = path.metadata().map_err(Error::io("read", path))?;
    if metadata.is_dir() {
        return Tree::directory(path);
    }
    let mut file = File::open(path).map_err(Error::io("read", path))?;
    let mut head = [0; 512];
    let n = read_head(&mut file, &mut head).map_err(Error::io("read", path))?;
    let head = &head[..n];
    let encoding = Encoding::sniff(head);
    if encoding == Encoding::Plain && !is_tar(head) {
        return Err(Error::NotAnImage {
            input: path.display().to_string(),
            found: describe(head).to_owned(),
            hint: None,
        });
    }
    if encoding == Encoding::Plain && metadata.is_file() {
        return archive::look_up(path, file, metadata.len());
    }
    archive::read_stream(path, head.chain(file), encoding, store)
}

fn assert_platform(
    contents: &mut Contents,
    asserted: &Platform,
    input: &Input,
) -> Result<(), Error> {
    let [image] = &mut contents.images[..] else {
        return Err(Error::AssertedSeveral {
            input: input.path.display().to_string(),
            asserted: asserted.to_string(),
            count: contents.images.len(),
        });
    };
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
    Ok(())
}

/// Reads the start of a stream; short only where the stream is.
fn read_head(input: &mut impl Read, head: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    while n < head.len() {
        match input.read(&mut head[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(n)
}

/// Whether this is the header of a tar entry: old (v7) archives have no magic, but all have a
/// checksum.
fn is_tar(head: &[u8]) -> bool {
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
    let n = read_head(&mut input, &mut head)?;
    head.truncate(n);
    let encoding = Encoding::sniff(&head);
    let stream = Cursor::new(head.clone()).chain(input);
    Ok((head, encoding, stream))
}
