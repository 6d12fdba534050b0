//! The calls that strace lists: which files get a name, and whether the files and their names are
//! on the disk.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fs,
    path::{Component, Path, PathBuf},
};

use regex::Regex;

/// The calls that strace lists
pub(crate) const CALLS: &str = "open,openat,openat2,creat,close,write,pwrite64,writev,pwritev,ftruncate,fallocate,\
    copy_file_range,sendfile,splice,fchmod,fchown,fsetxattr,fsync,fdatasync,syncfs,rename,renameat,renameat2,link,linkat,\
    symlink,symlinkat,mkdir,mkdirat";

/// The calls among them that change an open file
const CHANGES: [&str; 12] = [
    "write",
    "pwrite64",
    "writev",
    "pwritev",
    "ftruncate",
    "fallocate",
    "copy_file_range",
    "sendfile",
    "splice",
    "fchmod",
    "fchown",
    "fsetxattr",
];

/// A file that was opened, and may be closed again.
#[derive(Clone, Debug, Default)]
struct Opened {
    /// Whether its present contents are on the disk
    is_synced: bool,
    /// Whether nothing has changed it since its last sync began
    is_unchanged: bool,
}

/// The calls of one run.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    working: PathBuf,
    files: Vec<Opened>,
    /// The file of each open descriptor
    descriptors: HashMap<String, usize>,
    /// The files of names that were given in this run
    names: HashMap<PathBuf, usize>,
    /// Names that are not on the disk, each with the number of calls when it was given
    pending: Vec<(PathBuf, usize)>,
    /// Syncs of directories that have begun, each with the number of calls at its begin
    syncing: HashMap<String, usize>,
    count: usize,
    threads: HashSet<String>,
    named: BTreeSet<PathBuf>,
    renamed: Vec<PathBuf>,
    made: usize,
    faults: Vec<String>,
}

impl Trace {
    pub(crate) fn read(log: &Path) -> Self {
        Self::of(&fs::read_to_string(log).unwrap())
    }

