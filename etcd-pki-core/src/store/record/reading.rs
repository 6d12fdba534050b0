//! Reads a record line by line, and checks that each line continues the one before.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
};

use super::{
    CheckedRecord, RecordDamage, RecordEntry, RecordedCa,
    line::{Line, link_to},
};
use crate::{
    error::{Error, Result},
    limits,
    signing::Sha256,
    store::path::io_error,
    text::upper_hex,
};

/// Reads a record. Passes each entry to `take`, also those of a damaged record.
pub(super) fn read(
    file: &File,
    length: u64,
    path: &Path,
    take: impl FnMut(RecordEntry),
) -> Result<CheckedRecord> {
    let limit = limits::RECORD;
    if length > limit {
        return Err(Error::TooLarge { limit }.in_file(path));
    }
    let mut reader = BufReader::with_capacity(256 * 1024, file);
    let mut chain = Chain::new(take);
    let mut line = Vec::new();
    let mut total = 0u64;
    loop {
        let bytes = reader.fill_buf().map_err(io_error("read", path))?;
        if bytes.is_empty() {
            break;
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (part, is_end) = end.map_or((bytes, false), |end| (&bytes[..end], true));
        // The first byte beyond the limit shows that the line is too long
        let room = (limits::RECORD_LINE + 1).saturating_sub(line.len());
        line.extend_from_slice(&part[..part.len().min(room)]);
        chain.seen(part);
        let used = part.len() + usize::from(is_end);
        if is_end {
            chain.line(&line);
            line.clear();
        }
        reader.consume(used);
        // The file may grow while it is read
        total = total.saturating_add(used as u64);
        if total > limit {
            return Err(Error::TooLarge { limit }.in_file(path));
        }
    }
    Ok(chain.end(&line))
}

/// The lines so far, and the link that the next line must have.
struct Chain<T> {
    take: T,
    checked: CheckedRecord,
    cas: HashMap<String, usize>,
    /// The number of the current line
    number: usize,
    /// The link to the last entry
    previous: Option<String>,
    /// The number of the line with the last entry
    last: usize,
    /// The bytes after the last entry
    after: Option<Sha256>,
    /// The first line after the last entry that is no entry
    skipped: Option<usize>,
    /// The hash of the bytes before the current line
    before: Option<String>,
}

impl<T: FnMut(RecordEntry)> Chain<T> {
    fn new(take: T) -> Self {
        Self {
            take,
            checked: CheckedRecord::default(),
            cas: HashMap::new(),
            number: 1,
            previous: None,
            last: 0,
            after: None,
            skipped: None,
            before: None,
        }
    }

    /// Adds a part of the current line to the bytes after the last entry.
    fn seen(&mut self, part: &[u8]) {
        self.after.get_or_insert_with(Sha256::new).update(part);
    }

    /// Adds a whole line without its line feed.
    fn line(&mut self, bytes: &[u8]) {
        match Line::parse(bytes) {
            Some((line, entry)) => self.entry(bytes, &line, entry),
            None => {
                let after = self.after.get_or_insert_with(Sha256::new);
                after.update(b"\n");
                self.before = Some(upper_hex(&after.clone().finish()));
                self.skipped.get_or_insert(self.number);
            }
        }
        self.number += 1;
    }

    fn entry(&mut self, bytes: &[u8], line: &Line, entry: RecordEntry) {
        let before = self.before.take();
        let skipped = self.skipped.take();
        self.after = None;
        if line.previous != self.previous {
            self.damaged(match (&self.previous, &line.previous) {
                (None, _) => "the lines before it are missing".to_owned(),
                (Some(_), None) => format!(
                    "it begins a record, and line {} comes before it",
                    self.last
                ),
                (Some(_), Some(_)) => format!(
                    "it does not continue line {}: that line was changed, or lines between them were removed or added",
                    self.last
                ),
            });
        } else if line.skipped != before {
            match skipped {
                Some(number) => self.damaged_at(number, "it is no entry".to_owned()),
                None => {
                    self.damaged("what an interrupted write left before it is missing".to_owned())
                }
            }
        }
        self.previous = Some(link_to(bytes));
        self.last = self.number;
        self.count(&entry);
        (self.take)(entry);
    }

    fn damaged(&mut self, reason: String) {
        self.damaged_at(self.number, reason);
    }

    fn damaged_at(&mut self, line: usize, reason: String) {
        self.checked.damaged += 1;
        if self.checked.damage.len() < limits::RECORD_DAMAGE {
            self.checked.damage.push(RecordDamage { line, reason });
        }
    }

    /// Counts a certificate of its CA.
    fn count(&mut self, entry: &RecordEntry) {
        let cas = &mut self.checked.cas;
        if let Some(ca) = self
            .cas
            .get(&entry.issuer_key)
            .and_then(|place| cas.get_mut(*place))
        {
            ca.certificates += 1;
            return;
        }
        self.cas.insert(entry.issuer_key.clone(), cas.len());
        cas.push(RecordedCa {
            subject: entry.issuer.clone(),
            key: entry.issuer_key.clone(),
            complete_since: entry.complete_since,
            // A record with the renewed certificate of an adopted CA is complete only since it was
            // recorded
            is_from_beginning: entry.is_ca && entry.complete_since == Some(entry.not_before),
            certificates: 1,
        });
    }

    /// Ends the record with a line that has no line feed; empty if there is none.
    fn end(mut self, rest: &[u8]) -> CheckedRecord {
        match Line::parse(rest) {
            // An editor may remove the line feed at the end
            Some((line, entry)) => self.entry(rest, &line, entry),
            None if !rest.is_empty() => {
                self.skipped.get_or_insert(self.number);
            }
            None => {}
        }
        self.checked.incomplete_end = self.skipped;
        self.checked
    }
}
