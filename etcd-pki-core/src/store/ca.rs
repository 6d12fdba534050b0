//! Reads and writes the CAs of a directory.

use std::{iter, path::Path, slice, time::SystemTime};

use zeroize::Zeroizing;

use super::{
    Store,
    locked::{LockedStore, PairTexts},
    permissions::Attributes,
    read::{
        look, read_below, read_certificates, read_existing_below, read_file, read_regular_file,
    },
    record::Issuance,
    write::Overwrite,
};
use crate::{
    ca::{CertificateAuthority, cas_above, check_self_signed, follows_leaves},
    error::{Error, Result},
    finding::Finding,
    key::{Passphrase, PrivateKey},
    layout::{CaKind, PairPaths, RotationFile, is_idle_ca},
    pem,
    time::clock,
    verify::{self, SigningChain, Use, unacceptable},
    x509::{bundle, certificate::Certificate},
};

impl Store {
    /// Loads a CA from its certificate and key. An encrypted key requires the passphrase. The CA
    /// refuses the common names of the store's members for nodes and clients.
    ///
    /// Symbolic links are followed in the path of the directory, but not below it. Another user may
    /// have created a link there, and would choose the signing key.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::SymbolicLink`], [`Error::TooLarge`]; inside [`Error::File`], the
    /// errors of [`PrivateKey::from_bytes`] and [`CertificateAuthority::load`].
    pub fn ca(
        &self,
        kind: CaKind,
        passphrase: Option<&Passphrase>,
    ) -> Result<CertificateAuthority> {
        self.at(clock::now()).ca(kind, passphrase)
    }

    /// Loads a CA as [`Store::ca`] does, with its certificate in the directory and a key that is
    /// elsewhere.
    ///
    /// # Errors
    ///
    /// The errors of [`Store::ca`].
    pub fn ca_with_key(&self, kind: CaKind, key: PrivateKey) -> Result<CertificateAuthority> {
        self.at(clock::now()).ca_with_key(kind, key)
    }

    /// Loads a CA for its renewal, even if it has expired.
    ///
    /// # Errors
    ///
    /// The errors of [`Store::ca`], except [`Error::CaExpired`].
    pub fn ca_for_renewal(
        &self,
        kind: CaKind,
        passphrase: Option<&Passphrase>,
    ) -> Result<CertificateAuthority> {
        self.at(clock::now()).ca_for_renewal(kind, passphrase)
    }

