//! Hashes of values that the core compares and does not hash.

/// Implements Python's hash for a class around a value. It hashes the `Debug` text, which is the
/// same for equal values.
macro_rules! hash_by_debug {
    ($class:ty) => {
        impl std::hash::Hash for $class {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                format!("{:?}", self.0).hash(state);
            }
        }
    };
}

pub(crate) use hash_by_debug;
