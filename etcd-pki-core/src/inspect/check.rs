//! Checks certificates in any place: their expiry, and their faults.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::ErrorKind,
    path::{Path, PathBuf},
    time::SystemTime,
};

use rayon::prelude::*;

use super::{
    checked::Checked,
    contents::{Contents, is_file_of_ca, is_named_as_leaf},
    dependents::note_dependents,
    issuer::{self, Issuer},
    lists::JudgedLists,
    reading::{Given, Reading},
    rotation, rules,
    signers::signers,
    surroundings::{Cas, Surroundings, is_trusted_by_name, keys_without_certificate},
};
use crate::{
    ca::is_link_of,
    error::{Error, RECORD_FILE, Result},
    finding::Finding,
    layout::{is_idle_ca, is_list},
    store::{self, parent},
    time::{clock, threshold::Threshold},
    x509::certificate::Certificate,
};

/// Checks certificates, for monitoring and for manual inspection.
///
/// ```
/// use etcd_pki_core::{
///     CaKind, CertificateAuthority, Identity, Layout, Role, Store, finding::Severity,
///     inspect::Check,
/// };
///
/// # let parent = tempfile::tempdir()?;
/// # let directory = parent.path().join("ssl");
/// let store = Store::new(&directory, Layout::Kubespray);
/// let ca = CertificateAuthority::create("etcd-ca")?;
/// let files = store.lock()?;
/// files.write_ca(CaKind::Client, &ca, None)?;
/// files.write(&ca.issue(Role::Member, Identity::new("etcd-1")?)?)?;
///
/// let checked = Check::new().run([&directory]);
/// assert_eq!(checked.len(), 2);
/// assert!(checked.iter().all(|one| one.severity() == Severity::Ok));
///
/// let checked = Check::new().with_warning("400d".parse()?).run([&directory]);
/// assert_eq!(checked[1].findings()[0].code(), "EP003");
///
/// let checked = Check::new().with_warning("400d".parse()?).with_ignored("ep003")?.run([&directory]);
/// assert!(checked[1].findings().is_empty());
/// assert!(Check::new().with_ignored("EP999").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Check {
    warning: Threshold,
    critical: Threshold,
    ca_warning: Option<Threshold>,
    ca_critical: Option<Threshold>,
    at: Option<SystemTime>,
    ignored: Vec<&'static str>,
}

impl Check {
    /// Creates a check with [`Threshold::WARNING`] and [`Threshold::CRITICAL`], and for CAs also
    /// [`Threshold::CA_WARNING`] and [`Threshold::CA_CRITICAL`].
    pub const fn new() -> Self {
        Self {
            warning: Threshold::WARNING,
            critical: Threshold::CRITICAL,
            ca_warning: None,
            ca_critical: None,
            at: None,
            ignored: Vec::new(),
        }
    }

    /// Sets the warning threshold.
    pub const fn with_warning(mut self, threshold: Threshold) -> Self {
        self.warning = threshold;
        self
    }

    /// Sets the critical threshold.
    pub const fn with_critical(mut self, threshold: Threshold) -> Self {
        self.critical = threshold;
        self
    }

    /// Sets the warning threshold of CAs. The default is the longer one of
    /// [`Threshold::CA_WARNING`] and the threshold of all certificates.
    pub const fn with_ca_warning(mut self, threshold: Threshold) -> Self {
        self.ca_warning = Some(threshold);
        self
    }

    /// Sets the critical threshold of CAs. The default is the longer one of
    /// [`Threshold::CA_CRITICAL`] and the threshold of all certificates.
    pub const fn with_ca_critical(mut self, threshold: Threshold) -> Self {
        self.ca_critical = Some(threshold);
        self
    }

    /// The thresholds of a certificate. The critical ones come first.
    fn thresholds(&self, certificate: &Certificate) -> Vec<(Threshold, bool)> {
        if !certificate.is_ca() {
            return vec![(self.critical, true), (self.warning, false)];
        }
        let of_cas = |named: Option<Threshold>, usual, all| match named {
            Some(named) => vec![named],
            None => vec![usual, all],
        };
        let critical = of_cas(self.ca_critical, Threshold::CA_CRITICAL, self.critical);
        let warning = of_cas(self.ca_warning, Threshold::CA_WARNING, self.warning);
        let critical = critical.into_iter().map(|threshold| (threshold, true));
        let warning = warning.into_iter().map(|threshold| (threshold, false));
        critical.chain(warning).collect()
    }

