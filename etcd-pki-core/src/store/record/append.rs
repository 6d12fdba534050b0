//! Appends to a record: all certificates of a batch with one write and one sync.

use std::{
    collections::HashSet,
    ffi::OsStr,
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use super::line::{Line, link_to, mark_of_issuer};
use crate::{
    ca::CertificateAuthority,
    error::{Error, RECORD_FILE, Result},
    layout::{CaKind, Layout},
    limits,
    store::{
        Attributes, Stamp,
        directory::Directory,
        draft::Draft,
        lock::is_store,
        path::{canonical, check_only_name, io_error, irregular, parent},
        permissions::{give, trusted_owner, user_name},
    },
    time::clock,
    x509::certificate::Certificate,
};

const MODE: u32 = 0o600;
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(5);
/// The bytes that are read at the end of a record. A line has about 600
const WINDOW: usize = 64 * 1024;
/// The bytes that are read at once to find the first certificate of a CA
const CHUNK: usize = 1024 * 1024;

/// A certificate that was issued, for the record of its CA.
#[derive(Clone, Debug)]
#[must_use]
pub struct Issuance {
    line: Line,
    /// SHA-256 of the CA's public key
    issuer_key: String,
    /// Since when the record is complete if this is the first certificate of its CA
    since: SystemTime,
}

impl Issuance {
    /// A certificate that this CA signed.
    pub fn new(certificate: &Certificate, ca: &CertificateAuthority) -> Self {
        Self::signed_by(certificate, ca.certificate())
    }

    /// A certificate that the CA with this certificate signed.
    pub(crate) fn signed_by(certificate: &Certificate, ca: &Certificate) -> Self {
        let now = clock::now();
        let issuer_key = ca.public_key().fingerprint_sha256();
        Self {
            line: Line::of(certificate, &issuer_key, now),
            issuer_key,
            since: now,
        }
    }

    /// The renewed certificate of a root CA.
    pub fn of_renewed_ca(ca: &Certificate) -> Self {
        Self::signed_by(ca, ca)
    }

    /// The certificate of a root CA that was created now, so that the record has everything that it
    /// issued.
    pub fn of_new_ca(ca: &Certificate) -> Self {
        Self {
            since: ca.not_before(),
            ..Self::of_renewed_ca(ca)
        }
    }

    /// Adds who requested the certificate: a host, or the subject of a request.
    pub fn with_requester(self, requester: impl Into<String>) -> Self {
        Self {
            line: self.line.requested_by(requester.into()),
            ..self
        }
    }
}

/// Adds certificates to the record next to the certificate file of their CA. The entries are on the
/// disk before this returns. Symbolic links in the path are followed.
///
/// Call it if a CA of a directory signs a certificate that no
/// [`LockedStore`](crate::store::LockedStore) writes. Return or write the certificate only
/// afterwards.
///
/// # Errors
///
/// [`Error::Io`], [`Error::SymbolicLink`], [`Error::NotAFile`], [`Error::Locked`];
/// [`Error::Blocked`] for a record that belongs to another user, or has a second name.
pub fn record_issued(ca_certificate: &Path, issued: &[Issuance]) -> Result<()> {
    let directory = Directory::open(&directory_of(ca_certificate))?;
    let named = parent(ca_certificate);
    // Messages have the path that the user gave
    let directory = match directory.is_at(named) {
        true => directory.called(named),
        false => directory,
    };
    append(&directory, issued)
}

/// The directory of the record of a CA with this certificate file.
fn directory_of(ca_certificate: &Path) -> PathBuf {
    match ca_certificate.canonicalize() {
        Ok(file) => parent(&file).to_owned(),
        // The file does not exist yet
        Err(_) => canonical(parent(ca_certificate)),
    }
}

/// The record of a CA that its two files name, if these are the files of a directory. A directory
/// has a record or a lock file of etcd-pki, or the key has the name of a CA key in a layout. The
/// record need not exist.
#[must_use]
pub fn record_path(ca_certificate: &Path, ca_key: &Path) -> Option<PathBuf> {
    let directory = directory_of(ca_certificate);
    let path = directory.join(RECORD_FILE);
    let names_key = |layout: &Layout| {
        let keys = CaKind::ALL.map(|kind| layout.ca(kind).key);
        keys.iter().any(|key| key.file_name() == ca_key.file_name())
    };
    let is_of_layout = Layout::ALL.iter().any(names_key) && directory_of(ca_key) == directory;
    let has_store = || Directory::open(&directory).is_ok_and(|opened| is_store(&opened));
    (path.symlink_metadata().is_ok() || is_of_layout || has_store()).then_some(path)
}

/// Appends certificates to the record of a directory, and creates it if it is missing. If this
/// fails, the record has none of them, or ends with an incomplete line.
pub(in crate::store) fn append(directory: &Directory, issued: &[Issuance]) -> Result<()> {
    if issued.is_empty() {
        return Ok(());
    }
    let name = OsStr::new(RECORD_FILE);
    let path = directory.path_of(name);
    let began = Instant::now();
    loop {
        let Some(file) = open(directory, name, &path)? else {
            match create(directory, name, &path, issued) {
                // Another process created it
                Err(Error::ExistingFile { .. }) => continue,
                created => return created,
            }
        };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) if is_at(directory, name, &file)? => return extend(&file, &path, issued),
            // Another file has replaced this one, or the system interrupted the call
            Ok(()) | Err(Errno::INTR) => {}
            Err(Errno::WOULDBLOCK) => thread::sleep(PAUSE),
            Err(error) => return Err(io_error("lock", &path)(error)),
        }
        if began.elapsed() > PATIENCE {
            return Err(Error::Locked {
                directory: directory.path().to_owned(),
                waited: began.elapsed().as_secs(),
            });
        }
    }
}

