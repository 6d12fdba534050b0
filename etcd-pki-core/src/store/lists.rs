//! Reads and writes the revocation lists of a directory.

mod recorded;

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{
    Store,
    locked::LockedStore,
    permissions::Attributes,
    read::{read_below, read_certificates, read_existing_below},
};
use crate::{
    ca::CertificateAuthority,
    error::{Error, Result},
    key::Passphrase,
    layout::{CaKind, FileKind, PairPaths, RotationFile, is_idle_ca},
    limits, pem,
    role::Role,
    signing,
    text::{self, printable},
    time::{clock, validity::Validity},
    verify,
    x509::{
        bundle::place_of_key,
        certificate::Certificate,
        revocation_list::{NewRevocationList, RevocationList, Revoked, WHAT},
        serial::SerialNumber,
    },
};

/// The time after a certificate's end at which its entry is dropped. Hosts may have different
/// clocks.
const AFTER_END: Duration = Duration::from_secs(86_400);
/// The first line of the file in PEM
const HEADER: &str =
    "# Revoked certificates: serial number, end, issuer (SHA-256 of its name), subject\n";
/// The digits of an issuer in the file in PEM
const DIGITS: usize = 16;

/// A revoked certificate, with what is known about it.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) entry: Revoked,
    pub(crate) subject: Option<String>,
    pub(crate) not_after: Option<SystemTime>,
    /// Whether it is known to be a member's certificate
    pub(crate) is_member: bool,
}

impl Known {
    /// The entry of a certificate.
    pub(crate) fn of(certificate: &Certificate, entry: Revoked) -> Self {
        Self {
            entry,
            subject: Some(certificate.subject()),
            not_after: Some(certificate.not_after()),
            is_member: certificate.role() == Some(Role::Member),
        }
    }
}

/// The certificates of a directory that a user names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner<'a> {
    /// Those of a client
    Client(&'a str),
    /// Those of a host: a member's or node's, and the admin's next to it
    Host(&'a str),
    /// The one with this serial number
    Serial(&'a SerialNumber),
}

/// The revocation lists of a directory. CAs of the directory signed them.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    /// The list in DER
    pub(crate) list: Option<RevocationList>,
    /// The lists in PEM
    own: Vec<RevocationList>,
    notes: HashMap<NoteKey, Note>,
    /// The certificates of the CAs of the directory
    cas: Vec<Certificate>,
}

/// The issuer, abbreviated, and the serial number.
type NoteKey = (String, SerialNumber);

/// A line about a certificate in the file in PEM. A list itself has neither its subject nor its
/// end.
#[derive(Clone, Debug)]
struct Note {
    not_after: Option<SystemTime>,
    subject: Option<String>,
}

/// A change of the lists of a directory.
pub(crate) struct ListChange<'a> {
    /// The CAs that sign. The first one signs the list in DER
    pub(crate) signers: &'a [CertificateAuthority],
    pub(crate) added: Vec<Known>,
    pub(crate) validity: Validity,
    pub(crate) now: SystemTime,
}

/// The lists that were written.
#[derive(Debug)]
pub(crate) struct WrittenLists {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) list: RevocationList,
    /// The new entries
    pub(crate) added: Vec<Known>,
    /// The entries that the list already had
    pub(crate) already: Vec<Known>,
    /// The entries of certificates that expired
    pub(crate) dropped: Vec<Known>,
}

impl Store {
    /// Reads the revocation lists, never through a symbolic link below the directory. An empty file
    /// counts as missing.
    ///
    /// # Errors
    ///
    /// Inside [`Error::File`]: [`Error::Malformed`] for a list that etcd does not read, and
    /// [`Error::Signature`] for one that no CA of the directory signed.
    pub(crate) fn lists(&self) -> Result<Lists> {
        let paths = self.layout.revocation_lists();
        let read = |path: &Path| -> Result<Option<Vec<u8>>> {
            let bytes = read_below(&self.directory, path)?;
            Ok(bytes.filter(|bytes| bytes.iter().any(|byte| *byte != 0)))
        };
        let mut lists = Lists {
            cas: self.list_cas()?,
            ..Lists::default()
        };
        if let Some(bytes) = read(&paths.der)? {
            let list = in_der(&bytes).and_then(|list| lists.checked(list));
            lists.list =
                Some(list.map_err(|error| error.in_file(self.directory.join(&paths.der)))?);
        }
        if let Some(bytes) = read(&paths.pem)? {
            let all = RevocationList::all_from_bytes(&bytes);
            let all = all.and_then(|all| lists.all_checked(all));
            lists.own = all.map_err(|error| error.in_file(self.directory.join(&paths.pem)))?;
            lists.notes = notes(&bytes);
        }
        Ok(lists)
    }