    /// Loads CAs as if the current time were `now`.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    ///
    /// use etcd_pki_core::{CaKind, CertificateAuthority, Error, Layout, Store};
    ///
    /// # let parent = tempfile::tempdir()?;
    /// # let directory = parent.path().join("ssl");
    /// let store = Store::new(directory, Layout::Kubespray);
    /// store.lock()?.write_ca(CaKind::Client, &CertificateAuthority::create("etcd-ca")?, None)?;
    /// let later = SystemTime::now() + Duration::from_secs(20 * 365 * 86_400);
    /// let expired = store.at(later).ca(CaKind::Client, None).unwrap_err();
    /// assert!(matches!(expired, Error::File { error, .. } if matches!(*error, Error::CaExpired { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn at(&self, now: SystemTime) -> StoreAt<'_> {
        StoreAt { store: self, now }
    }

    /// Loads the key of the CA with these files below the directory.
    pub(crate) fn load_ca_key(
        &self,
        paths: &PairPaths,
        passphrase: Option<&Passphrase>,
    ) -> Result<PrivateKey> {
        let bytes = Zeroizing::new(read_existing_below(&self.directory, &paths.key)?);
        PrivateKey::from_bytes(&bytes, passphrase)
            .map_err(|error| error.in_file(self.directory.join(&paths.key)))
    }

    /// Whether a CA chains to a CA in this store's CA file: it has the same subject and key, or is
    /// below such a CA. `None` if the store has no CA certificate.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; inside [`Error::File`], the errors of [`Certificate::all_from_bytes`].
    pub fn trusts(&self, ca: &CertificateAuthority) -> Result<Option<bool>> {
        let path = self.ca_paths(CaKind::Client).certificate;
        let Some((bytes, _)) = look(&path)? else {
            return Ok(None);
        };
        let (trusted, _) = verify::held_bundle(&bytes);
        let trusted = trusted.map_err(|error| error.in_file(path))?;
        let mut chain = ca.chain();
        chain.push(ca.root().clone());
        let is_trusted = |one: &Certificate| {
            trusted.iter().any(|anchor| {
                let is_same =
                    one.public_key() == anchor.public_key() && one.subject() == anchor.subject();
                is_same || one.check_issued_by(anchor).is_ok()
            })
        };
        Ok(Some(chain.iter().any(is_trusted)))
    }

    /// The certificates of the directory's CAs, which have certificates in its record. A file that
    /// cannot be read has none.
    pub(super) fn recorded_cas(&self) -> Vec<Certificate> {
        let files = CaKind::ALL.map(|kind| self.layout.ca(kind).certificate);
        let files = files.iter().filter_map(|path| {
            let file = read_below(&self.directory, path).ok().flatten();
            verify::held_bundle(&file?).0.ok()
        });
        files.flatten().collect()
    }

    /// The error for a new CA in a directory that has one, or signs of one.
    fn existing_ca(&self, found: String, lacks_certificate: bool) -> Error {
        Error::ExistingCa {
            directory: self.directory.clone(),
            found,
            layout: None,
            lacks_certificate,
        }
    }

    /// Finds signs of an existing CA, so that no second one is created. These are the certificate
    /// or key of this kind, and for [`CaKind::Client`] also certificates that a CA signed.
    ///
    /// A rebuilt host once created a new CA with the name of the old one, and its members no longer
    /// trusted each other. A key without its certificate is left by an interrupted run. If the new
    /// CA has the same key, it completes that run.
    fn trace_of_ca(
        &self,
        kind: CaKind,
        ca: &CertificateAuthority,
        passphrase: Option<&Passphrase>,
    ) -> Result<Trace> {
        let paths = self.layout.ca(kind);
        let [has_certificate, has_key] = [&paths.certificate, &paths.key].map(|path| {
            let path = self.directory.join(path);
            path.symlink_metadata().is_ok() && !is_blank(&path)
        });
        let [certificate, key] =
            [&paths.certificate, &paths.key].map(|path| path.display().to_string());
        let mut trace = match (has_certificate, has_key) {
            (true, true) => return Ok(Trace::Found(certificate)),
            (true, false) => {
                return Ok(Trace::Found(format!(
                    "{certificate}, but not its key {key}"
                )));
            }
            (false, true) => {
                let path = self.directory.join(&paths.key);
                let existing = self.key_for_ca(&path, passphrase)?;
                if ca.key().map(PrivateKey::public_key) != Some(existing.public_key()) {
                    return Ok(Trace::OtherKey(format!(
                        "{key}, but not its certificate {certificate}"
                    )));
                }
                Trace::Key
            }
            (false, false) => Trace::Nothing,
        };
        // The directory of a peer CA also has the client CA and its certificates
        if kind == CaKind::Peer {
            return Ok(trace);
        }
        let new = ca.certificate();
        self.check_other_layout(new.common_name().as_deref())?;
        let certificates = self.certificates()?;
        let is_of_another = |one: &Certificate| {
            matches!(trace, Trace::Nothing) || one.check_issued_by(new).is_err()
        };
        let mut in_use = certificates
            .iter()
            .filter(|(path, one)| !is_idle_ca(path) && is_of_another(one));
        if let Some((path, _)) = in_use.next() {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            trace = Trace::Found(format!("{name}, which another CA has signed"));
        }
        Ok(trace)
    }
}

/// A store and the time at which its CAs are loaded: [`Store::at`].
#[derive(Clone, Copy, Debug)]
pub struct StoreAt<'a> {
    store: &'a Store,
    now: SystemTime,
}

