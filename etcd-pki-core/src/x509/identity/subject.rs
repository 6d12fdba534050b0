//! Encodes and reads the subject of a certificate, an X.501 name.

use der::asn1::{Any, ObjectIdentifier, Utf8StringRef};
use x509_cert::name::Name;

use crate::der_writer::{self, SEQUENCE, SET, UTF8_STRING};

/// More bytes than most names need
const USUAL_LENGTH: usize = 128;

pub(crate) const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
pub(crate) const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");

/// The name `O=organization, CN=common name` in DER, each part a UTF8String (RFC 5280, section
/// 4.1.2.4).
///
/// The more general part comes first. RFC 4514 writes a name backwards, so its text begins with the
/// common name.
pub(crate) fn subject(common_name: Option<&str>, organization: Option<&str>) -> Vec<u8> {
    let parts = [(ORGANIZATION, organization), (COMMON_NAME, common_name)];
    let mut der = Vec::with_capacity(USUAL_LENGTH);
    der_writer::nest(&mut der, SEQUENCE, |der| {
        for (oid, value) in parts {
            let Some(value) = value else { continue };
            der_writer::nest(der, SET, |der| {
                der_writer::nest(der, SEQUENCE, |der| {
                    der_writer::push_oid(der, oid);
                    der_writer::push(der, UTF8_STRING, value.as_bytes());
                });
            });
        }
    });
    der
}

/// The parts of a name in order: the kind and the text. A part of an unknown string type is shown
/// in hexadecimal.
pub(crate) fn attributes(name: &Name) -> impl Iterator<Item = (ObjectIdentifier, String)> + '_ {
    name.iter().map(|part| (part.oid, text(&part.value)))
}

fn text(value: &Any) -> String {
    use der::asn1::{BmpString, Ia5StringRef, PrintableStringRef, TeletexStringRef};
    if let Ok(text) = value.decode_as::<Utf8StringRef<'_>>() {
        text.as_str().to_owned()
    } else if let Ok(text) = value.decode_as::<PrintableStringRef<'_>>() {
        text.as_str().to_owned()
    } else if let Ok(text) = value.decode_as::<Ia5StringRef<'_>>() {
        text.as_str().to_owned()
    } else if let Ok(text) = value.decode_as::<TeletexStringRef<'_>>() {
        text.as_str().to_owned()
    } else if let Ok(text) = value.decode_as::<BmpString>() {
        text.to_string()
    } else {
        format!("#{}", crate::text::upper_hex(value.value()))
    }
}
