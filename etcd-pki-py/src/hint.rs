//! Hints for Python: keywords instead of the command's options.

/// The terms of the core's hints for the command, and the terms for Python. A phrase comes before
/// its parts.
const WORDS: &[(&str, &str)] = &[
    ("`etcd-pki apply --rekey`", "`apply(rekey=True)`"),
    (
        "`etcd-pki ca new --key FILE` makes the certificate for this key, and `etcd-pki ca new -d DIRECTORY` does so too",
        "CertificateAuthority.create(key=...) makes the certificate for this key",
    ),
    (
        "`etcd-pki ca new --replace-ca` replaces",
        "replace_ca=True replaces",
    ),
    (
        "run `etcd-pki ca rotate --status`; `etcd-pki ca rotate` finishes an interrupted change",
        "read it with Rotation.read; Rotation.next finishes an interrupted change",
    ),
    (
        "`etcd-pki ca renew --csr FILE` writes",
        "CertificateAuthority.renewal_request makes",
    ),
    (
        "with `etcd-pki csr new --key`",
        "with CertificateRequest.create",
    ),
    (
        "--passphrase-file FILE or --passphrase-env NAME",
        "passphrase=",
    ),
    (
        "etcd's --peer-cert-allowed-cn",
        "etcd's ETCD_PEER_CERT_ALLOWED_CN",
    ),
    ("the member's name with --name", "the member's name"),
    ("the CA itself with --ca", "the CA itself"),
    ("--allow-member-cn", "allow_member_common_name=True"),
    ("its common name (--cn)", "its common name"),
    ("--cn ", "common_name="),
    ("--force", "overwrite=True"),
    ("--layout ", "layout="),
    ("--no-cn", "without_common_name=True"),
    ("--no-record", "record=False"),
    ("--org", "organization="),
    ("--rekey", "rekey=True"),
    ("--san", "names="),
];

/// A hint of the core for Python. A part with an option that has no counterpart is left out.
pub(crate) fn in_python(hint: &str) -> Option<String> {
    let hint = WORDS
        .iter()
        .fold(hint.to_owned(), |hint, (option, keyword)| {
            hint.replace(option, keyword)
        });
    let parts: Vec<&str> = hint.split("; ").filter(|part| !has_option(part)).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Whether a text has an option such as `--force`. `xn--bcher-kva` and `-----BEGIN` are no options.
fn has_option(text: &str) -> bool {
    text.match_indices("--").any(|(at, dashes)| {
        let (before, after) = (&text[..at], &text[at + dashes.len()..]);
        !before.ends_with(|before: char| before == '-' || before.is_alphanumeric())
            && after.starts_with(|after: char| after.is_ascii_lowercase())
    })
}