impl StoreAt<'_> {
    /// Loads a CA, as [`Store::ca`] does.
    ///
    /// # Errors
    ///
    /// The errors of [`Store::ca`].
    pub fn ca(
        &self,
        kind: CaKind,
        passphrase: Option<&Passphrase>,
    ) -> Result<CertificateAuthority> {
        let ca = self.load(&self.store.layout.ca(kind), passphrase)?;
        Ok(ca.with_member_common_names(self.store.member_common_names()?))
    }

    /// Loads a CA with a key that is elsewhere, as [`Store::ca_with_key`] does.
    ///
    /// # Errors
    ///
    /// The errors of [`Store::ca`].
    pub fn ca_with_key(&self, kind: CaKind, key: PrivateKey) -> Result<CertificateAuthority> {
        let Store {
            directory, layout, ..
        } = self.store;
        let paths = layout.ca(kind);
        let path = &paths.certificate;
        let file = read_existing_below(directory, path)?;
        let certificates = verify::held_bundle(&file).0;
        let ca = certificates
            .and_then(|certificates| CertificateAuthority::load_at(certificates, key, self.now));
        let ca = ca.map_err(|error| match error {
            // The caller knows which of the two files is wrong
            Error::KeyMismatch { .. } => error,
            error => error.in_file(directory.join(path)),
        })?;
        let ca = self.with_link(&paths, &file, ca)?;
        Ok(ca.with_member_common_names(self.store.member_common_names()?))
    }

    /// Loads a CA for its renewal, even if it has expired, as [`Store::ca_for_renewal`] does.
    ///
    /// # Errors
    ///
    /// The errors of [`Store::ca_for_renewal`].
    pub fn ca_for_renewal(
        &self,
        kind: CaKind,
        passphrase: Option<&Passphrase>,
    ) -> Result<CertificateAuthority> {
        self.load_for_renewal(&self.store.layout.ca(kind), passphrase)
    }

    /// Loads the CA with these files below the directory.
    pub(crate) fn load(
        &self,
        paths: &PairPaths,
        passphrase: Option<&Passphrase>,
    ) -> Result<CertificateAuthority> {
        self.load_files(paths, passphrase, false)
    }

    /// Loads the CA with these files below the directory, even if it has expired.
    pub(crate) fn load_for_renewal(
        &self,
        paths: &PairPaths,
        passphrase: Option<&Passphrase>,
    ) -> Result<CertificateAuthority> {
        self.load_files(paths, passphrase, true)
    }

    fn load_files(
        &self,
        paths: &PairPaths,
        passphrase: Option<&Passphrase>,
        even_if_expired: bool,
    ) -> Result<CertificateAuthority> {
        let directory = &self.store.directory;
        let read = |path: &Path| read_existing_below(directory, path);
        let files = (read(&paths.certificate)?, Zeroizing::new(read(&paths.key)?));
        let loading = Loading {
            passphrase,
            even_if_expired,
            now: self.now,
        };
        let ca = loading.load(&paths.below(directory), (&files.0, &files.1))?;
        self.with_link(paths, &files.0, ca)
    }

    /// Adds the link certificate of a rotation, if it follows the leaves of this CA. `file` is the
    /// content of the CA's certificate file.
    fn with_link(
        &self,
        paths: &PairPaths,
        file: &[u8],
        ca: CertificateAuthority,
    ) -> Result<CertificateAuthority> {
        let path = paths.rotation(RotationFile::Link).certificate;
        let Some(link) = read_below(&self.store.directory, &path)? else {
            return Ok(ca);
        };
        // A damaged link is a fault of the rotation, and a finding
        let bundle = verify::held_bundle(file).0.unwrap_or_default();
        match Certificate::from_bytes(&link) {
            Ok(link) if follows_leaves(&link, ca.certificate(), &bundle, self.now) => {
                ca.with_link(link)
            }
            _ => Ok(ca),
        }
    }
}

/// The signs of a CA in a directory.
enum Trace {
    Nothing,
    /// The key of the new CA, without a certificate
    Key,
    /// The key of another CA, without a certificate
    OtherKey(String),
    /// Another CA, or a certificate of another CA
    Found(String),
}

/// Whether a file is empty or has only zero bytes. A system crash leaves such files.
fn is_blank(path: &Path) -> bool {
    let file = read_regular_file(path).map(Zeroizing::new);
    file.is_ok_and(|file| file.iter().all(|byte| *byte == 0))
}

impl LockedStore {
    /// Writes a new CA: its certificate with mode 0644, and its key with mode 0600, encrypted if
    /// there is a passphrase. If an interrupted run has left only the key of this CA in the
    /// directory, this key file is kept.
    ///
    /// # Errors
    ///
    /// [`Error::ExistingCa`] if the directory has the certificate or another key of such a CA,
    /// and for [`CaKind::Client`] also if it has certificates of another CA, in this layout or in
    /// another; the errors of [`Store::key_for_ca`] for an existing key; the errors of
    /// [`LockedStore::write`].
    pub fn write_ca(
        &self,
        kind: CaKind,
        ca: &CertificateAuthority,
        passphrase: Option<&Passphrase>,
    ) -> Result<()> {
        let paths = self.store.layout.ca(kind);
        let usual = Attributes::default();
        let record = || self.record(&new_root(ca), &usual);
        match self.store.trace_of_ca(kind, ca, passphrase)? {
            Trace::Nothing => {
                record()?;
                self.put_ca(&paths, ca, passphrase, Overwrite::Refuse, &usual)
            }
            Trace::Key => {
                record()?;
                let certificate = ca.certificate().to_pem();
                self.put_certificate(&paths, &certificate, Overwrite::Refuse, &usual.for_ca())
            }
            Trace::OtherKey(found) => Err(self.store.existing_ca(found, true)),
            Trace::Found(found) => Err(self.store.existing_ca(found, false)),
        }
    }

