//! A directory that `etcd-pki adopt` has adopted.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{Scratch, command::etcd_pki, is_own_file, run};

/// A directory and the specification that `adopt` printed for it.
#[derive(Debug)]
pub struct Adopted {
    directory: PathBuf,
    /// The specification that was printed
    pub specification: String,
    /// The notes about each file
    pub notes: Vec<String>,
    place: Scratch,
}

impl Adopted {
    /// Adopts a directory.
    #[must_use]
    pub fn of(directory: &Path) -> Self {
        let place = Scratch::new("adopted");
        let mut command = Command::new(etcd_pki());
        let output = run(command.arg("adopt").arg(directory)).expect_success();
        fs::write(place.path().join("cluster.yaml"), output.stdout()).unwrap();
        let notes = output
            .stderr()
            .lines()
            .map(|line| line.replace("note: ", ""));
        Self {
            directory: directory.to_owned(),
            specification: output.stdout().to_owned(),
            notes: notes.collect(),
            place,
        }
    }

    /// Replaces the specification.
    pub fn specify(&self, specification: &str) {
        fs::write(self.place.path().join("cluster.yaml"), specification).unwrap();
    }

    /// The JSON output of a subcommand.
    pub fn json(&self, verb: &str) -> Value {
        let specification = self.place.path().join("cluster.yaml");
        let mut command = Command::new(etcd_pki());
        let command = command.args([verb, "--json", "-f"]).arg(specification);
        serde_json::from_str(run(command).expect_success().stdout()).unwrap()
    }

    /// The due changes: the path of each certificate, the action, and the reasons.
    pub fn due(&self) -> BTreeMap<String, String> {
        let plan = self.json("plan");
        let changes = plan["changes"].as_array().unwrap().iter();
        changes
            .map(|change| {
                let path = Path::new(change["certificate"].as_str().unwrap());
                let path = path.strip_prefix(&self.directory).unwrap();
                let reasons: Vec<_> = change["reasons"].as_array().unwrap().iter().collect();
                let reasons: Vec<_> = reasons
                    .iter()
                    .map(|reason| reason["message"].as_str().unwrap())
                    .collect();
                let what = format!(
                    "{}: {}",
                    change["action"].as_str().unwrap(),
                    reasons.join("; ")
                );
                (path.to_str().unwrap().to_owned(), what)
            })
            .collect()
    }

    /// Asserts that exactly these changes are due.
    #[track_caller]
    pub fn assert_due(&self, expected: &[(&str, &str)]) {
        let expected = expected
            .iter()
            .map(|(file, what)| ((*file).to_owned(), (*what).to_owned()));
        let expected: BTreeMap<_, _> = expected.collect();
        assert_eq!(self.due(), expected, "{}", self.specification);
    }

    /// Applies, and asserts that only these files have changed, that every key is as before, and
    /// that nothing is due.
    #[track_caller]
    pub fn assert_mended(&self, changed: &[&str]) {
        let before = contents(&self.directory);
        let _ = self.json("apply");
        let after = contents(&self.directory);
        let different: Vec<&str> = after
            .iter()
            .filter(|(file, bytes)| before.get(*file) != Some(*bytes))
            .map(|(file, _)| file.as_str())
            .collect();
        assert_eq!(different, changed);
        assert_eq!(before.len(), after.len());
        self.assert_due(&[]);
        // A second adoption gives the same description
        let again = Self::of(&self.directory);
        assert_eq!(again.specification, self.specification);
        again.assert_due(&[]);
    }
}

fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(next) = directories.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if !is_own_file(&path) {
                let name = path.strip_prefix(directory).unwrap().to_str().unwrap();
                found.insert(name.to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}
