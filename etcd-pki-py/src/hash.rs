//! Hashes of values that the core compares and does not hash.

/// Lets Python hash a class around a value. Equal values look alike in `Debug`, so what that writes
/// will do.
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