    /// Writes a new CA and replaces the old one. If only the new CA is trusted, the certificates of
    /// the old CA are no longer accepted.
    ///
    /// The old files are kept as `ca-replaced-SERIAL.pem` and `ca-replaced-SERIAL-key.pem`, or with
    /// the layout's equivalent names. Their paths are returned. The other CAs of the old trust
    /// bundle follow the new one.
    ///
    /// # Errors
    ///
    /// [`Error::Rotation`] during a rotation; [`Error::ExistingCa`] if the directory has no such
    /// CA, but files of another layout;
    /// [`Error::Malformed`] if no key shows which CA of a trust bundle is replaced; the errors of
    /// [`LockedStore::write`].
    pub fn replace_ca(
        &self,
        kind: CaKind,
        ca: &CertificateAuthority,
        passphrase: Option<&Passphrase>,
    ) -> Result<Option<PairPaths>> {
        let paths = self.store.layout.ca(kind);
        let usual = Attributes::default();
        let exists = |path: &Path| self.store.directory.join(path).symlink_metadata().is_ok();
        let link = paths.rotation(RotationFile::Link).certificate;
        let next = paths.rotation(RotationFile::Next).key;
        if let Some(file) = [link, next].into_iter().find(|path| exists(path)) {
            return Err(Error::Rotation {
                directory: self.store.directory.clone(),
                reason: format!("{} shows that a rotation is not finished", file.display()),
                hint: "nothing was changed; finish the rotation of this CA or undo it, and then replace the CA".to_owned(),
            });
        }
        if kind == CaKind::Client && !exists(&paths.certificate) && !exists(&paths.key) {
            let common_name = ca.certificate().common_name();
            self.store.check_other_layout(common_name.as_deref())?;
        }
        let kept = self.keep_ca(&paths, ca.certificate(), passphrase)?;
        let others = kept.iter().flat_map(|kept| kept.others.iter().cloned());
        let bundle: Vec<_> = iter::once(ca.certificate().clone()).chain(others).collect();
        let texts = ca_texts(ca, &bundle, passphrase)?;
        let record = self.record(&new_root(ca), &usual);
        match record.and_then(|()| self.put_over_kept(&paths, &texts, &usual.for_ca())) {
            Ok(()) => Ok(kept.map(|kept| kept.paths.below(&self.store.directory))),
            Err(error) => {
                if let Some(kept) = kept {
                    kept.undo();
                }
                Err(error)
            }
        }
    }

    /// Writes the renewed certificate of an existing CA with the same key, and replaces the old
    /// certificate. The rest of the trust bundle does not change.
    ///
    /// # Errors
    ///
    /// [`Error::KeyMismatch`] for the certificate of another CA; [`Error::IssuedByAnotherCa`] for a
    /// root that would replace an intermediate CA; [`Error::Unacceptable`] for a certificate that
    /// would make etcd refuse a leaf that it now accepts; the errors of [`LockedStore::write`].
    pub fn renew_ca(&self, kind: CaKind, ca: &CertificateAuthority) -> Result<()> {
        let paths = self.store.layout.ca(kind);
        self.check_leaves(&paths, ca.certificate())?;
        let usual = Attributes::default();
        let renewed = ca.certificate();
        // A certificate that another CA issued is in the record of that CA
        let issued = renewed
            .is_self_signed()
            .then(|| Issuance::of_renewed_ca(renewed));
        self.put_renewed_ca(&paths, renewed, &usual, || {
            self.record(issued.as_slice(), &usual)
        })
    }

