//! Helpers that the command and the Python package share with the library. They are not part of the
//! public API and can change in every release.

#[cfg(feature = "store")]
pub use crate::inspect::{
    place::{certificates_of_key, key_path_of, peer_port_of},
    replacement::{Replacement, replacement},
};
#[cfg(feature = "store")]
pub use crate::store::{
    READ_LIMIT, has_further_names, read_ca, read_ca_to_renew, read_file, read_private_key,
    read_regular_file, write_files, write_files_with,
};
pub use crate::{
    text::printable,
    time::clock::{check_clock, parse_rfc3339, rfc3339},
};