    /// The certificates of the CAs in the directory, also of those that were replaced.
    pub(crate) fn list_cas(&self) -> Result<Vec<Certificate>> {
        let mut cas = Vec::new();
        for kind in CaKind::ALL {
            let path = self.layout.ca(kind).certificate;
            if let Some(bytes) = read_below(&self.directory, &path)? {
                let bundle = verify::held_bundle(&bytes).0;
                cas.extend(bundle.map_err(|error| error.in_file(self.directory.join(&path)))?);
            }
        }
        if let Ok(files) = self.certificate_files() {
            let replaced = files.iter().filter(|path| is_idle_ca(path));
            cas.extend(replaced.flat_map(|path| read_certificates(path).unwrap_or_default()));
        }
        Ok(cas)
    }

    /// The certificate of a CA with this serial number, in any file of the directory.
    pub(crate) fn ca_with_serial(&self, serial: &SerialNumber) -> Result<Option<Certificate>> {
        let files = self.certificates()?.into_iter();
        let others = files.map(|(_, certificate)| certificate);
        let mut cas = self.list_cas()?.into_iter().chain(others);
        Ok(cas.find(|ca| ca.is_ca() && ca.serial_number() == serial))
    }

    /// The CAs of the directory with a key here. The signing CA comes first, and then the peer CA
    /// and, during a rotation, the next and the previous CA.
    pub(crate) fn list_signers(
        &self,
        passphrase: Option<&Passphrase>,
        now: SystemTime,
    ) -> Result<Vec<CertificateAuthority>> {
        let store = self.at(now);
        let mut signers = vec![store.load(&self.layout.ca(CaKind::Client), passphrase)?];
        let peer = self.layout.ca(CaKind::Peer);
        if read_below(&self.directory, &peer.key)?.is_some()
            && read_below(&self.directory, &peer.certificate)?.is_some()
        {
            signers.push(store.load(&peer, passphrase)?);
        }
        for kind in CaKind::ALL {
            let own = self.layout.ca(kind);
            for file in [RotationFile::Next, RotationFile::Previous] {
                let paths = PairPaths {
                    certificate: own.certificate.clone(),
                    key: own.rotation(file).key,
                };
                signers.extend(self.further_signer(&paths, passphrase));
            }
        }
        let mut seen = HashSet::new();
        signers.retain(|ca| seen.insert(ca.certificate().public_key().clone()));
        Ok(signers)
    }

    /// The certificate of the signing CA. Its key may be encrypted or elsewhere.
    pub(crate) fn signing_ca(&self) -> Result<Certificate> {
        let paths = self.layout.ca(CaKind::Client);
        let bytes = read_existing_below(&self.directory, &paths.certificate)?;
        let path = self.directory.join(&paths.certificate);
        let bundle = verify::held_bundle(&bytes).0;
        let mut bundle = bundle.map_err(|error| error.in_file(&path))?;
        let key = self.load_ca_key(&paths, None).ok();
        let place = key.and_then(|key| place_of_key(&bundle, key.public_key()));
        if bundle.is_empty() {
            return Err(Error::MissingBlock {
                what: "certificate",
                found: Vec::new(),
            }
            .in_file(path));
        }
        Ok(bundle.swap_remove(place.unwrap_or(0)))
    }

    /// A further CA of a trust bundle, if its key is here and can sign. The list in DER has its
    /// certificates even without its key.
    fn further_signer(
        &self,
        paths: &PairPaths,
        passphrase: Option<&Passphrase>,
    ) -> Option<CertificateAuthority> {
        let key = self.load_ca_key(paths, passphrase).ok()?;
        let bytes = read_below(&self.directory, &paths.certificate).ok()??;
        let bundle = verify::held_bundle(&bytes).0.ok()?;
        place_of_key(&bundle, key.public_key())?;
        CertificateAuthority::load(bundle, key).ok()
    }