    /// Checks that leaves of intermediate CAs below this CA stay accepted. The renewed CA may have
    /// another path length.
    fn check_leaves(&self, paths: &PairPaths, renewed: &Certificate) -> Result<()> {
        let file = read_existing_below(&self.store.directory, &paths.certificate)?;
        let bundle = verify::held_bundle(&file).0;
        let bundle = bundle.map_err(|error| error.in_file(&paths.certificate))?;
        let is_renewed = |one: &Certificate| {
            one.public_key() == renewed.public_key() && one.subject() == renewed.subject()
        };
        for path in self.store.certificate_files()? {
            // Files that cannot be read are reported as other findings
            let certificates = read_certificates(&path).unwrap_or_default();
            let [leaf, chain @ ..] = &certificates[..] else {
                continue;
            };
            if leaf.is_ca() || leaf.names_issuer(renewed) {
                continue;
            }
            let above = cas_above(leaf, &[chain, &bundle].concat());
            let Some(place) = above.iter().position(is_renewed) else {
                continue;
            };
            let below = &above[..place];
            let new = [below, slice::from_ref(renewed)].concat();
            if limit(&above[..=place]).is_none()
                && let Some(finding) = limit(&new)
            {
                return Err(unacceptable(finding).in_file(path));
            }
        }
        Ok(())
    }

    /// Writes the renewed certificate of the CA with these files. Calls `record` before.
    pub(crate) fn put_renewed_ca(
        &self,
        paths: &PairPaths,
        renewed: &Certificate,
        attributes: &Attributes,
        record: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        let path = self.store.directory.join(&paths.certificate);
        let file = read_existing_below(&self.store.directory, &paths.certificate)?;
        let text = replaced(&file, renewed).map_err(|error| error.in_file(&path))?;
        record()?;
        self.put_certificate(paths, &text, Overwrite::Replace, attributes)
    }

    /// Whether a certificate in the store names a CA by its serial number. Then the CA must keep
    /// this number when it is renewed.
    ///
    /// # Errors
    ///
    /// The errors of [`Store::certificates`].
    pub fn names_ca_by_serial(&self, ca: &Certificate) -> Result<bool> {
        let certificates = self.store.certificates()?;
        let serial_number = ca.serial_number();
        // A root may name itself by its serial number
        let mut others = certificates.iter().filter(|(_, other)| other != ca);
        Ok(others.any(|(_, leaf)| leaf.names_issuer_by_serial(serial_number)))
    }

    /// Writes a CA to the files of a pair.
    pub(crate) fn put_ca(
        &self,
        paths: &PairPaths,
        ca: &CertificateAuthority,
        passphrase: Option<&Passphrase>,
        overwrite: Overwrite,
        attributes: &Attributes,
    ) -> Result<()> {
        let texts = ca_texts(ca, slice::from_ref(ca.certificate()), passphrase)?;
        self.put_pairs(&[(paths, texts)], overwrite, &attributes.for_ca())
    }
}

/// The certificate of a new CA for the record.
fn new_root(ca: &CertificateAuthority) -> Vec<Issuance> {
    let certificate = ca.certificate();
    // A certificate that another CA issued is in the record of that CA
    let root = certificate.is_self_signed();
    root.then(|| Issuance::of_new_ca(certificate))
        .into_iter()
        .collect()
}

/// The contents of a CA's files, with this trust bundle.
fn ca_texts(
    ca: &CertificateAuthority,
    bundle: &[Certificate],
    passphrase: Option<&Passphrase>,
) -> Result<PairTexts> {
    let elsewhere = || Error::Signer {
        reason: "the key of this CA is not in this process".to_owned(),
    };
    let key = ca.key().ok_or_else(elsewhere)?;
    let key = match passphrase {
        Some(passphrase) => Zeroizing::new(key.to_encrypted_pem(passphrase)?),
        None => key.to_secret_pem(),
    };
    Ok(PairTexts {
        key,
        certificate: bundle::all_pem(bundle),
    })
}

