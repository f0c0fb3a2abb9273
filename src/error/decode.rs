//! Why a stream that may be intact is not decoded. The decoders of `bytes::codec` report it.

/// A limit that a compressed stream exceeds. It is wrapped in [`io::Error`](std::io::Error);
/// `util::cause` finds it again.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A decompression bomb.
    #[error("it expands to more than {gib} GiB and to more than {factor} times its size")]
    ExpandsTooMuch { gib: u64, factor: u64 },

    /// A zstd frame with a window of more than 128 MiB (`zstd --long=28` and above), which decoders
    /// refuse unless told otherwise.
    #[error("Frame requires too much memory for decoding")]
    WindowTooLarge,
}