    /// The certificates in the directory that belong to these owners, and that one of its CAs
    /// issued, each with the place of its owner.
    pub(crate) fn certificates_of_all(
        &self,
        owners: &[Owner<'_>],
    ) -> Result<Vec<(usize, Certificate)>> {
        if owners.is_empty() {
            return Ok(Vec::new());
        }
        let cas = self.list_cas()?;
        let mut found = Vec::new();
        for (path, certificate) in self.certificates()? {
            if certificate.is_ca() {
                continue;
            }
            let is_of = |owner: &Owner<'_>| match owner {
                Owner::Serial(serial) => certificate.serial_number() == *serial,
                Owner::Client(name) => self.is_of_client(&path, &certificate, name),
                Owner::Host(name) => self.is_of_host(&path, &certificate, name),
            };
            let places = owners.iter().enumerate().filter(|(_, owner)| is_of(owner));
            let mut places = places.peekable();
            // A directory may have thousands of other certificates, with signatures to verify
            if places.peek().is_none() || !is_issued_by_any(&certificate, &cas) {
                continue;
            }
            found.extend(places.map(|(place, _)| (place, certificate.clone())));
        }
        Ok(found)
    }

    fn is_of_client(&self, path: &Path, certificate: &Certificate, name: &str) -> bool {
        let below = path.strip_prefix(&self.directory).unwrap_or(path);
        match self.layout.identify(below) {
            Some(found) if found.kind == FileKind::Client => found.name == name,
            // A file with the name of a host belongs to that host
            Some(found) if self.layout.names_hosts() && found.kind != FileKind::Admin => false,
            _ => certificate.common_name().as_deref() == Some(name),
        }
    }

    fn is_of_host(&self, path: &Path, certificate: &Certificate, name: &str) -> bool {
        let below = path.strip_prefix(&self.directory).unwrap_or(path);
        let Some(found) = self.layout.identify(below) else {
            return false;
        };
        if matches!(
            found.kind,
            FileKind::Client | FileKind::Ca(_) | FileKind::ReplacedCa(_)
        ) {
            return false;
        }
        if !found.name.is_empty() || found.host.is_some() {
            return found.name == name || found.host.as_deref() == Some(name);
        }
        // The names of the layout have no host, so this is the directory of one host
        let common_name = certificate.common_name().unwrap_or_default();
        let prefixes = ["", "etcd-member-", "etcd-node-", "etcd-admin-"];
        prefixes
            .iter()
            .any(|prefix| common_name == format!("{prefix}{name}"))
    }
}

/// Whether one of these CAs signed a certificate. If etcd-pki does not support the algorithm, the
/// name decides.
pub(crate) fn is_issued_by_any(certificate: &Certificate, cas: &[Certificate]) -> bool {
    cas.iter().any(|ca| match certificate.check_issued_by(ca) {
        Err(Error::Unsupported { .. }) => certificate.names_issuer(ca),
        checked => checked.is_ok(),
    })
}

impl Lists {
    /// The list, if a CA of the directory signed it.
    fn checked(&self, list: RevocationList) -> Result<RevocationList> {
        let mut failure = None;
        for ca in &self.cas {
            match list.check_issued_by(ca) {
                Ok(()) => return Ok(list),
                Err(error) if ca.subject() == list.issuer() => failure = Some(error),
                Err(_) => {}
            }
        }
        Err(failure.unwrap_or_else(|| Error::Signature {
            what: WHAT,
            reason: format!("its issuer {} is no CA of this directory", list.issuer()),
        }))
    }

    /// The lists of a file in PEM that CAs of the directory signed. A list of a CA that is no
    /// longer in the directory is left out if the file has another one: a rotation leaves such
    /// lists.
    fn all_checked(&self, all: Vec<RevocationList>) -> Result<Vec<RevocationList>> {
        let is_known = |list: &RevocationList| {
            let issuer = list.issuer();
            self.cas.iter().any(|ca| ca.subject() == issuer)
        };
        let has_known = all.iter().any(is_known);
        let kept = all.into_iter().filter(|list| !has_known || is_known(list));
        kept.map(|list| self.checked(list)).collect()
    }

    /// Whether the list in DER has an entry of the same certificate.
    pub(crate) fn has(&self, entry: &Revoked) -> bool {
        let list = self.list.iter();
        let mut same = list.flat_map(|list| list.revoked_serials(entry.serial_number()));
        same.any(|other| other.issuer_der() == entry.issuer_der())
    }

