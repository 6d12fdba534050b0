//! Contains the table of all findings.

use super::{
    Finding,
    severity::Severity::{self, Critical, Unknown, Warning},
};

/// One row of the table of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The code, which never changes: `EP001`
    pub code: &'static str,
    /// The name of the kind, in snake case
    pub kind: &'static str,
    /// The usual severity
    pub severity: Severity,
    /// The names of its facts, in the order of [`Facts`](super::Facts)
    pub facts: &'static [&'static str],
    /// The meaning of the code
    pub meaning: &'static str,
    /// The way to fix it
    pub fix: &'static str,
}

const fn entry(
    code: &'static str,
    kind: &'static str,
    severity: Severity,
    facts: &'static [&'static str],
    meaning: &'static str,
    fix: &'static str,
) -> Entry {
    Entry {
        code,
        kind,
        severity,
        facts,
        meaning,
        fix,
    }
}

/// The codes EP055 to EP057 are reserved
const RESERVED: usize = 3;

impl Finding {
    /// The table of all findings, in the order of their codes.
    pub const TABLE: [Entry; 58] = [
        entry(
            "EP001",
            "expired",
            Critical,
            &["subject", "not_after"],
            "the certificate expired",
            "renew it: `etcd-pki cert renew`, for a CA `etcd-pki ca renew`",
        ),
        entry(
            "EP002",
            "expires",
            Critical,
            &["not_after", "days", "reason"],
            "the certificate expires within the critical threshold",
            "renew it now: `etcd-pki cert renew`, for a CA `etcd-pki ca renew`",
        ),
        entry(
            "EP003",
            "expires",
            Warning,
            &["not_after", "days", "reason"],
            "the certificate expires within the warning threshold, or is due for renewal",
            "renew it: `etcd-pki cert renew`, for a CA `etcd-pki ca renew`",
        ),
        entry(
            "EP004",
            "not_yet_valid",
            Critical,
            &["subject", "not_before"],
            "the certificate is not valid yet",
            "compare the clock of this host with that of the host that signed it",
        ),
        entry(
            "EP005",
            "key_mismatch",
            Critical,
            &["path"],
            "the private key does not match the certificate, and etcd does not start",
            "bring back the key of this certificate, or issue a new pair",
        ),
        entry(
            "EP006",
            "key_readable",
            Critical,
            &["path", "current", "desired"],
            "everyone on the host can read a private key",
            "chmod o-rwx the key, and issue a new pair if others may have read it",
        ),
        entry(
            "EP007",
            "other_ca",
            Warning,
            &["target", "subject"],
            "no trusted CA signed the certificate",
            "bring back the CA that signed it, or issue a new certificate",
        ),
        entry(
            "EP008",
            "no_key_usage",
            Warning,
            &[],
            "the CA has no keyUsage: Python 3.13 and openssl -x509_strict refuse what it signs",
            "renew the CA with the same key: `etcd-pki ca renew`",
        ),
        entry(
            "EP009",
            "outlives_ca",
            Warning,
            &["target", "not_after"],
            "the CA expires before the certificate that it signed",
            "renew the CA before it expires: `etcd-pki ca renew`",
        ),
        entry(
            "EP010",
            "member_without_client_auth",
            Warning,
            &[],
            "a member cannot connect to its peers and its own gRPC gateway",
            "issue a certificate with serverAuth and clientAuth",
        ),
        entry(
            "EP011",
            "client_without_names",
            Warning,
            &[],
            "etcd's peer port accepts this client as a member",
            "issue a certificate with the address 0.0.0.0, or give peers a CA of their own",
        ),
        entry(
            "EP012",
            "unreadable",
            Unknown,
            &["reason"],
            "a file is damaged, is not what etcd reads, or cannot be read",
            "restore the file, or run the command as its owner",
        ),
        entry(
            "EP013",
            "no_certificate",
            Unknown,
            &[],
            "a path has no certificate",
            "name the files or the directory of the certificates",
        ),
        entry(
            "EP014",
            "ca_key",
            Critical,
            &["target"],
            "the key of a leaf certificate is the key of a CA",
            "move the key away if it is the only copy, and issue a new pair with a key of its own",
        ),
        entry(
            "EP015",
            "writable",
            Critical,
            &["path", "current", "desired"],
            "everyone on the host, or a group of users, can replace a certificate",
            "chmod o-w, or g-w for a directory that a group can write",
        ),
        entry(
            "EP016",
            "missing_certificate",
            Warning,
            &[],
            "a private key has no certificate: it is lost, or was requested and is not signed yet",
            "issue a certificate for the key, or remove the key",
        ),
        entry(
            "EP017",
            "missing_key",
            Warning,
            &[],
            "a certificate has no private key",
            "issue a new pair",
        ),
        entry(
            "EP018",
            "blocked",
            Warning,
            &["path", "reason"],
            "etcd-pki never replaces what is at this path",
            "move it away, run the command as its owner, or replace the pair with a new key",
        ),
        entry(
            "EP019",
            "symbolic_link",
            Warning,
            &["path", "target"],
            "a file that must be written is a symbolic link to another file of the directory",
            "remove the link, or allow its replacement",
        ),
        entry(
            "EP020",
            "mode",
            Warning,
            &["path", "current", "desired"],
            "a file does not have the mode of the specification",
            "apply the specification",
        ),
        entry(
            "EP021",
            "owner",
            Warning,
            &["path"],
            "a file does not belong to the user and group of the specification",
            "apply the specification as root",
        ),
        entry(
            "EP022",
            "algorithm",
            Warning,
            &["current", "desired"],
            "the key does not have the algorithm of the specification",
            "apply the specification: it makes a new key",
        ),
        entry(
            "EP023",
            "common_name",
            Warning,
            &["current", "desired"],
            "the common name is not that of the specification",
            "apply the specification",
        ),
        entry(
            "EP024",
            "organization",
            Warning,
            &["current", "desired"],
            "the organization is not that of the specification",
            "apply the specification",
        ),
        entry(
            "EP025",
            "missing_name",
            Warning,
            &["name"],
            "a name or an address of the specification is missing",
            "apply the specification",
        ),
        entry(
            "EP026",
            "extra_name",
            Warning,
            &["name"],
            "a name or an address is not in the specification",
            "apply the specification",
        ),
        entry(
            "EP027",
            "usages",
            Warning,
            &["current", "desired"],
            "the usages are not those of the role",
            "apply the specification",
        ),
        entry(
            "EP028",
            "shared_key",
            Warning,
            &[],
            "another pair has the same key",
            "replace these keys: `etcd-pki apply --rekey`; or remove a key that is a copy",
        ),
        entry(
            "EP029",
            "earlier_ca_certificate",
            Warning,
            &[],
            "the certificate names an earlier certificate of its CA: OpenSSL and GnuTLS refuse it",
            "renew the certificate",
        ),
        entry(
            "EP030",
            "not_supported",
            Unknown,
            &["subject", "reason"],
            "etcd-pki cannot judge it; etcd may accept it",
            "check it with openssl, or use a key of a supported algorithm",
        ),
        entry(
            "EP031",
            "signature",
            Critical,
            &["subject", "reason"],
            "a signature in the chain is not valid",
            "find the certificate of the CA that signed it; issue it again if it is signed with SHA-1",
        ),
        entry(
            "EP032",
            "not_ca",
            Critical,
            &["subject", "reason"],
            "a certificate in the chain must not sign certificates",
            "trust the certificate of the CA itself",
        ),
        entry(
            "EP033",
            "path_too_long",
            Critical,
            &["subject", "desired"],
            "a CA has more CAs below it than its path length allows",
            "sign with a CA that is nearer to the root, or renew the CA with a longer path",
        ),
        entry(
            "EP034",
            "name_constraint",
            Critical,
            &["subject", "name"],
            "a CA's name constraints exclude a name of the certificate",
            "leave the name out, or sign with another CA",
        ),
        entry(
            "EP035",
            "unknown_extension",
            Critical,
            &["subject", "name"],
            "a certificate has a critical extension that Go does not know",
            "issue a certificate without it, or sign with another CA",
        ),
        entry(
            "EP036",
            "malformed",
            Critical,
            &["subject", "reason"],
            "Go does not read the certificate",
            "issue a new certificate",
        ),
        entry(
            "EP037",
            "usage",
            Critical,
            &["subject", "current", "desired"],
            "a certificate in the chain does not allow a usage",
            "issue a certificate for the role, or sign with a CA that allows the usage",
        ),
        entry(
            "EP038",
            "wrong_host",
            Critical,
            &["name", "current"],
            "the certificate does not have the name or address of the host",
            "issue a certificate with that name or address",
        ),
        entry(
            "EP039",
            "strict",
            Warning,
            &["subject", "reason"],
            "RFC 5280 forbids it; Go accepts it, and strict verifiers do not",
            "issue a new certificate, or renew the CA",
        ),
        entry(
            "EP040",
            "too_many_constraints",
            Critical,
            &["subject"],
            "a CA has too many name constraints for Go",
            "issue a certificate with fewer names, or renew the CA with fewer constraints",
        ),
        entry(
            "EP041",
            "not_read_by_etcd",
            Critical,
            &["path", "reason"],
            "etcd does not read a file: it does not start, or refuses every connection",
            "store what the file holds as PEM that etcd reads, or issue it again",
        ),
        entry(
            "EP042",
            "skipped_blocks",
            Warning,
            &["path", "reason"],
            "etcd skips blocks of a file without an error",
            "put each BEGIN and END line on a line of its own, or remove the block",
        ),
        entry(
            "EP043",
            "issued_by_another_ca",
            Warning,
            &["subject"],
            "a CA must be renewed, and another CA issued its certificate",
            "let the issuer sign a request: `etcd-pki ca renew --csr FILE` writes it",
        ),
        entry(
            "EP044",
            "client_with_names",
            Warning,
            &["current"],
            "etcd's peer port accepts this client or node as a member from its own names and addresses",
            "give peers a CA of their own (ca.peers: separate), or issue a certificate without names",
        ),
        entry(
            "EP045",
            "due_too_early",
            Warning,
            &["days", "reason"],
            "a certificate is renewed later than requested, so that not every run renews it",
            "request at most a third of its life, such as 30d or 33%",
        ),
        entry(
            "EP046",
            "untrusted_ca",
            Warning,
            &["path", "subject", "current"],
            "a CA certificate arrived in an exchange directory, and nothing of that CA is trusted here",
            "compare its SHA-256 with that of `etcd-pki ca show` where the CA is, and trust that one",
        ),
        entry(
            "EP047",
            "empty_file",
            Critical,
            &["path", "reason"],
            "a file of a pair is empty or has only zero bytes, as a full disk or a crash leaves it",
            "restore the file, or issue a new pair",
        ),
        entry(
            "EP048",
            "misplaced",
            Critical,
            &["path", "current", "desired"],
            "a file has a key where a certificate should be, or a certificate instead of a key",
            "exchange the two files if they are swapped, or restore the right one",
        ),
        entry(
            "EP049",
            "member_without_names",
            Critical,
            &[],
            "a member's certificate has no DNS name and no address, so no client accepts it",
            "issue a certificate with the member's names and addresses",
        ),
        entry(
            "EP050",
            "address_as_dns_name",
            Warning,
            &["name"],
            "an address is a DNS name of the certificate, and Go does not accept it for that address",
            "issue a certificate with it as an address: `IP:`, not `DNS:`",
        ),
        entry(
            "EP051",
            "key_owner",
            Warning,
            &["path", "name"],
            "a private key belongs to a user who may not own it, and etcd-pki does not use it",
            "chown the key if you know where it comes from; else remove it and issue a new pair",
        ),
        entry(
            "EP052",
            "ca_key_owner",
            Warning,
            &["path", "name"],
            "the key of a CA belongs to an unprivileged user, who can sign certificates",
            "chown the key to root, or keep it on another machine",
        ),
        entry(
            "EP053",
            "signed_by_other_ca",
            Warning,
            &["target", "subject"],
            "another CA of the directory than the cluster's own signed the certificate",
            "renew it with the CA that signed it, or move its files away so that a new pair is issued",
        ),
        entry(
            "EP054",
            "ca_owner",
            Warning,
            &["path", "name"],
            "the file of a CA's certificates belongs to a user who can exchange what is trusted",
            "compare the fingerprints with those of the CA, and chown the file to root",
        ),
        entry(
            "EP058",
            "damaged_record",
            Warning,
            &["path", "reason"],
            "the record of what a CA issued has a gap or was changed",
            "find out who changed it, and compare it with a copy; to start a new one, move it away",
        ),
        entry(
            "EP059",
            "rotated_ca",
            Warning,
            &["subject", "name"],
            "the CA of a rotation that does not sign now has signed the certificate",
            "apply the specification: `etcd-pki apply` signs it again with the same key",
        ),
        entry(
            "EP060",
            "link_certificate",
            Warning,
            &["reason"],
            "the link certificate of a rotation is missing after the certificate, or no longer belongs there",
            "apply the specification: `etcd-pki apply` writes the same certificate with the right chain",
        ),
        entry(
            "EP061",
            "rotation",
            Warning,
            &["path", "reason"],
            "the files of a CA's rotation fit no stage, or a change of them was interrupted",
            "run `etcd-pki ca rotate --status`; `etcd-pki ca rotate` finishes an interrupted change",
        ),
    ];

