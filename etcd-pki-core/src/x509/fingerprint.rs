//! Represents the fingerprint of a certificate, which users compare.

use std::{fmt, str::FromStr};

use crate::{
    error::{Error, Result},
    x509::certificate::Certificate,
};

/// SHA-256 of a certificate. It identifies the CA that a host may trust.
///
/// It can be read in the usual forms: with or without colons or blanks, in upper or lower case, and
/// after `SHA-256`, `sha256:` or openssl's `sha256 Fingerprint=`.
///
/// ```
/// use etcd_pki_core::{CertificateAuthority, x509::Fingerprint};
///
/// let ca = CertificateAuthority::create("etcd-ca")?;
/// let shown = ca.certificate().fingerprint_sha256();
/// let fingerprint: Fingerprint = format!("sha256:{}", shown.to_lowercase()).parse()?;
/// assert_eq!(fingerprint, Fingerprint::of(ca.certificate()));
/// assert_eq!(fingerprint.to_string(), shown);
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(String);

/// The hexadecimal digits of SHA-256
const DIGITS: usize = 64;

impl Fingerprint {
    /// The fingerprint of a certificate.
    #[must_use]
    pub fn of(certificate: &Certificate) -> Self {
        Self(certificate.fingerprint_sha256())
    }
}

impl FromStr for Fingerprint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let malformed = |reason: String| Error::malformed("SHA-256 fingerprint", reason);
        let mut digits = String::with_capacity(DIGITS);
        for character in without_name(text).chars() {
            match character {
                ':' => {}
                character if character.is_ascii_whitespace() => {}
                digit if digit.is_ascii_hexdigit() => digits.push(digit.to_ascii_uppercase()),
                other => return Err(malformed(format!("{other:?} is no hexadecimal digit"))),
            }
        }
        match digits.len() {
            DIGITS => Ok(Self(digits)),
            other => Err(malformed(format!(
                "it has {other} digits, and SHA-256 has {DIGITS}"
            ))),
        }
    }
}

impl fmt::Display for Fingerprint {
    /// Writes upper-case hexadecimal without colons, as `etcd-pki ca show` does
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The text without the name of the hash before it.
fn without_name(text: &str) -> &str {
    let text = text.trim();
    // openssl x509 -fingerprint prints `sha256 Fingerprint=AB:CD`
    let text = text.rsplit_once('=').map_or(text, |(name, digits)| {
        match name.to_ascii_lowercase().contains("256") {
            true => digits,
            false => text,
        }
    });
    for name in ["sha256", "sha-256"] {
        if let Some((start, rest)) = text.split_at_checked(name.len())
            && start.eq_ignore_ascii_case(name)
        {
            return rest;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "0A3E2404DA1D8147139E93CC6A4747E755F6E5BAE4B5D27D328349C7DA009F85";

    #[test]
    fn usual_spellings_are_one_fingerprint() {
        let pairs: Vec<&str> = (0..32).map(|at| &PLAIN[2 * at..2 * at + 2]).collect();
        let (colons, blanks) = (pairs.join(":"), pairs.join(" "));
        for text in [
            PLAIN.to_owned(),
            PLAIN.to_lowercase(),
            colons.clone(),
            colons.to_lowercase(),
            blanks,
            format!("sha256:{PLAIN}"),
            format!("SHA256:{colons}"),
            format!("SHA-256 {PLAIN}"),
            format!("sha256 Fingerprint={colons}"),
            format!("SHA256 Fingerprint={colons}\n"),
            format!(" {PLAIN} "),
        ] {
            let read: Fingerprint = text.parse().unwrap();
            assert_eq!(read.to_string(), PLAIN, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_fingerprint_is_refused() {
        for (text, reason) in [
            ("", "it has 0 digits"),
            (&PLAIN[1..], "it has 63 digits"),
            (
                "da39a3ee5e6b4b0d3255bfef95601890afd80709",
                "it has 40 digits",
            ),
            ("sha256:", "it has 0 digits"),
            (&PLAIN.replace('0', "g"), "'g' is no hexadecimal digit"),
            (
                &format!("SHA1 Fingerprint={PLAIN}"),
                "'S' is no hexadecimal digit",
            ),
            (&PLAIN.replace('0', "é"), "is no hexadecimal digit"),
            (&format!("{PLAIN}{PLAIN}"), "it has 128 digits"),
        ] {
            let error = text.parse::<Fingerprint>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
    }
}