    /// Sets the time for which the check is made. The default is the current time.
    pub const fn at(mut self, instant: SystemTime) -> Self {
        self.at = Some(instant);
        self
    }

    /// Ignores findings with this code. The code is one of [`Finding::CODES`], in upper or lower
    /// case.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidChoice`] if no finding has that code.
    pub fn with_ignored(mut self, code: &str) -> Result<Self> {
        let known = Finding::CODES
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(code));
        self.ignored.push(known.ok_or_else(|| Error::InvalidChoice {
            what: "code of a finding",
            text: code.to_owned(),
            choices: Finding::CODES.to_vec(),
        })?);
        Ok(self)
    }

    /// Checks files, and all files of directories: those in the directory, one level below, and in
    /// an `etcd` directory there. The results are in the order of the files. A file that cannot be
    /// read is a finding.
    ///
    /// The key of a certificate is found by name: `x-key.pem` or `x.key` for `x.pem` and `x.crt`. A
    /// missing key is not a fault. A missing certificate is a fault unless the request is next to
    /// the key.
    #[must_use]
    pub fn run(&self, paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Vec<Checked> {
        self.judge(&Reading::of(paths))
    }

    /// Judges the files that were read.
    pub(super) fn judge(&self, reading: &Reading) -> Vec<Checked> {
        let now = self.at.unwrap_or_else(clock::now);
        let Reading {
            given,
            contents,
            unlisted,
        } = reading;
        let mut checked = unlisted.clone();
        checked.extend(without_certificates(given, contents));
        checked.extend(self.reported(writable_directories(contents)));
        checked.extend(self.reported(damaged_records(contents)));
        let surroundings = Surroundings::of(contents);
        let by_path: BTreeSet<&Path> = given.iter().map(|given| &*given.path).collect();
        checked.extend(self.reported(keys_without_certificate(contents, &surroundings)));
        let lists = JudgedLists::of(contents, &surroundings, &by_path, now);
        checked.extend(self.reported(lists.findings()));
        checked.par_extend(contents.par_iter().flat_map_iter(|(path, contents)| {
            self.file(path, contents, &by_path, (&surroundings, &lists), now)
        }));
        let place = |one: &Checked| (one.path().to_owned(), one.number());
        checked.sort_by_cached_key(place);
        checked.dedup_by(|later, one| one.merges(later));
        note_dependents(&mut checked);
        let signers = signers(contents);
        for one in &mut checked {
            one.note_signed(&signers);
            one.ignore(&self.ignored);
        }
        checked
    }

    /// The results for a file.
    fn file(
        &self,
        path: &Path,
        contents: &Contents,
        given: &BTreeSet<&Path>,
        (surroundings, lists): (&Surroundings<'_>, &JudgedLists),
        now: SystemTime,
    ) -> Vec<Checked> {
        let certificates = match contents {
            Contents::Certificates(certificates) => certificates,
            // The result of its certificate includes the key
            Contents::Key(_) if surroundings.has_key(path) => return Vec::new(),
            Contents::Key(findings) => {
                let findings = findings.iter().cloned();
                return findings.map(|one| Checked::file(path, one)).collect();
            }
            Contents::Unreadable(finding) => return vec![Checked::file(path, finding.clone())],
            Contents::Other => return Vec::new(),
        };
        if is_idle_ca(path) && !given.contains(path) {
            // etcd does not read a replaced CA and the files of a rotation, so they may expire. Its
            // key is still a secret
            let key = certificates.key.finding.iter();
            let findings = certificates.findings.iter().chain(key).cloned();
            return findings.map(|one| Checked::file(path, one)).collect();
        }
        let all = &certificates.all;
        let following = all.iter().skip(1).map(|below| (path, below));
        let cas = surroundings.cas(path).with(following);
        let mut checked = Vec::with_capacity(all.len());
        for (index, certificate) in all.iter().enumerate() {
            if all[..index].contains(certificate) {
                continue;
            }
            let chain = (path, &all[index + 1..]);
            // etcd uses the first certificate of a leaf's file as a leaf, even if it may sign
            // others
            let is_leaf = !certificate.is_ca() || (index == 0 && is_named_as_leaf(path));
            let mut findings = self.certificate(certificate, is_leaf, chain, &cas, now);
            // etcd compares what is presented, and not what is trusted
            if !certificates.are_cas() {
                findings.extend(lists.revoked(path, certificate));
            }
            if index == 0 {
                findings.extend(certificates.findings.iter().cloned());
                findings.extend(
                    is_trusted_by_name(path)
                        .then(|| rules::no_ca(all))
                        .flatten(),
                );
                findings.extend(rotation::finding(path, all));
            }
            let key = certificates.key.public.as_ref();
            if index == certificates.index_of_key() {
                let copied = rules::copy_of_ca_key(certificate, key, cas.all());
                findings.extend(copied.filter(|one| !findings.contains(one)));
            }
            let is_its_key = key == Some(certificate.public_key());
            if is_its_key && index == certificates.index_of_key() {
                let refused = rules::cannot_sign(certificate, all, path, now);
                findings.extend(refused.filter(|one| !findings.contains(one)));
            }
            let one = Checked::certificate_at(path, index + 1, certificate, findings, now);
            let key = &certificates.key;
            // If several certificates have one key, only one of them has the findings about the key
            let has_same_key =
                certificates.are_cas() && key.public.as_ref() == Some(certificate.public_key());
            checked.push(if index == certificates.index_of_key() {
                one.with_key(key)
            } else if has_same_key {
                one.with_key_match(key)
            } else {
                one
            });
        }
        checked
    }

    /// All findings about a certificate, except about its key. `chain` contains the certificates
    /// that follow it in its file.
    fn certificate(
        &self,
        certificate: &Certificate,
        is_leaf: bool,
        (path, chain): (&Path, &[Certificate]),
        cas: &Cas<'_>,
        now: SystemTime,
    ) -> Vec<Finding> {
        if !is_leaf && cas.all().any(|(_, ca)| is_link_of(certificate, ca)) {
            // Its CA is trusted, so the link certificate of a rotation may expire
            return Vec::new();
        }
        let thresholds = self.thresholds(certificate);
        let time = rules::validity(certificate, now);
        let time = time.or_else(|| rules::expiry(certificate, &thresholds, now));
        let mut findings: Vec<Finding> = time.into_iter().collect();
        findings.extend(rules::key_usage_of_ca(certificate));
        // etcd trusts a leaf in the trusted file without checking its issuer
        let may_have_issuer = if is_leaf {
            !is_trusted_by_name(path)
        } else {
            !certificate.is_self_issued()
        };
        if may_have_issuer {
            let is_leaf = is_leaf && cas.are_of_etcd(certificate);
            findings.extend(issuer_findings(
                certificate,
                is_leaf,
                (path, chain),
                cas,
                now,
            ));
        }
        findings.extend(rules::ca_key(certificate, cas.all()));
        if cas.are_of_etcd(certificate) {
            findings.extend(rules::usages(certificate, path));
            if !cas.keep_peers_separate(certificate) {
                findings.extend(rules::peer_port(certificate, Some(path)));
            }
        }
        findings
    }

    /// The results for files without certificates. If the finding is ignored, there is no result.
    fn reported(&self, findings: Vec<(PathBuf, Finding)>) -> impl Iterator<Item = Checked> {
        let findings = findings.into_iter();
        let reported = findings.filter(|(_, finding)| !self.ignored.contains(&finding.code()));
        reported.map(|(path, finding)| Checked::file(&path, finding))
    }
}

impl Default for Check {
    fn default() -> Self {
        Self::new()
    }
}

/// A finding for each path without certificates, because an empty directory must not look healthy.
///
/// A key in a list with certificates has no finding: a shell pattern may have added it to the list.
fn without_certificates(given: &[Given], read: &BTreeMap<PathBuf, Contents>) -> Vec<Checked> {
    let has = |given: &Given, kind: fn(&Contents) -> bool| {
        let contents = given.files.iter().filter_map(|file| read.get(file));
        contents.into_iter().any(kind)
    };
    let certificates = |contents: &Contents| matches!(contents, Contents::Certificates(_));
    let unreadable = |contents: &Contents| matches!(contents, Contents::Unreadable(_));
    let key = |contents: &Contents| matches!(contents, Contents::Key(_));
    let excuses_keys = given.iter().any(|given| has(given, certificates));
    let is_reported = |given: &&Given| {
        let is_file = given.files.first() == Some(&given.path);
        given.failed
            || is_list(&given.path)
            || has(given, certificates)
            || has(given, unreadable)
            || (excuses_keys && is_file && has(given, key))
    };
    let rest = given.iter().filter(|given| !is_reported(given));
    rest.map(|given| Checked::file(&given.path, Finding::NoCertificate))
        .collect()
}

/// The directories with certificates in which everyone can write, and the directories with a CA and
/// keys in which other users can add files.
fn writable_directories(read: &BTreeMap<PathBuf, Contents>) -> Vec<(PathBuf, Finding)> {
    /// The contents of a directory with certificates
    #[derive(Default)]
    struct Has {
        ca: bool,
        key: bool,
    }
    let mut directories: BTreeMap<&Path, Has> = BTreeMap::new();
    for (path, contents) in read {
        if let Contents::Certificates(certificates) = contents {
            let has = directories.entry(parent(path)).or_default();
            has.ca |= is_file_of_ca(path);
            has.key |= certificates.key.path.is_some();
        }
    }
    let open = directories.into_iter().filter_map(|(path, has)| {
        let shared = || store::shared_directory_mode(path, None).filter(|_| has.ca && has.key);
        let mode = store::open_directory_mode(path).or_else(shared)?;
        Some((path.to_owned(), rules::directory(path, mode)))
    });
    open.collect()
}

/// The records that have a gap or were changed, in the directories of CAs. Only the owner of a record
/// may read it, so another user's check does not judge it.
fn damaged_records(read: &BTreeMap<PathBuf, Contents>) -> Vec<(PathBuf, Finding)> {
    let files = read.iter().filter(|(path, contents)| {
        matches!(contents, Contents::Certificates(_)) && is_file_of_ca(path)
    });
    let directories: BTreeSet<&Path> = files.map(|(path, _)| parent(path)).collect();
    let damaged = directories.into_iter().filter_map(|directory| {
        let (path, reason) = match store::check_record(directory) {
            Ok(record) => record.and_then(|(path, checked)| Some((path, checked.summary()?)))?,
            Err(Error::Io { error, .. }) if error.kind() == ErrorKind::PermissionDenied => {
                return None;
            }
            Err(error) => (directory.join(RECORD_FILE), error.to_string()),
        };
        let path = path.strip_prefix(".").unwrap_or(&path).to_owned();
        Some((path.clone(), Finding::DamagedRecord { path, reason }))
    });
    damaged.collect()
}

/// The findings about the issuers of a certificate. If a layout's CA file exists, etcd trusts only
/// that file, and other CAs nearby do not count for a leaf of etcd.
fn issuer_findings(
    certificate: &Certificate,
    is_leaf: bool,
    (path, chain): (&Path, &[Certificate]),
    cas: &Cas<'_>,
    now: SystemTime,
) -> Vec<Finding> {
    let trusted = Some(&cas.trusted)
        .filter(|trusted| is_leaf && (!trusted.is_empty() || cas.empty.is_some()));
    let all: Vec<_> = match trusted {
        Some(trusted) => trusted.clone(),
        None => cas.all().collect(),
    };
    let certificates = || all.iter().map(|(_, ca)| *ca);
    let candidates = all.iter().map(|&(path, ca)| ((path, ca), ca));
    let (path, issuer) = match issuer::of(certificate, candidates) {
        Issuer::Ca(issuer) => issuer,
        // If a certificate is itself trusted, its signature does not matter
        Issuer::Refused(_) | Issuer::Unknown { .. }
            if cas.near.iter().any(|(_, ca)| *ca == certificate) =>
        {
            return Vec::new();
        }
        // The root of an intermediate CA may be elsewhere
        Issuer::Unknown { damaged: None, .. } if certificate.is_ca() && !is_leaf => {
            return Vec::new();
        }
        unknown @ Issuer::Unknown { .. } => match chain.first() {
            Some(above) if issuer::chain_is_trusted(certificate, chain, certificates()) => {
                (path, above)
            }
            _ => {
                let empty = cas.empty.as_deref().filter(|_| is_leaf);
                let own = cas.expected(certificate, trusted.unwrap_or(&cas.near));
                let ca = empty.or(own);
                // Without a CA, the expected signer is unknown
                let refusal = ca.and_then(|ca| unknown.refusal(certificate, Some(ca)));
                return refusal.into_iter().collect();
            }
        },
        issuer => return issuer.refusal(certificate, None).into_iter().collect(),
    };
    let mut findings: Vec<_> = rules::outlives(certificate, issuer, path)
        .into_iter()
        .collect();
    if trusted.is_some() {
        let trusted = certificates().cloned().collect();
        findings.extend(rules::refusals(certificate, chain, trusted, now));
    }
    findings
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

    use rcgen::{CertificateParams, SanType};

    use super::*;
    use crate::{
        ca::CertificateAuthority,
        role::Role,
        test_certificates::{self, Made},
        x509::identity::Identity,
    };

    fn ca(name: &str) -> CertificateParams {
        test_certificates::ca(name, None)
    }

    /// A member's certificate without findings.
    fn member() -> CertificateParams {
        let mut params = test_certificates::member("a");
        let name = "a.lan".try_into().unwrap();
        params.subject_alt_names = vec![SanType::DnsName(name)];
        params
    }

    /// Checks a directory with these certificates and keys. Returns each finding with its file and
    /// the number of its certificate.
    fn found(files: &[(&str, &[&Made])], keys: &[(&str, &Made)]) -> Vec<String> {
        let scratch = tempfile::tempdir().unwrap();
        for (file, all) in files {
            let texts: Vec<_> = all.iter().map(|made| made.certificate.to_pem()).collect();
            fs::write(scratch.path().join(file), texts.concat()).unwrap();
        }
        for (file, made) in keys {
            let path = scratch.path().join(file);
            fs::write(&path, &**made.private_key().to_secret_pem()).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let mut found = Vec::new();
        for one in Check::new().run([scratch.path()]) {
            let file = one.path().strip_prefix(scratch.path()).unwrap().display();
            let codes = one.findings().iter().map(Finding::code);
            found.extend(codes.map(|code| format!("{file} {} {code}", one.number())));
        }
        found
    }

    #[test]
    fn each_instant_of_a_life() {
        const DAY: Duration = Duration::from_secs(86_400);
        let ca = CertificateAuthority::create("etcd-ca").unwrap();
        let client = ca.issue(Role::Client, Identity::new("a").unwrap()).unwrap();
        let certificate = client.certificate();
        let (begin, end) = (certificate.not_before(), certificate.not_after());
        let second = Duration::from_secs(1);
        for (now, code) in [
            (begin - second, Some("EP004")),
            (begin, None),
            (end - 30 * DAY - second, None),
            (end - 30 * DAY, Some("EP003")),
            (end - 7 * DAY - second, Some("EP003")),
            (end - 7 * DAY, Some("EP002")),
            (end, Some("EP002")),
            (end + second, Some("EP001")),
        ] {
            let chain: (&Path, &[Certificate]) = (Path::new("a.pem"), &[]);
            let found = Check::new().certificate(certificate, true, chain, &Cas::default(), now);
            let codes: Vec<_> = found.iter().map(Finding::code).collect();
            assert_eq!(codes, code.into_iter().collect::<Vec<_>>(), "{now:?}");
        }
    }

    /// The CAs after a leaf in its file are not leaves: their issuer may be elsewhere.
    #[test]
    fn cas_after_a_leaf() {
        let middle = Made::root(ca("root")).sign(ca("middle"));
        let trusted = middle.again(|_| {});
        let leaf = middle.sign(member());
        let files = [
            ("ca.pem", &[&trusted][..]),
            ("member-a.pem", &[&leaf, &middle]),
        ];
        assert_eq!(found(&files, &[]), [""; 0]);
        // A CA in the place of a leaf is judged as a leaf
        let files = [("ca.pem", &[&trusted][..]), ("member-a.pem", &[&middle])];
        assert_eq!(found(&files, &[]), ["member-a.pem 1 EP007"]);
    }

    /// A certificate of Kubernetes need not be signed by etcd's CA.
    #[test]
    fn leaves_of_kubernetes() {
        let [etcd, kubernetes] = ["etcd-ca", "kubernetes-ca"].map(|name| Made::root(ca(name)));
        let leaf = kubernetes.sign(member());
        for (file, expected) in [
            ("x.pem", &[][..]),
            ("member-a.pem", &["member-a.pem 1 EP007"]),
        ] {
            let files = [
                ("ca.pem", &[&etcd][..]),
                ("kubernetes.pem", &[&kubernetes]),
                (file, &[&leaf]),
            ];
            assert_eq!(found(&files, &[]), expected, "{file}");
        }
    }

    /// A CA that cannot sign is a fault only of the certificate with the key that is here.
    #[test]
    fn a_ca_that_cannot_sign() {
        let root = Made::root(test_certificates::ca("root", Some(0)));
        let middle = root.sign(ca("middle"));
        let files = [("ca.pem", &[&middle, &root][..])];
        for (key, expected) in [
            (None, &[][..]),
            (Some(&root), &[]),
            (Some(&middle), &["ca.pem 1 EP033"]),
        ] {
            let keys: Vec<_> = key.map(|key| ("ca-key.pem", key)).into_iter().collect();
            assert_eq!(found(&files, &keys), expected);
        }
    }

    /// The certificate after a leaf is its issuer only if it signed the leaf.
    #[test]
    fn a_stranger_after_a_leaf() {
        let [root, stranger] = ["root", "stranger"].map(|name| Made::root(ca(name)));
        let leaf = Made::root(ca("elsewhere")).sign(member());
        let files = [("root.pem", &[&root][..]), ("x.pem", &[&leaf, &stranger])];
        assert_eq!(found(&files, &[]), ["x.pem 1 EP007"]);
        let middle = root.sign(ca("middle"));
        let leaf = middle.sign(member());
        let files = [("root.pem", &[&root][..]), ("x.pem", &[&leaf, &middle])];
        assert_eq!(found(&files, &[]), [""; 0]);
    }

    /// The findings about a file are those of its first certificate.
    #[test]
    fn findings_about_a_file() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("ca.pem");
        let all = ["one", "two"].map(|name| Made::root(ca(name)).certificate.to_pem());
        fs::write(&path, all.concat()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let codes = Check::new().run([&path]).into_iter().map(|one| {
            let codes = one.findings().iter().map(Finding::code);
            codes.collect::<Vec<_>>()
        });
        assert_eq!(codes.collect::<Vec<_>>(), [vec!["EP015"], vec![]]);
    }

    /// The key belongs to each certificate of a CA with this key, and to the first certificate of
    /// a leaf's file.
    #[test]
    fn certificates_of_one_key() {
        let [one, other] = ["one", "other"].map(|name| Made::root(ca(name)));
        let again = one.again(|params| *params = ca("again"));
        let leaf = Made::root(member());
        let same_key = leaf.again(|params| *params = ca("same"));
        for (file, all, key, expected) in [
            (
                "ca",
                &[&other, &one, &again][..],
                &one,
                &[false, true, true][..],
            ),
            (
                "ca",
                &[&other, &one],
                &Made::root(ca("third")),
                &[true, false],
            ),
            ("member-a", &[&leaf, &same_key], &leaf, &[true, false]),
        ] {
            let scratch = tempfile::tempdir().unwrap();
            let texts: Vec<_> = all.iter().map(|made| made.certificate.to_pem()).collect();
            fs::write(scratch.path().join(format!("{file}.pem")), texts.concat()).unwrap();
            let path = scratch.path().join(format!("{file}-key.pem"));
            fs::write(path, &**key.private_key().to_secret_pem()).unwrap();
            let checked = Check::new().run([scratch.path()]);
            let found = checked.iter().map(|one| one.key().is_some());
            assert_eq!(found.collect::<Vec<_>>(), expected, "{file}");
        }
    }

    /// A sticky directory in which all users add files is a fault if it has a CA and its key.
    #[test]
    fn directories_that_others_share() {
        let made = Made::root(ca("ca"));
        let leaf = made.sign(member());
        for (files, key, expected) in [
            (&[("ca.pem", &made)][..], Some("ca-key.pem"), 1),
            (&[("ca.pem", &made)], None, 0),
            (&[("a.pem", &leaf)], Some("a-key.pem"), 0),
            (&[("ca.pem", &made), ("a.pem", &leaf)], Some("a-key.pem"), 1),
            (
                &[("a.pem", &leaf), ("ca.pem", &made)],
                Some("ca-key.pem"),
                1,
            ),
        ] {
            let scratch = tempfile::tempdir().unwrap();
            for (file, made) in files {
                fs::write(scratch.path().join(file), made.certificate.to_pem()).unwrap();
            }
            if let Some(key) = key {
                fs::write(
                    scratch.path().join(key),
                    &**made.private_key().to_secret_pem(),
                )
                .unwrap();
            }
            fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o1777)).unwrap();
            let reading = Reading::of([scratch.path()]);
            let found = writable_directories(&reading.contents);
            assert_eq!(found.len(), expected, "{key:?}");
        }
    }
}
