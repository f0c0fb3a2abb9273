//! A reader that knows the owner of its bytes: the blob or file to name in errors.
//!
//! The caller gets digests only by reading to the end, which consumes the reader: no unverified bytes can
//! be used.

use std::io::{self, Read, Write};
use std::path::Path;

use crate::bytes::codec::{BlockWriter, Encoder, Encoding};
use crate::bytes::copy::{CopyError, copy};
use crate::bytes::hashing::{Algorithms, Digests};
use crate::bytes::observers::LayerObserver;
use crate::error::{Error, Subject};

/// The owner of bytes: it names them in errors, and knows which digests they must have.
pub trait Verify {
    /// Returns the error for bytes that cannot be read or decoded.
    fn unreadable(&self, problem: io::Error) -> Error;

    /// Compares the digests of the bytes with the expected ones.
    fn verify(&self, found: &Digests) -> Result<(), Error>;
}

/// Bytes whose digest no document names.
impl Verify for Subject {
    fn unreadable(&self, problem: io::Error) -> Error {
        Error::unreadable(self)(problem)
    }

    fn verify(&self, _: &Digests) -> Result<(), Error> {
        Ok(())
    }
}

/// Bytes that are read to their end and verified.
#[must_use = "bytes are verified by reading them to their end"]
pub struct VerifiedReader<'a> {
    /// The bytes, from the first one on.
    pub bytes: Box<dyn Read + 'a>,
    /// How they are encoded.
    pub encoding: Encoding,
    /// The algorithms of the digests that they must have.
    pub algorithms: Algorithms,
    /// Reads the decoded bytes on the way.
    pub observer: Option<&'a dyn LayerObserver>,
    /// The owner of the bytes.
    pub owner: &'a dyn Verify,
}

impl VerifiedReader<'_> {
    /// Reads and verifies the bytes without keeping them.
    pub fn read(self) -> Result<Digests, Error> {
        // Nothing is written, so no output can fail.
        self.copy_to(&mut io::sink(), Path::new(""))
    }

    /// Copies the bytes to `output`, which is the file at `path`.
    pub fn copy_to(mut self, output: &mut impl Write, path: &Path) -> Result<Digests, Error> {
        let copied = self.copy(output, &mut io::sink());
        self.conclude(copied, path)
    }

    /// Decodes the bytes, and encodes them to `output`, which is the file at `path`.
    pub fn encode_to(
        mut self,
        encoder: &Encoder,
        output: &mut impl Write,
        path: &Path,
    ) -> Result<Digests, Error> {
        let mut blocks = BlockWriter::new(encoder, output);
        let copied = self.copy(&mut io::sink(), &mut blocks).and_then(|digests| {
            blocks.finish().map_err(CopyError::Write)?;
            Ok(digests)
        });
        self.conclude(copied, path)
    }

    fn copy(
        &mut self,
        as_is: &mut impl Write,
        decoded: &mut impl Write,
    ) -> Result<Digests, CopyError> {
        copy(
            &mut self.bytes,
            self.encoding,
            self.algorithms,
            as_is,
            decoded,
            self.observer,
        )
    }

    /// Decides which error to report: the input cannot be read, the output cannot be written, or the bytes
    /// have the wrong digest.
    fn conclude(&self, copied: Result<Digests, CopyError>, path: &Path) -> Result<Digests, Error> {
        match copied {
            Ok(digests) => self.owner.verify(&digests).map(|()| digests),
            Err(CopyError::Read(problem)) => Err(self.owner.unreadable(problem)),
            Err(CopyError::Write(problem)) => Err(Error::io("write", path)(problem)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::codec::{Compression, Level};
    use crate::error::{InputName, Problem};

    /// An owner whose bytes never have the promised digest.
    struct WrongDigest(Subject);

    impl Verify for WrongDigest {
        fn unreadable(&self, problem: io::Error) -> Error {
            self.0.unreadable(problem)
        }

        fn verify(&self, _: &Digests) -> Result<(), Error> {
            Err(Error::new(&self.0, Problem::NoImage))
        }
    }

    /// A reader and a writer that fail after some bytes.
    struct FailsAfter(usize);

    impl FailsAfter {
        fn pass(&mut self, n: usize) -> io::Result<usize> {
            self.0 = self.0.checked_sub(n).ok_or(io::ErrorKind::Other)?;
            Ok(n)
        }
    }

    impl Read for FailsAfter {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let n = buf.len().min(100);
            buf[..n].fill(0);
            self.pass(n)
        }
    }

    impl Write for FailsAfter {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            self.pass(buf.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn owner() -> WrongDigest {
        WrongDigest(Subject::from(InputName::Stdin))
    }

    fn reader(bytes: impl Read + 'static, owner: &WrongDigest) -> VerifiedReader<'_> {
        VerifiedReader {
            bytes: Box::new(bytes),
            encoding: Encoding::Plain,
            algorithms: Algorithms::SHA256,
            observer: None,
            owner,
        }
    }

    const OUTPUT: &str = "output";

    fn is_about_output(error: &Error) -> bool {
        error.subject().input == Some(InputName::from(Path::new(OUTPUT)))
            && matches!(error.problem(), Problem::Io { .. })
    }

    #[test]
    fn an_input_that_cannot_be_read_is_named() {
        let owner = owner();
        let copied = reader(FailsAfter(1000), &owner).copy_to(&mut io::sink(), OUTPUT.as_ref());
        let error = copied.unwrap_err();
        assert_eq!(*error.subject(), owner.0);
        assert!(matches!(error.problem(), Problem::Unreadable { .. }));
    }

    #[test]
    fn an_output_that_cannot_be_written_is_named() {
        let owner = owner();
        let bytes = io::repeat(0).take(1000);
        let copied = reader(bytes, &owner).copy_to(&mut FailsAfter(10), OUTPUT.as_ref());
        assert!(is_about_output(&copied.unwrap_err()));
    }

    #[test]
    fn an_output_that_fails_on_the_last_block_is_named_before_a_wrong_digest() {
        let encoder = Encoder::new(1, Compression::Gzip(Level::GZIP_DEFAULT));
        let owner = owner();
        let bytes = io::repeat(0).take(1000);
        let output = &mut FailsAfter(10);
        let copied = reader(bytes, &owner).encode_to(&encoder, output, OUTPUT.as_ref());
        assert!(is_about_output(&copied.unwrap_err()));
    }

    #[test]
    fn a_wrong_digest_is_found_after_all_bytes_were_read() {
        let owner = owner();
        let mut output = Vec::new();
        let bytes = io::repeat(7).take(1000);
        let copied = reader(bytes, &owner).copy_to(&mut output, OUTPUT.as_ref());
        assert!(matches!(copied.unwrap_err().problem(), Problem::NoImage));
        assert_eq!(output.len(), 1000);
    }
}
