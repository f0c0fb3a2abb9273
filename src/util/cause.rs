//! Finds the typed cause of an error, however deep it is wrapped.

use std::error::Error;
use std::io;
use std::sync::Arc;

/// Returns the first error of type `T` among `error` and its causes. Readers wrap errors in
/// [`io::Error`], whose `source` leaves out the very error that it wraps.
pub fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let io_error = match error.downcast_ref::<Arc<io::Error>>() {
            Some(shared) => Some(&**shared),
            None => error.downcast_ref(),
        };
        let wrapped = io_error.and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use super::find;

    #[derive(Debug, thiserror::Error)]
    #[error("inner")]
    struct Innermost;

    #[derive(Debug, thiserror::Error)]
    #[error("outer: {source}")]
    struct Outer {
        source: io::Error,
    }

    #[test]
    fn causes_are_found_through_io_errors_and_sources() {
        let shared = Arc::new(io::Error::other(Innermost));
        let outer = io::Error::other(Outer {
            source: io::Error::other(io::Error::other(shared)),
        });
        assert!(find::<Outer>(&outer).is_some());
        assert!(find::<Innermost>(&outer).is_some());
        assert!(find::<Innermost>(&io::Error::other("inner")).is_none());
    }
}