    pub(crate) fn of(text: &str) -> Self {
        let whole = Regex::new(r"^(\d+) +(\w+)\((.*)\) += (.*)$").unwrap();
        let begun = Regex::new(r"^(\d+) +(\w+)\((.*?),? *<unfinished \.\.\.>$").unwrap();
        let ended = Regex::new(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (.*)$").unwrap();
        let working = Regex::new(r"AT_FDCWD<([^>]*)>").unwrap().captures(text);
        let mut trace = Self {
            working: PathBuf::from(&working.unwrap()[1]),
            ..Self::default()
        };
        let mut unfinished: HashMap<String, String> = HashMap::new();
        for line in text.lines() {
            trace.count += 1;
            if let Some(found) = whole.captures(line) {
                trace.begin(&found[1], &found[2], &found[3]);
                trace.end(&found[1], &found[2], &found[3], &found[4]);
            } else if let Some(found) = begun.captures(line) {
                trace.begin(&found[1], &found[2], &found[3]);
                let _ = unfinished.insert(found[1].to_owned(), found[3].to_owned());
            } else if let Some(found) = ended.captures(line) {
                let arguments = unfinished.remove(&found[1]).unwrap() + &found[3];
                trace.end(&found[1], &found[2], &arguments, &found[4]);
            } else {
                assert!(line.contains("+++") || line.contains("---"), "{line}");
            }
        }
        let pending = trace.pending.iter();
        let pending = pending.map(|(path, _)| format!("{} is not synced", path.display()));
        trace.faults.extend(pending);
        trace
    }

    /// The faults that were found.
    pub(crate) fn faults(&self) -> &[String] {
        &self.faults
    }

    /// The names that files got in a directory, in their order.
    pub(crate) fn named(&self, directory: &Path) -> Vec<String> {
        let names = self
            .named
            .iter()
            .filter_map(|path| path.strip_prefix(directory).ok());
        names
            .map(|name| name.to_str().unwrap().to_owned())
            .collect()
    }

    /// The names that were given by renaming a file.
    pub(crate) fn renamed(&self) -> &[PathBuf] {
        &self.renamed
    }

    /// The number of new directories.
    pub(crate) fn made(&self) -> usize {
        self.made
    }

    /// The number of threads with calls.
    pub(crate) fn threads(&self) -> usize {
        self.threads.len()
    }

    fn begin(&mut self, thread: &str, call: &str, arguments: &str) {
        self.threads.insert(thread.to_owned());
        let file = self.file_of(arguments);
        match call {
            "close" => {
                // From now on, another thread may get the number
                self.descriptors.remove(&number_of(arguments));
            }
            "fsync" | "fdatasync" => {
                self.syncing.insert(thread.to_owned(), self.count);
                if let Some(file) = file {
                    self.files[file].is_unchanged = true;
                }
            }
            _ if CHANGES.contains(&call) => {
                if let Some(file) = file {
                    self.files[file] = Opened::default();
                }
            }
            _ if is_naming(call) => {
                let (file, name) = self.naming(call, arguments);
                let is_synced = file.is_none_or(|file| self.files[file].is_synced);
                if !is_temporary(&name) && !etcd_pki_tests::is_lock(&name) && !is_synced {
                    let fault = format!("{} is not synced: {call}({arguments})", name.display());
                    self.faults.push(fault);
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, thread: &str, call: &str, arguments: &str, result: &str) {
        if result.starts_with("-1 ") || result.starts_with('?') {
            self.syncing.remove(thread);
            return;
        }
        match call {
            "open" | "openat" | "openat2" | "creat" => {
                self.files.push(Opened::default());
                let file = self.files.len() - 1;
                self.descriptors.insert(number_of(result), file);
                if arguments.contains("O_CREAT") {
                    self.names
                        .insert(paths_of(arguments, &self.working).remove(0), file);
                }
            }
            "fsync" | "fdatasync" => {
                let begin = self.syncing.remove(thread).unwrap();
                if let Some(file) = self.file_of(arguments) {
                    let file = &mut self.files[file];
                    file.is_synced = file.is_unchanged;
                }
                let directory = place_of(arguments);
                self.pending
                    .retain(|(path, given)| path.parent() != Some(&*directory) || *given >= begin);
            }
            "mkdir" | "mkdirat" => {
                self.made += 1;
                let path = paths_of(arguments, &self.working).remove(0);
                self.pending.push((path, self.count));
            }
            _ if is_naming(call) => {
                let (file, name) = self.naming(call, arguments);
                if let Some(file) = file {
                    self.names.insert(name.clone(), file);
                }
                if is_temporary(&name) {
                    return;
                }
                self.named.insert(name.clone());
                if call.starts_with("rename") {
                    self.renamed.push(name.clone());
                }
                self.pending.push((name, self.count));
            }
            _ => {}
        }
    }

    /// The file of the first descriptor in the arguments.
    fn file_of(&self, arguments: &str) -> Option<usize> {
        self.descriptors.get(&number_of(arguments)).copied()
    }

    /// The file that gets a name, if this run has opened it, and its new name.
    fn naming(&self, call: &str, arguments: &str) -> (Option<usize>, PathBuf) {
        assert!(!call.starts_with("symlink"), "{call}({arguments})");
        let mut paths = paths_of(arguments, &self.working);
        let (new, old) = (paths.pop().unwrap(), paths.pop().unwrap());
        let by_descriptor = Regex::new(r#""/proc/self/fd/(\d+)""#).unwrap();
        let file = if arguments.contains("AT_EMPTY_PATH") {
            self.file_of(arguments)
        } else if let Some(found) = by_descriptor.captures(arguments) {
            self.descriptors.get(&found[1]).copied()
        } else {
            self.names.get(&old).copied()
        };
        (file, new)
    }
}

fn is_naming(call: &str) -> bool {
    ["rename", "link", "symlink"]
        .iter()
        .any(|kind| call.starts_with(kind))
}

fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(".etcd-pki-") && name.ends_with(".tmp")
}

/// The number of the first descriptor: `3` of `3</d/x>, …`.
fn number_of(arguments: &str) -> String {
    let digits = arguments.chars().take_while(char::is_ascii_digit);
    digits.collect()
}

/// The path of the first descriptor: `/d/x` of `3</d/x>, …`.
fn place_of(arguments: &str) -> PathBuf {
    let path = arguments.split_once('<').map_or("", |(_, path)| path);
    PathBuf::from(path.split_once('>').map_or("", |(path, _)| path))
}

/// The paths of a call: each string, below the descriptor before it or the working directory.
fn paths_of(arguments: &str, working: &Path) -> Vec<PathBuf> {
    let path = Regex::new(r#"(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"([^"]*)""#).unwrap();
    let found = path.captures_iter(arguments).map(|found| {
        let below = found
            .get(1)
            .map_or(working, |below| Path::new(below.as_str()));
        let path = below.join(&found[2]);
        path.components()
            .filter(|component| *component != Component::CurDir)
            .collect()
    });
    found.collect()
}