    /// The first entry of the list in DER with a serial number.
    pub(crate) fn entry_with_serial(&self, serial: &SerialNumber) -> Option<&Revoked> {
        self.list.as_ref()?.revoked_serial(serial)
    }

    /// All entries of all files, each once, with what is known about them.
    pub(crate) fn entries(&self) -> Vec<Known> {
        let mut seen = HashSet::new();
        let lists = self.list.iter().chain(&self.own);
        let entries = lists.flat_map(RevocationList::entries);
        let entries = entries.filter(|entry| {
            seen.insert((entry.issuer_der().to_vec(), entry.serial_number().clone()))
        });
        entries.map(|entry| self.known(entry)).collect()
    }

    /// An entry with the line about it.
    pub(crate) fn known(&self, entry: &Revoked) -> Known {
        let note = self.notes.get(&key_of(entry));
        Known {
            entry: entry.clone(),
            subject: note.and_then(|note| note.subject.clone()),
            not_after: note.and_then(|note| note.not_after),
            is_member: false,
        }
    }
}

impl LockedStore {
    /// Signs new lists with all entries of the old ones, and writes them with mode 0644. Entries of
    /// certificates that expired more than a day ago are dropped.
    ///
    /// # Errors
    ///
    /// The errors of [`Store::lists`]; those of signing and writing. After an error, the old lists
    /// are unchanged.
    pub(crate) fn change_lists(
        &self,
        change: ListChange<'_>,
        attributes: &Attributes,
    ) -> Result<WrittenLists> {
        let store = self.store();
        let lists = store.lists()?;
        let mut known = lists.entries();
        let mut places: HashMap<_, usize> = HashMap::new();
        for (place, one) in known.iter().enumerate() {
            places.insert(key_of(&one.entry), place);
        }
        let (mut added, mut already) = (Vec::new(), Vec::new());
        for one in change.added {
            let key = key_of(&one.entry);
            match places.get(&key) {
                Some(place) => {
                    let old = &mut known[*place];
                    old.subject = one.subject.or(old.subject.take());
                    old.not_after = one.not_after.or(old.not_after);
                    if lists.entry_with_serial(old.entry.serial_number()).is_some() {
                        already.push(old.clone());
                    } else {
                        // An interrupted run wrote only the file in PEM
                        added.push(old.clone());
                    }
                }
                None => {
                    places.insert(key, known.len());
                    known.push(one.clone());
                    added.push(one);
                }
            }
        }
        store.complete(&mut known)?;
        let is_expired = |one: &Known| {
            let end = one.not_after.or_else(|| lists.end_of_ca(&one.entry));
            end.is_some_and(|end| end + AFTER_END < change.now)
        };
        let (dropped, kept): (Vec<_>, Vec<_>) = known.into_iter().partition(is_expired);
        limits::check(WHAT, kept.len(), limits::LISTED, "revoked certificates")?;
        let (list, own) = sign(change.signers, &lists, &kept, change.validity, change.now)?;
        let pem = pem_file(&kept, &own);
        let paths = store.layout().revocation_lists();
        check_written(&list, pem.as_bytes(), &own)?;
        // After an interrupted run, the file in PEM is complete, and etcd still has the old list
        let files = [(&*paths.pem, pem.as_bytes()), (&*paths.der, list.as_der())];
        self.put_lists(&files, attributes)?;
        let paths = paths.below(store.directory());
        Ok(WrittenLists {
            files: vec![paths.der, paths.pem],
            list,
            added,
            already,
            dropped,
        })
    }
}

impl Lists {
    /// The end of the CA that issued a certificate. It is later than that of the certificate.
    fn end_of_ca(&self, entry: &Revoked) -> Option<SystemTime> {
        let is_issuer = |ca: &&Certificate| {
            let name = ca.subject_der();
            name.is_ok_and(|name| name == entry.issuer_der())
        };
        let issuers = self.cas.iter().filter(is_issuer);
        issuers.map(Certificate::not_after).max()
    }
}