/// Whether the file with this name is still the open one.
fn is_at(directory: &Directory, name: &OsStr, file: &File) -> Result<bool> {
    let path = directory.path_of(name);
    let opened = file.metadata().map_err(io_error("read", &path))?;
    let current = directory.metadata(name)?;
    Ok(current
        .is_some_and(|current| (current.dev(), current.ino()) == (opened.dev(), opened.ino())))
}

/// The owner of a CA key in the directory. This user can sign, so the record may belong to this
/// user too.
fn signer(directory: &Directory) -> Result<Option<u32>> {
    for layout in Layout::ALL {
        for key in CaKind::ALL.map(|kind| layout.ca(kind).key) {
            let metadata = directory.metadata(key.file_name().unwrap_or_default())?;
            if let Some(metadata) = metadata.filter(fs::Metadata::is_file) {
                return Ok(Some(metadata.uid()));
            }
        }
    }
    Ok(None)
}

/// Opens an existing record. It must be a regular file with one name. Its owner must be a user who
/// may sign, or who owns the directory.
fn open(directory: &Directory, name: &OsStr, path: &Path) -> Result<Option<File>> {
    let file = match directory.open_to_append(name) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => {
            return Err(Error::SymbolicLink {
                path: path.to_owned(),
            });
        }
        Err(Errno::ISDIR | Errno::NXIO) => return Err(irregular(path)),
        Err(error) => return Err(io_error("write", path)(error)),
    };
    let metadata = file.metadata().map_err(io_error("read", path))?;
    if !metadata.is_file() {
        return Err(irregular(path));
    }
    check_only_name(&metadata, path)?;
    let stamp = Stamp::from(&metadata);
    let current = stamp.account().owner;
    let keeper = directory.own_metadata()?.uid();
    if !trusted_owner(&stamp, &Attributes::default(), keeper) && signer(directory)? != Some(current)
    {
        let owner = user_name(current);
        return Err(Error::Blocked {
            path: path.to_owned(),
            reason: format!("it belongs to {owner}, who could change what was recorded"),
        });
    }
    if stamp.mode() != MODE {
        // Only the owner may set the mode. The entries are no secret, so another mode is accepted
        let _ = give(&file, None, None, MODE);
    }
    Ok(Some(file))
}

/// Creates a record. The file gets its name only after its content is written.
fn create(directory: &Directory, name: &OsStr, path: &Path, issued: &[Issuance]) -> Result<()> {
    let text = text(issued, Tail::default(), |_| Ok(false))?;
    let mut draft = Draft::new(directory)?;
    give(draft.file(), None, None, MODE)
        .and_then(|()| draft.write(text.as_bytes()))
        .and_then(|()| draft.sync())
        .map_err(io_error("write", path))?;
    draft.put_new(directory, name, path)?;
    directory.sync()
}

/// Appends to a locked record.
fn extend(file: &File, path: &Path, issued: &[Issuance]) -> Result<()> {
    let failed = || io_error::<io::Error>("write", path);
    let length = file.metadata().map_err(failed())?.len();
    let (tail, window) = Tail::read(file, length).map_err(failed())?;
    let text = text(issued, tail, |mark| {
        knows(file, length, &window, mark.as_bytes()).map_err(failed())
    })?;
    let mut writer = file;
    let written = writer
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_data());
    written.map_err(|error| {
        // A full disk leaves a part of the lines. If it cannot be removed, the next run skips it
        let _ = file.set_len(length);
        failed()(error)
    })
}