    /// Every code, in order.
    pub const CODES: [&'static str; Self::TABLE.len()] = {
        let mut codes = [""; Self::TABLE.len()];
        let mut index = 0;
        while index < codes.len() {
            codes[index] = Self::TABLE[index].code;
            index += 1;
        }
        codes
    };

    /// The row of the table.
    #[must_use]
    pub const fn entry(&self) -> &'static Entry {
        &Self::TABLE[self.number() - 1]
    }

    /// The number of the row, counted from 1.
    const fn number(&self) -> usize {
        match self {
            Self::Expired { .. } => 1,
            Self::Expires { critical: true, .. } => 2,
            Self::Expires { .. } => 3,
            Self::NotYetValid { .. } => 4,
            Self::KeyMismatch { .. } => 5,
            Self::KeyReadable { .. } => 6,
            Self::OtherCa { .. } => 7,
            Self::NoKeyUsage => 8,
            Self::OutlivesCa { .. } => 9,
            Self::MemberWithoutClientAuth => 10,
            Self::ClientWithoutNames => 11,
            Self::Unreadable { .. } => 12,
            Self::NoCertificate => 13,
            Self::CaKey { .. } => 14,
            Self::Writable { .. } => 15,
            Self::MissingCertificate => 16,
            Self::MissingKey => 17,
            Self::Blocked { .. } => 18,
            Self::SymbolicLink { .. } => 19,
            Self::Mode { .. } => 20,
            Self::Owner { .. } => 21,
            Self::Algorithm { .. } => 22,
            Self::CommonName { .. } => 23,
            Self::Organization { .. } => 24,
            Self::MissingName(_) => 25,
            Self::ExtraName(_) => 26,
            Self::Usages { .. } => 27,
            Self::SharedKey => 28,
            Self::EarlierCaCertificate => 29,
            Self::NotSupported { .. } => 30,
            Self::Signature { .. } => 31,
            Self::NotCa { .. } => 32,
            Self::PathTooLong { .. } => 33,
            Self::NameConstraint { .. } => 34,
            Self::UnknownExtension { .. } => 35,
            Self::Malformed { .. } => 36,
            Self::Usage { .. } => 37,
            Self::WrongHost { .. } => 38,
            Self::Strict { .. } => 39,
            Self::TooManyConstraints { .. } => 40,
            Self::NotReadByEtcd { .. } => 41,
            Self::SkippedBlocks { .. } => 42,
            Self::IssuedByAnotherCa { .. } => 43,
            Self::ClientWithNames { .. } => 44,
            Self::DueTooEarly { .. } => 45,
            Self::UntrustedCa { .. } => 46,
            Self::EmptyFile { .. } => 47,
            Self::Misplaced { .. } => 48,
            Self::MemberWithoutNames => 49,
            Self::AddressAsDnsName(_) => 50,
            Self::KeyOwner { .. } => 51,
            Self::CaKeyOwner { .. } => 52,
            Self::SignedByOtherCa { .. } => 53,
            Self::CaOwner { .. } => 54,
            Self::DamagedRecord { .. } => 58 - RESERVED,
            Self::RotatedCa { .. } => 59 - RESERVED,
            Self::LinkCertificate { .. } => 60 - RESERVED,
            Self::Rotation { .. } => 61 - RESERVED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_numbered_without_gaps() {
        for (index, code) in Finding::CODES.iter().enumerate() {
            let reserved = if index < 54 { 0 } else { RESERVED };
            assert_eq!(*code, format!("EP{:03}", index + 1 + reserved));
        }
    }
}