/// The contents of a trust bundle with the renewed certificate of one of its CAs. The file is
/// rewritten in another form if etcd could not read the certificate in the current form. This is an
/// error if the file contains other things than certificates.
fn replaced(file: &[u8], renewed: &Certificate) -> Result<Vec<u8>> {
    let bundle = verify::held_bundle(file).0?;
    let key = renewed.public_key();
    let current = bundle::place_of_key(&bundle, key).and_then(|place| bundle.get(place));
    let Some(current) = current else {
        let first = bundle.first().map(Certificate::public_key).unwrap_or(key);
        return Err(Error::KeyMismatch {
            expected: first.fingerprint_sha256(),
            found: key.fingerprint_sha256(),
        });
    };
    if renewed.is_self_signed() {
        check_self_signed(current)?;
    }
    let text = bundle::with_replaced(file, current, renewed)?;
    if unread(&text, renewed).is_none() {
        return Ok(text);
    }
    let has_others = !pem::is_der(file) && pem::read("certificate", file)?.len() != bundle.len();
    let text = if has_others {
        text
    } else {
        let new = |one: &Certificate| if one == current { renewed } else { one }.clone();
        bundle::all_pem(&bundle.iter().map(new).collect::<Vec<_>>()).into_bytes()
    };
    match unread(&text, renewed) {
        None => Ok(text),
        Some(finding) => Err(Error::malformed("CA", finding)),
    }
}

/// A restriction of these CAs that refuses a leaf, regardless of the time. The first CA is the
/// issuer of the leaf.
fn limit(cas: &[Certificate]) -> Option<Finding> {
    let (issuer, above) = cas.split_first()?;
    let checked = SigningChain::new(issuer.clone(), above.to_vec()).check_cas(clock::now(), false);
    let is_of_time =
        |one: &Finding| matches!(one, Finding::Expired { .. } | Finding::NotYetValid { .. });
    checked.err().filter(|finding| !is_of_time(finding))
}

/// The reason why etcd would not trust a certificate in this file; `None` if it would.
fn unread(file: &[u8], certificate: &Certificate) -> Option<Finding> {
    let (read, refused) = verify::held_certificates(Use::TrustedCa, file);
    let is_read = read.is_ok_and(|all| all.contains(certificate));
    refused.or_else(|| verify::skipped_blocks(file).filter(|_| !is_read))
}

/// Loads a CA from any two files as [`read_ca`] does, even if it has expired, so that it can
/// be renewed.
///
/// # Errors
///
/// The errors of [`Store::ca_for_renewal`].
pub fn read_ca_to_renew(
    certificate: &Path,
    key: &Path,
    passphrase: Option<&Passphrase>,
    now: SystemTime,
) -> Result<CertificateAuthority> {
    let loading = Loading {
        passphrase,
        even_if_expired: true,
        now,
    };
    loading.load_files(certificate, key)
}

/// Loads a CA from any two files. An encrypted key requires the passphrase. The files may be pipes,
/// and then this waits for them.
///
/// # Errors
///
/// The errors of [`Store::ca`].
pub fn read_ca(
    certificate: &Path,
    key: &Path,
    passphrase: Option<&Passphrase>,
    now: SystemTime,
) -> Result<CertificateAuthority> {
    let loading = Loading {
        passphrase,
        even_if_expired: false,
        now,
    };
    loading.load_files(certificate, key)
}

/// How a CA is loaded from two files.
struct Loading<'a> {
    passphrase: Option<&'a Passphrase>,
    /// Whether the CA may have expired, because it will be renewed
    even_if_expired: bool,
    now: SystemTime,
}

impl Loading<'_> {
    fn load_files(&self, certificate: &Path, key: &Path) -> Result<CertificateAuthority> {
        let paths = PairPaths {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        };
        let files = (read_file(certificate)?, Zeroizing::new(read_file(key)?));
        self.load(&paths, (&files.0, &files.1))
    }

    /// Creates a CA from the contents of two files: its certificates and its key.
    fn load(
        &self,
        paths: &PairPaths,
        (certificates, private_key): (&[u8], &[u8]),
    ) -> Result<CertificateAuthority> {
        let PairPaths { certificate, key } = paths;
        let (certificates, _) = verify::held_bundle(certificates);
        let certificates = certificates.map_err(|error| error.in_file(certificate))?;
        let private_key = PrivateKey::from_bytes(private_key, self.passphrase)
            .map_err(|error| error.in_file(key))?;
        let own = bundle::place_of_key(&certificates, private_key.public_key());
        let own = own.and_then(|place| certificates.get(place));
        let now = match own {
            // It was valid until then
            Some(own) if self.even_if_expired => own.not_after().min(self.now),
            _ => self.now,
        };
        let loaded = CertificateAuthority::load_at(certificates, private_key, now);
        loaded.map_err(|error| match error {
            Error::KeyMismatch { .. } => error.in_file(key),
            error => error.in_file(certificate),
        })
    }
}

#[cfg(test)]
mod tests;