/// The end of a record.
#[derive(Default)]
struct Tail {
    /// The link to the last entry
    previous: Option<String>,
    /// The hash of the bytes after it
    skipped: Option<String>,
    /// Whether the last line has no line feed
    is_open: bool,
}

impl Tail {
    /// Finds the last entry. Also returns the bytes that were read at the end.
    fn read(file: &File, length: u64) -> io::Result<(Self, Vec<u8>)> {
        let mut size = WINDOW;
        loop {
            let window = read_end(file, length, length, size)?;
            let is_whole = window.len() as u64 == length;
            if let Some(tail) = Self::of(&window, is_whole) {
                return Ok((tail, window));
            }
            if is_whole || size >= limits::RECORD_END {
                let tail = Self {
                    previous: None,
                    // The hash covers all bytes after the last entry, so all of them must have been
                    // read
                    skipped: is_whole.then(|| skipped(&window)).flatten(),
                    is_open: window.last().is_some_and(|last| *last != b'\n'),
                };
                return Ok((tail, window));
            }
            size *= 8;
        }
    }

    /// The end of a record in its last bytes; `None` if they have no whole entry.
    fn of(window: &[u8], is_whole: bool) -> Option<Self> {
        let begin = if is_whole {
            0
        } else {
            // The first line may be incomplete
            window.iter().position(|byte| *byte == b'\n')? + 1
        };
        let mut end = window.len();
        while end > begin {
            let lines = &window[begin..end];
            let lines = lines.strip_suffix(b"\n").unwrap_or(lines);
            let line = lines.iter().rposition(|byte| *byte == b'\n');
            let line = line.map_or(0, |feed| feed + 1);
            if Line::parse(&lines[line..]).is_some() {
                return Some(Self {
                    previous: Some(link_to(&lines[line..])),
                    skipped: skipped(&window[end..]),
                    is_open: window.last().is_some_and(|last| *last != b'\n'),
                });
            }
            end = begin + line;
        }
        None
    }
}

/// The hash of bytes that an interrupted write left, as they will be with a line feed.
fn skipped(bytes: &[u8]) -> Option<String> {
    let lines = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    (!bytes.is_empty()).then(|| link_to(lines))
}

/// Up to `size` bytes of a file before a place.
fn read_end(file: &File, length: u64, end: u64, size: usize) -> io::Result<Vec<u8>> {
    let end = end.min(length);
    let begin = end.saturating_sub(size as u64);
    let mut bytes = vec![0; usize::try_from(end - begin).unwrap_or(size)];
    file.read_exact_at(&mut bytes, begin)?;
    Ok(bytes)
}

/// Whether a record contains a text. Each certificate of a CA has the text in its line, so the last
/// bytes are searched first.
fn knows(file: &File, length: u64, window: &[u8], text: &[u8]) -> io::Result<bool> {
    let has = |bytes: &[u8]| bytes.windows(text.len()).any(|part| part == text);
    if has(window) {
        return Ok(true);
    }
    // Two parts overlap, so that no text is cut
    let overlap = text.len() as u64;
    let mut end = (length - window.len() as u64 + overlap).min(length);
    while end > overlap {
        let part = read_end(file, length, end, CHUNK)?;
        if has(&part) {
            return Ok(true);
        }
        if part.len() as u64 == end {
            return Ok(false);
        }
        end = end - part.len() as u64 + overlap;
    }
    Ok(false)
}

/// The lines of certificates. The first one continues the record. The first certificate of a CA has
/// the time since when the record is complete. `knows` returns whether the record has a text.
fn text(issued: &[Issuance], tail: Tail, knows: impl Fn(&str) -> Result<bool>) -> Result<String> {
    let mut text = String::with_capacity(issued.len() * 700);
    if tail.is_open {
        text.push('\n');
    }
    let (mut previous, mut skipped) = (tail.previous, tail.skipped);
    let mut known = HashSet::new();
    for one in issued {
        let mut line = one.line.clone();
        if !known.contains(&one.issuer_key) {
            if !knows(&mark_of_issuer(&one.issuer_key))? {
                line = line.complete_since(one.since);
            }
            known.insert(&one.issuer_key);
        }
        line.previous = previous.take();
        line.skipped = skipped.take();
        let line = line
            .text()
            .map_err(|error| Error::malformed("record", error))?;
        previous = Some(link_to(line.trim_end_matches('\n').as_bytes()));
        text.push_str(&line);
    }
    Ok(text)
}