impl Store {
    /// Adds the ends and subjects of certificates that are in the directory.
    fn complete(&self, known: &mut [Known]) -> Result<()> {
        if known.iter().all(|one| one.not_after.is_some()) {
            return Ok(());
        }
        let certificates = self.certificates()?;
        let mut by_serial: HashMap<&SerialNumber, Vec<&Certificate>> = HashMap::new();
        for (_, certificate) in &certificates {
            let same = by_serial.entry(certificate.serial_number()).or_default();
            same.push(certificate);
        }
        for one in known.iter_mut().filter(|one| one.not_after.is_none()) {
            let same = by_serial.get(one.entry.serial_number());
            let mut same = same.into_iter().flatten();
            if let Some(certificate) = same.find(|certificate| one.entry.is_of(certificate)) {
                *one = Known::of(certificate, one.entry.clone());
            }
        }
        Ok(())
    }
}

/// Reads the list for etcd.
fn in_der(bytes: &[u8]) -> Result<RevocationList> {
    if pem::is_pem(bytes) {
        return Err(Error::malformed(WHAT, "it is PEM, and etcd reads only DER"));
    }
    RevocationList::from_der(bytes)
}

/// Signs the list over all CAs, and the list of each CA with a key here.
fn sign(
    signers: &[CertificateAuthority],
    lists: &Lists,
    kept: &[Known],
    validity: Validity,
    now: SystemTime,
) -> Result<(RevocationList, Vec<RevocationList>)> {
    let Some(signing) = signers.first() else {
        return Err(Error::MissingBlock {
            what: "private key of its CA",
            found: Vec::new(),
        });
    };
    let content = |entries: Vec<Revoked>| {
        let content = NewRevocationList::new(entries).with_validity(validity);
        let old = lists.list.iter().chain(&lists.own);
        old.fold(content, |content, list| content.following(list))
    };
    let entries = |is_in: &dyn Fn(&Revoked) -> bool| {
        let entries = kept.iter().map(|one| &one.entry);
        entries.filter(|entry| is_in(entry)).cloned().collect()
    };
    let all = content(entries(&|_| true)).indirect();
    let list = signing.at(now).sign_revocation_list(&all)?;
    let own = signers.iter().map(|ca| {
        let name = ca.certificate().subject_der()?;
        let of_ca = content(entries(&|entry| entry.issuer_der() == name));
        ca.at(now).sign_revocation_list(&of_ca)
    });
    Ok((list, own.collect::<Result<_>>()?))
}

/// Reads the new contents again, before they are written.
fn check_written(list: &RevocationList, pem: &[u8], own: &[RevocationList]) -> Result<()> {
    let is_same = in_der(list.as_der())? == *list && RevocationList::all_from_bytes(pem)? == own;
    match is_same {
        true => Ok(()),
        false => Err(Error::malformed(
            WHAT,
            "it cannot be read as it was written",
        )),
    }
}

/// The file in PEM: a line about each certificate, and the list of each CA. Programs that read PEM
/// ignore text before a block (RFC 7468, section 2).
fn pem_file(known: &[Known], own: &[RevocationList]) -> String {
    let mut text = String::new();
    if !known.is_empty() {
        text.push_str(HEADER);
    }
    for one in known {
        let (issuer, serial) = key_of(&one.entry);
        let end = one.not_after.map_or("-".to_owned(), clock::rfc3339);
        let subject = one.subject.as_deref().unwrap_or("-");
        // A name must not look like the beginning of a block
        let subject = text::excerpt(subject).replace("--", "- -");
        let line = format!("# {serial}, {end}, {issuer}, {subject}");
        text.push_str(&printable(&line));
        text.push('\n');
    }
    text.extend(own.iter().map(RevocationList::to_pem));
    text
}

/// Reads the lines about certificates. Other text is ignored.
fn notes(bytes: &[u8]) -> HashMap<NoteKey, Note> {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().filter_map(|line| line.strip_prefix("# "));
    let notes = lines.filter_map(|line| {
        let mut fields = line.splitn(4, ", ");
        let serial = fields.next()?.parse::<SerialNumber>().ok()?;
        let not_after = clock::parse_rfc3339(fields.next()?);
        let issuer = fields.next()?.to_owned();
        let subject = fields.next().filter(|subject| *subject != "-");
        let note = Note {
            not_after,
            subject: subject.map(str::to_owned),
        };
        Some(((issuer, serial), note))
    });
    notes.collect()
}

fn key_of(entry: &Revoked) -> NoteKey {
    let mut issuer = text::upper_hex(&signing::sha256(entry.issuer_der()));
    issuer.truncate(DIGITS);
    (issuer, entry.serial_number().clone())
}

#[cfg(test)]
mod tests;
