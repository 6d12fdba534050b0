//! The subject of a certificate as an X.501 name.

use der::{
    Encode as _,
    asn1::{Any, ObjectIdentifier, Utf8StringRef},
};
use x509_cert::{
    attr::AttributeTypeAndValue,
    name::{Name, RdnSequence, RelativeDistinguishedName},
};

use crate::error::{Error, Result};

pub(crate) const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
pub(crate) const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");

/// The name `O=organization, CN=common name` in DER, each part a UTF8String (RFC 5280, section 4.1.2.4).
///
/// The more general part comes first, so that RFC 4514, which writes a name backwards, begins with the common name.
pub(crate) fn subject(common_name: Option<&str>, organization: Option<&str>) -> Result<Vec<u8>> {
    let parts = [(ORGANIZATION, organization), (COMMON_NAME, common_name)];
    let encode = || -> der::Result<Vec<u8>> {
        let mut name = RdnSequence::default();
        for (oid, value) in parts {
            let Some(value) = value else { continue };
            let value = Any::encode_from(&Utf8StringRef::new(value)?)?;
            let part = vec![AttributeTypeAndValue { oid, value }];
            name.push(RelativeDistinguishedName::try_from(part)?);
        }
        name.to_der()
    };
    encode().map_err(|error| Error::malformed("subject", error))
}

/// The parts of a name in their order: what kind, and its text. A part in no known string type is shown in hexadecimal.
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
        format!("#{}", crate::hex::upper(value.value()))
    }
}
