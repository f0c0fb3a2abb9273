//! Limits on the output and the memory of decoders.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use zstd::zstd_safe;

use crate::error::DecodeError;

/// The bytes that any stream may expand to. A layer of only zeros is legal: a disk image, a `lastlog`.
const UNCONDITIONAL: u64 = 8 << 30;

/// The number of bytes that one byte may expand to in a stream that exceeds [`UNCONDITIONAL`]. It is the
/// maximum of deflate (zlib's "Technical Details", "Maximum Compression Factor"), so gzip never exceeds
/// it; zstd can expand one byte to 32,768, so that decoding a file of a gigabyte would take days.
const MAX_FACTOR: u64 = 1032;

/// A reader that counts what a decoder reads.
pub struct EncodedInput<R> {
    input: R,
    read: Rc<Cell<u64>>,
}

/// A decoder that fails when its input expands too much.
pub struct BoundedDecoder<D> {
    decoder: D,
    read: Rc<Cell<u64>>,
    decoded: u64,
}

impl<D> BoundedDecoder<D> {
    /// Starts the decoder that `open` makes for `input`.
    pub fn start<R: Read>(
        input: R,
        open: impl FnOnce(EncodedInput<R>) -> io::Result<D>,
    ) -> io::Result<Self> {
        let read = Rc::new(Cell::new(0));
        let input = EncodedInput {
            input,
            read: read.clone(),
        };
        Ok(Self {
            decoder: open(input)?,
            read,
            decoded: 0,
        })
    }
}

impl<R: Read> Read for EncodedInput<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buf)?;
        self.read.set(self.read.get() + n as u64);
        Ok(n)
    }
}

impl<D: Read> Read for BoundedDecoder<D> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.decoder.read(buf).map_err(typed)?;
        self.decoded += n as u64;
        if self.decoded > UNCONDITIONAL && self.decoded / MAX_FACTOR > self.read.get() {
            return Err(io::Error::other(DecodeError::ExpandsTooMuch {
                gib: UNCONDITIONAL >> 30,
                factor: MAX_FACTOR,
            }));
        }
        Ok(n)
    }
}

/// Returns the error of a decoder as a [`DecodeError`], if it is one. The zstd crate passes on only the
/// name of zstd's error code.
fn typed(error: io::Error) -> io::Error {
    /// `ZSTD_error_frameParameter_windowTooLarge` (zstd_errors.h, stable since 1.3.1).
    const WINDOW_TOO_LARGE: usize = 16;
    let name = zstd_safe::get_error_name(WINDOW_TOO_LARGE.wrapping_neg());
    match error.kind() {
        io::ErrorKind::Other if error.to_string() == name => {
            io::Error::other(DecodeError::WindowTooLarge)
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};

    use crate::bytes::codec::Encoding;
    use crate::error::DecodeError;
    use crate::util::cause;

    #[test]
    fn a_zstd_window_of_two_gigabytes_is_refused_by_type() {
        // RFC 8878, section 3.1.1: magic number, no single segment, a window of 2 GiB; an empty block.
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 1, 0, 0];
        let mut decoder = Encoding::Zstd.decode(&frame[..]).unwrap();
        let error = decoder.read(&mut [0; 8]).unwrap_err();
        let found = cause::find(&error);
        assert!(
            matches!(found, Some(DecodeError::WindowTooLarge)),
            "{error}"
        );
    }

    #[test]
    fn damage_is_not_reported_as_a_limit() {
        let mut decoder = Encoding::Zstd
            .decode(&[0x28, 0xb5, 0x2f, 0xfd, 0xff][..])
            .unwrap();
        let error = io::copy(&mut decoder, &mut io::sink()).unwrap_err();
        assert!(cause::find::<DecodeError>(&error).is_none(), "{error}");
    }
}
