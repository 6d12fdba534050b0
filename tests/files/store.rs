//! How files are written: the lock, links that an attacker swaps in, owners, durability, and what
//! remains of a run that is killed or in which a system call fails. strace kills the runs and lets
//! the calls fail.
use std::{
    collections::BTreeMap,
    fs::{self, File, Permissions},
    io::Read as _,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown, symlink},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use etcd_pki_tests::{LOCK_FILE, Scratch, command::etcd_pki, is_own_file, run, stderr_of};

const NOBODY: u32 = 65_534;
const SPECIFICATION: &str = "\
directory: pki
members: [{name: m, addresses: [10.0.0.1]}]
clients: [c]
";
/// System calls that change files, and errors that they may return
const CALLS: [(&str, &[&str]); 9] = [
    ("openat", &["EMFILE", "EACCES"]),
    ("openat2", &["ENOSYS", "EPERM"]),
    ("write", &["ENOSPC", "EIO"]),
    ("fchmod", &["EPERM"]),
    ("fsync", &["EIO"]),
    ("linkat", &["EPERM", "ENOSYS"]),
    ("renameat", &["EACCES"]),
    ("unlinkat", &["EACCES"]),
    ("flock", &["ENOLCK", "EINTR"]),
];

/// A folder with a specification and the directory `pki`.
struct Place(Scratch);

impl Place {
    fn new(specification: &str) -> Self {
        let place = Self(Scratch::new("store"));
        place.specify(specification);
        // The parent directories may be closed to other users
        fs::set_permissions(place.path(""), Permissions::from_mode(0o755)).unwrap();
        place
    }

    fn applied(specification: &str) -> Self {
        let place = Self::new(specification);
        place.ok("apply -f cluster.yaml");
        place
    }

    fn specify(&self, text: &str) {
        fs::write(self.path("cluster.yaml"), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(etcd_pki());
        self.prepare(&mut command, line);
        command
    }

    fn prepare(&self, command: &mut Command, line: &str) {
        command
            .current_dir(self.path(""))
            .env("RAYON_NUM_THREADS", "1")
            .args(line.split_whitespace());
    }

    fn output(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    #[track_caller]
    fn ok(&self, line: &str) {
        let _ = stderr_of(&self.output(line), 0);
    }

    /// Runs a line under strace with these options.
    fn traced(&self, options: &[&str], line: &str) -> Output {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-s", "0"]).args(options);
        strace.arg(etcd_pki());
        self.prepare(&mut strace, line);
        strace.output().unwrap()
    }

    /// The number of times that a line makes each of the calls in one of its threads, at most.
    fn calls(&self, line: &str) -> BTreeMap<&'static str, usize> {
        let log = self.path("trace");
        let names: Vec<&str> = CALLS.iter().map(|(name, _)| *name).collect();
        let trace = format!("trace={}", names.join(","));
        let output = self.traced(&["-o", log.to_str().unwrap(), "-e", &trace], line);
        let _ = stderr_of(&output, 0);
        let mut by_thread: BTreeMap<(String, &str), usize> = BTreeMap::new();
        for call in fs::read_to_string(&log).unwrap().lines() {
            let (thread, call) = call.split_once(' ').unwrap();
            for name in &names {
                if call.trim_start().starts_with(&format!("{name}(")) {
                    *by_thread.entry((thread.to_owned(), name)).or_default() += 1;
                }
            }
        }
        fs::remove_file(log).unwrap();
        let mut most = BTreeMap::new();
        for ((_, name), count) in by_thread {
            let all: &mut usize = most.entry(name).or_default();
            *all = count.max(*all);
        }
        most
    }

    /// Every file, except links and lock files.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut directories = vec![self.path("")];
        while let Some(next) = directories.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                let kind = path.symlink_metadata().unwrap().file_type();
                if kind.is_dir() {
                    directories.push(path);
                } else if kind.is_file() && !is_own_file(&path) {
                    found.insert(path.clone(), fs::read(path).unwrap());
                }
            }
        }
        found
    }

    /// No key is readable for other users, no CA key has changed, no file is truncated.
    fn assert_safe(&self, before: &BTreeMap<PathBuf, Vec<u8>>, fate: &str) {
        let now = self.files();
        for (path, contents) in &now {
            let text = String::from_utf8_lossy(contents);
            let mode = path.metadata().unwrap().mode() & 0o777;
            let is_key = text.contains("PRIVATE KEY");
            assert!(!is_key || mode & 0o077 == 0, "{fate}: {path:?} {mode:o}");
            let name = path.file_name().unwrap().to_string_lossy();
            let is_pem = name.ends_with(".pem") && !name.starts_with('.');
            assert!(
                !is_pem || contents.ends_with(b"-----\n"),
                "{fate}: {path:?}"
            );
        }
        for (path, contents) in before {
            if path.ends_with("ca-key.pem") {
                assert_eq!(now.get(path), Some(contents), "{fate}: {path:?}");
            }
        }
    }

    /// No temporary file of a killed run is left.
    fn assert_clean(&self, fate: &str) {
        let left: Vec<_> = self
            .files()
            .into_keys()
            .filter(|path| path.extension().is_some_and(|end| end == "tmp"))
            .collect();
        assert!(left.is_empty(), "{fate}: {left:?}");
    }

    /// The key of each certificate is the one next to it.
    fn assert_pairs(&self, fate: &str) {
        for path in self.files().into_keys() {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let Some(stem) = name
                .strip_suffix("-key.pem")
                .filter(|_| !name.starts_with('.'))
            else {
                continue;
            };
            let certificate = path.with_file_name(format!("{stem}.pem"));
            if certificate.exists() {
                let mut command = Command::new(etcd_pki());
                command.args(["cert", "match"]).arg(&certificate).arg(&path);
                assert!(run(&mut command).success(), "{fate}: {stem} is torn");
            }
        }
    }
}

/// A command that is killed, and the preparation of its directory.
struct Job {
    line: &'static str,
    prepare: fn(&Place),
}

const JOBS: [Job; 6] = [
    Job {
        line: "key new -o out/k.pem --force",
        prepare: |place| {
            fs::create_dir(place.path("out")).unwrap();
            place.ok("key new -o out/k.pem");
        },
    },
    Job {
        line: "cert issue client x -d pki --force",
        prepare: |place| place.ok("apply -f cluster.yaml"),
    },
    Job {
        line: "cert renew --rekey -d pki pki/client-c.pem",
        prepare: |place| place.ok("apply -f cluster.yaml"),
    },
    Job {
        line: "export --host m -f cluster.yaml -o out --force",
        prepare: |place| {
            place.ok("apply -f cluster.yaml");
            place.ok("export --host m -f cluster.yaml -o out");
        },
    },
    Job {
        line: "apply -f cluster.yaml",
        prepare: |_| (),
    },
    Job {
        line: "apply -f cluster.yaml --rekey",
        prepare: |place| {
            place.ok("apply -f cluster.yaml");
            place.specify(&SPECIFICATION.replace("0.1]", "0.2]"));
        },
    },
];

/// Copies the prepared directory, for a run that fails.
fn copy_of(template: &Place) -> Place {
    let place = Place::new("");
    let mut copy = Command::new("cp");
    copy.arg("-a").arg(template.path(".")).arg(place.path(""));
    let _ = run(&mut copy).expect_success();
    place
}

/// The calls among `count` before which a run is disturbed: all of them if `ETCD_PKI_TEST_FATES` is
/// set, otherwise a few, in CI's time.
fn instants(count: usize) -> impl Iterator<Item = usize> {
    let step = match std::env::var_os("ETCD_PKI_TEST_FATES") {
        Some(_) => 1,
        None => (count / 4).max(1),
    };
    (1..=count).step_by(step)
}

/// A run is killed before any call: the next one leaves no temporary file, and no key is lost.
#[test]
fn killed_at_each_call() {
    for Job { line, prepare } in JOBS {
        let template = Place::new(SPECIFICATION);
        prepare(&template);
        let calls = copy_of(&template).calls(line);
        for (name, count) in calls {
            for when in instants(count) {
                let place = copy_of(&template);
                let before = place.files();
                let fate = format!("{line}, killed at {name} {when}");
                let trace = format!("trace={name}");
                let inject = format!("inject={name}:signal=KILL:when={when}");
                let _ = place.traced(&["-o", "/dev/null", "-e", &trace, "-e", &inject], line);
                place.assert_safe(&before, &fate);
                let again = place.output(line);
                let stderr = String::from_utf8_lossy(&again.stderr).into_owned();
                assert!(again.status.success(), "{fate}: {stderr}");
                place.assert_clean(&fate);
                place.assert_pairs(&fate);
            }
        }
    }
}

/// Any call fails: the run ends with a message, or does its work with another call.
#[test]
fn refused_at_each_call() {
    for Job { line, prepare } in JOBS {
        let template = Place::new(SPECIFICATION);
        prepare(&template);
        let calls = copy_of(&template).calls(line);
        for (name, count) in calls {
            let errors = CALLS.iter().find(|(call, _)| *call == name).unwrap().1;
            for (when, error) in
                instants(count).flat_map(|when| errors.iter().map(move |e| (when, e)))
            {
                let place = copy_of(&template);
                let before = place.files();
                let fate = format!("{line}, {error} at {name} {when}");
                let trace = format!("trace={name}");
                let inject = format!("inject={name}:error={error}:when={when}");
                let ended = place.traced(&["-o", "/dev/null", "-e", &trace, "-e", &inject], line);
                let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
                // The loader makes calls before the program begins
                if stderr.contains("shared librar") || stderr.contains("shared object") {
                    continue;
                }
                let code = ended.status.code();
                assert!(matches!(code, Some(0 | 1)), "{fate}: {code:?} {stderr}");
                assert!(
                    code == Some(0) || stderr.contains("etcd-pki: ") || stderr.contains("hint: "),
                    "{fate}: {stderr}"
                );
                place.assert_safe(&before, &fate);
                place.assert_pairs(&fate);
                place.ok(line);
                place.assert_clean(&fate);
                place.assert_pairs(&fate);
            }
        }
    }
}

/// SIGKILL at any instant.
#[test]
fn killed_at_random_instants() {
    for Job { line, prepare } in JOBS {
        let template = Place::new(SPECIFICATION);
        prepare(&template);
        for round in 0..12_u64 {
            let place = copy_of(&template);
            let before = place.files();
            let fate = format!("{line}, killed in round {round}");
            let mut command = place.command(line);
            let mut child = command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            thread::sleep(Duration::from_micros(500 + 731 * round));
            child.kill().unwrap();
            child.wait().unwrap();
            place.assert_safe(&before, &fate);
            place.ok(line);
            place.assert_clean(&fate);
            place.assert_pairs(&fate);
        }
    }
}

/// Temporary files of a killed run are also removed by commands that write single files.
#[test]
fn what_was_left_goes_with_the_next_file() {
    let place = Place::applied(SPECIFICATION);
    fs::create_dir(place.path("out")).unwrap();
    for (folder, line) in [
        ("out", "key new -o out/k.pem"),
        ("pki", "cert issue client x -d pki"),
        ("pki", "cert renew pki/client-c.pem -d pki"),
        ("out", "export --host m -f cluster.yaml -o out --force"),
    ] {
        let left = place.path(folder).join(".etcd-pki-0123456789abcdef.tmp");
        fs::write(&left, "-----BEGIN PRIVATE KEY-----").unwrap();
        place.ok(line);
        assert!(!left.exists(), "{line}");
    }
}

/// A file is on the disk before it gets its name, and the name before the command ends.
#[test]
fn each_name_follows_the_sync_of_its_file() {
    let place = Place::applied(SPECIFICATION);
    for line in [
        "cert issue client x -d pki",
        "cert issue client x -d pki --force",
        "cert renew --rekey pki/client-c.pem -d pki",
        "key new -o k.pem",
        "apply -f cluster.yaml --rekey --only c",
    ] {
        if line.starts_with("apply") {
            fs::remove_file(place.path("pki/client-c.pem")).unwrap();
        }
        let log = place.path("trace");
        let calls = "trace=fsync,linkat,renameat,renameat2";
        let options = ["-y", "-o", log.to_str().unwrap(), "-e", calls];
        let _ = stderr_of(&place.traced(&options, line), 0);
        let log = fs::read_to_string(&log).unwrap();
        let (mut synced, mut names, mut is_open) = (0, 0, false);
        for call in log.lines().filter(|call| call.ends_with("= 0")) {
            let call = call.split_once(' ').unwrap().1.trim_start();
            if call.starts_with("fsync") {
                // A directory has a path; a file without a name has a number
                let is_file = call.contains("/#") || call.contains(".tmp");
                synced += usize::from(is_file);
                is_open &= is_file;
            } else if !call.contains(".lock\"") {
                // With `-s 0` strace prints no names: a temporary name counts with its rename
                names += usize::from(call.starts_with("linkat"));
                is_open = true;
            }
            assert!(names <= synced, "{line}:\n{log}");
        }
        assert!(names > 0 && !is_open, "{line}:\n{log}");
    }
}

/// Starts a program that holds a lock (flock) on a path as another user, until it is killed.
fn hold_as_nobody(path: &Path) -> Option<Child> {
    let mut holder = Command::new("flock")
        .args(["--nonblock", "--exclusive"])
        .arg(path)
        .args(["sh", "-c", "echo held; exec sleep 100"])
        .uid(NOBODY)
        .gid(NOBODY)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut word = [0; 4];
    let told = holder.stdout.as_mut().unwrap().read_exact(&mut word);
    if told.is_err() {
        holder.wait().unwrap();
        return None;
    }
    Some(holder)
}

/// Another user, who can only read the directory, cannot block the users who write there.
#[test]
fn the_lock_is_the_owners() {
    let place = Place::applied(SPECIFICATION);
    let pki = place.path("pki");
    fs::set_permissions(&pki, Permissions::from_mode(0o755)).unwrap();
    let lock = pki.join(LOCK_FILE);
    let metadata = lock.metadata().unwrap();
    assert_eq!((metadata.mode() & 0o777, metadata.uid()), (0o600, 0));
    // The scratch folder may be closed to others; the directory is not
    let as_other = Command::new("test")
        .arg("-r")
        .arg(&pki)
        .uid(NOBODY)
        .status();
    if as_other.unwrap().success() {
        assert!(hold_as_nobody(&lock).is_none());
        let mut holder = hold_as_nobody(&pki).unwrap();
        let began = Instant::now();
        place.specify(&SPECIFICATION.replace("0.1]", "0.2]"));
        place.ok("apply -f cluster.yaml");
        place.ok("cert issue client x -d pki");
        assert!(began.elapsed() < Duration::from_secs(30));
        holder.kill().unwrap();
        holder.wait().unwrap();
    }
    // One process after the other, as before
    let mut holder = Command::new("flock")
        .arg(&lock)
        .args(["sh", "-c", "echo held; exec sleep 3"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut word = [0; 4];
    holder
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut word)
        .unwrap();
    let began = Instant::now();
    place.ok("cert issue client y -d pki");
    assert!(began.elapsed() > Duration::from_secs(2));
    holder.wait().unwrap();
}

/// In a directory that is not a store, another user can block no command: neither by locking the
/// directory, nor with lock files or keys there. Two processes of one user still take turns.
#[test]
fn locks_outside_of_stores() {
    let lines = [
        "key new -o shared/k.pem --force",
        "key convert shared/k.pem -o shared/converted.pem --force",
        "csr new --cn x -o shared/x.csr --key-out shared/x-key.pem --force",
        "ca new -o shared/own.pem --key-out shared/own-key.pem --replace-ca",
        "cert issue client c -d pki -o shared/c.pem --force",
        "cert renew shared/c.pem --rekey -d pki",
        "cert sign shared/x.csr -d pki --role client --name x -o shared/x.pem --force",
    ];
    let own = format!(".etcd-pki-{}.lock", rustix::process::geteuid().as_raw());
    for strange in ["", LOCK_FILE, "ca-key.pem", &own] {
        let place = Place::applied(SPECIFICATION);
        let shared = place.path("shared");
        fs::create_dir(&shared).unwrap();
        fs::set_permissions(&shared, Permissions::from_mode(0o1777)).unwrap();
        let file = shared.join(strange);
        if !strange.is_empty() {
            fs::write(&file, "").unwrap();
            chown(&file, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let as_other = Command::new("test")
            .arg("-r")
            .arg(&shared)
            .uid(NOBODY)
            .status();
        if !as_other.unwrap().success() {
            return;
        }
        let held = [Some(&shared), (!strange.is_empty()).then_some(&file)];
        let held = held.into_iter().flatten();
        let holders: Vec<_> = held.map(|path| hold_as_nobody(path).unwrap()).collect();
        let began = Instant::now();
        for line in lines {
            place.ok(line);
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{strange}");
        for mut holder in holders {
            holder.kill().unwrap();
            holder.wait().unwrap();
        }
        assert!(!shared.join(&own).exists(), "{strange}");
    }

    let place = Place::new(SPECIFICATION);
    fs::create_dir(place.path("shared")).unwrap();
    let mut holder = Command::new("flock")
        .arg(place.path("shared").join(&own))
        .args(["sh", "-c", "echo held; exec sleep 3"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut word = [0; 4];
    holder
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut word)
        .unwrap();
    let began = Instant::now();
    place.ok("key new -o shared/k.pem");
    assert!(began.elapsed() > Duration::from_secs(2));
    assert!(!place.path("shared").join(&own).exists());
    holder.wait().unwrap();
}

/// A key of the directory is read under the lock. Otherwise a command could write back the key that
/// another process has just replaced, or certify it.
#[test]
fn keys_are_read_under_the_lock() {
    for (line, written, key) in [
        (
            "key convert pki/client-c-key.pem -o pki/client-c-key.pem --force",
            "pki/client-c-key.pem",
            "pki/client-c-key.pem",
        ),
        (
            "csr new --cn c --key pki/client-c-key.pem -o pki/client-c.csr",
            "pki/client-c.csr",
            "pki/client-c-key.pem",
        ),
        (
            "cert issue client c -d pki --key pki/client-c-key.pem --force",
            "pki/client-c.pem",
            "pki/client-c-key.pem",
        ),
        (
            "cert issue client c -d pki --key pki/client-c-key.pem -o pki/client-c.pem --force",
            "pki/client-c.pem",
            "pki/client-c-key.pem",
        ),
        (
            "ca new --key pki/ca-key.pem -o pki/ca.pem --replace-ca",
            "pki/ca.pem",
            "pki/ca-key.pem",
        ),
        (
            "ca new -d pki --key pki/ca-key.pem --replace-ca",
            "pki/ca.pem",
            "pki/ca-key.pem",
        ),
    ] {
        let place = Place::applied(SPECIFICATION);
        place.ok("key new -o other.pem");
        let other = fs::read(place.path("other.pem")).unwrap();
        let mut holder = Command::new("flock")
            .arg(place.path("pki").join(LOCK_FILE))
            .args(["sh", "-c", "echo held; exec sleep 3"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut word = [0; 4];
        let output = holder.stdout.as_mut().unwrap();
        output.read_exact(&mut word).unwrap();
        let mut waiting = place.command(line).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(1500));
        fs::write(place.path(key), &other).unwrap();
        holder.wait().unwrap();
        assert!(waiting.wait().unwrap().success(), "{line}");
        let matched = place.output(&format!("cert match {written} other.pem"));
        assert!(matched.status.success(), "{line}: {matched:?}");
    }
}

/// The command never follows a lock file that is a link, and closes one that is open to others.
#[test]
fn a_lock_file_of_another_kind() {
    let place = Place::applied(SPECIFICATION);
    let lock = place.path("pki").join(LOCK_FILE);
    fs::remove_file(&lock).unwrap();
    symlink("../precious", &lock).unwrap();
    let issue = "cert issue client x -d pki";
    let stderr = stderr_of(&place.output(issue), 1);
    assert!(
        stderr.contains("symbolic link") && stderr.contains(LOCK_FILE),
        "{stderr}"
    );
    assert!(!place.path("precious").exists());
    fs::remove_file(&lock).unwrap();
    fs::write(&lock, "").unwrap();
    fs::set_permissions(&lock, Permissions::from_mode(0o666)).unwrap();
    place.ok(issue);
    assert_eq!(lock.metadata().unwrap().mode() & 0o777, 0o600);
}

/// Commands that write nothing leave no lock file. Single files leave none outside of a store.
#[test]
fn where_there_is_no_lock_file() {
    let place = Place::new(SPECIFICATION);
    fs::create_dir(place.path("out")).unwrap();
    place.ok("key new -o out/k.pem");
    place.ok("csr new --cn x -o out/x.csr --key-out out/x-key.pem");
    let names = fs::read_dir(place.path("out")).unwrap();
    let mut names = names.map(|entry| entry.unwrap().file_name());
    assert!(!names.any(|name| name.as_encoded_bytes().starts_with(b".")));

    let travel = "apply -f cluster.yaml --requests travel";
    place.specify("members: [{name: m, addresses: [10.0.0.1]}]\n");
    place.ok(&format!("{travel} --host m -d m"));
    place.ok(&format!("{travel} -d ca"));
    let mut directories = vec![place.path("travel")];
    while let Some(next) = directories.pop() {
        assert!(!next.join(LOCK_FILE).exists(), "{next:?}");
        let entries = fs::read_dir(next)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        directories.extend(entries.filter(|path| path.is_dir()));
    }

    let lock = place.path("ca").join(LOCK_FILE);
    fs::remove_file(&lock).unwrap();
    for line in [
        "ca show -d ca",
        "check ca",
        "plan -f cluster.yaml -d ca --requests travel",
    ] {
        let _ = place.output(line);
        assert!(!lock.exists(), "{line}");
    }
    // A command that writes there creates it, whatever the directory was before
    place.ok("cert issue client c -d ca");
    assert!(lock.exists());
}

/// A host's folder that is a link is not followed: neither a key nor a change of owner leaves the
/// store.
#[test]
fn a_folder_that_is_a_link() {
    let specification = "\
layout: kubeadm
directory: pki
members: [{name: m1, addresses: [10.0.0.1]}, {name: m2, addresses: [10.0.0.2]}]
";
    let place = Place::applied(specification);
    let vault = place.path("vault");
    fs::rename(place.path("pki/m2"), &vault).unwrap();
    symlink(&vault, place.path("pki/m2")).unwrap();
    let key = vault.join("etcd/server.key");
    let before = (fs::read(&key).unwrap(), key.metadata().unwrap().uid());
    for change in [
        "files: {owner: \"65534\", group: \"65534\"}\n",
        "defaults: {validity: 90d}\n",
    ] {
        place.specify(&format!(
            "{}{change}",
            specification.replace("0.2]", "0.3]")
        ));
        for options in ["", " --rekey"] {
            let output = place.output(&format!("apply -f cluster.yaml{options}"));
            let stderr = stderr_of(&output, 1);
            assert!(stderr.contains("symbolic link"), "{stderr}");
            let now = (fs::read(&key).unwrap(), key.metadata().unwrap().uid());
            assert_eq!(now, before);
        }
    }
    assert!(!vault.join(LOCK_FILE).exists());
}

/// The same for a folder of the exchange directory, on both sides.
#[test]
fn a_folder_of_an_exchange_directory_that_is_a_link() {
    let place = Place::new("members: [{name: m, addresses: [10.0.0.1]}]\n");
    let travel = "apply -f cluster.yaml --requests travel";
    let (host, ca) = (format!("{travel} --host m -d m"), format!("{travel} -d ca"));
    fs::create_dir_all(place.path("travel")).unwrap();
    fs::create_dir(place.path("victim")).unwrap();
    symlink("../victim", place.path("travel/m")).unwrap();
    assert!(stderr_of(&place.output(&host), 1).contains("symbolic link"));
    fs::remove_file(place.path("travel/m")).unwrap();
    place.ok(&host);
    fs::rename(place.path("travel/m"), place.path("travel/.m")).unwrap();
    symlink("../victim", place.path("travel/m")).unwrap();
    let _ = place.output(&ca);
    assert_eq!(fs::read_dir(place.path("victim")).unwrap().count(), 0);
}

fn owner(path: &Path) -> u32 {
    path.metadata().unwrap().uid()
}

/// A new key is given to the owner of the old one only if that user may own it.
#[test]
fn a_new_key_is_not_given_to_a_stranger() {
    let place = Place::applied(SPECIFICATION);
    let pki = place.path("pki");
    let key = pki.join("client-c-key.pem");
    let give = |path: &Path| chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    let rekey = "cert renew --rekey -d pki pki/client-c.pem";
    give(&key);
    let before = fs::read(&key).unwrap();
    for line in [rekey, "cert issue client c -d pki --force"] {
        let stderr = stderr_of(&place.output(line), 1);
        assert!(stderr.contains("client-c-key.pem belongs to "), "{stderr}");
        assert_eq!(fs::read(&key).unwrap(), before);
    }
    // The owner of the directory may own its files
    give(&pki);
    place.ok(rekey);
    assert_ne!(fs::read(&key).unwrap(), before);
    assert_eq!(owner(&key), NOBODY);

    // A key that belongs to no pair, and exported files, belong to the user
    place.ok("key new -o k.pem");
    place.ok("export --host m -f cluster.yaml -o out");
    let exported = place.path("out/member-m-key.pem");
    for path in [&place.path("k.pem"), &exported, &place.path("out")] {
        give(path);
    }
    place.ok("key new -o k.pem --force");
    place.ok("export --host m -f cluster.yaml -o out --force");
    assert_eq!((owner(&place.path("k.pem")), owner(&exported)), (0, 0));
}

/// A key keeps the access control list that allows etcd's user to read it.
#[test]
fn an_access_control_list_stays() {
    let place = Place::applied(SPECIFICATION);
    let key = place.path("pki/client-c-key.pem");
    // user::rw- user:12345:r-- group::--- mask::r-- other::---, in the format of acl(5) and the
    // kernel's posix_acl_xattr.h
    let mut list = vec![2, 0, 0, 0];
    for (tag, permissions, id) in [
        (1_u16, 6_u16, u32::MAX),
        (2, 4, 12_345),
        (4, 0, u32::MAX),
        (16, 4, u32::MAX),
        (32, 0, u32::MAX),
    ] {
        list.extend(tag.to_le_bytes());
        list.extend(permissions.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    let file = File::open(&key).unwrap();
    let name = "system.posix_acl_access";
    if rustix::fs::fsetxattr(&file, name, &list, rustix::fs::XattrFlags::empty()).is_err() {
        // This file system has no access control lists
        return;
    }
    let list_of = |path: &Path| {
        let mut value = [0; 256];
        let length = rustix::fs::getxattr(path, name, &mut value[..]).unwrap_or(0);
        value[..length].to_vec()
    };
    let old = fs::read(&key).unwrap();
    place.ok("cert renew --rekey -d pki pki/client-c.pem");
    assert_ne!(fs::read(&key).unwrap(), old);
    assert_eq!(list_of(&key), list);
    // A key that belongs to no pair does not get it
    let alone = place.path("k.pem");
    place.ok("key new -o k.pem");
    let file = File::open(&alone).unwrap();
    rustix::fs::fsetxattr(&file, name, &list, rustix::fs::XattrFlags::empty()).unwrap();
    place.ok("key new -o k.pem --force");
    assert_eq!(list_of(&alone), b"");
    assert_eq!(alone.metadata().unwrap().mode() & 0o777, 0o600);
}

/// A certificate replaces only certificates, whatever --force allows.
#[test]
fn what_a_certificate_never_replaces() {
    let place = Place::applied(SPECIFICATION);
    for (target, found) in [
        ("pki/member-m-key.pem", "a private key"),
        ("cluster.yaml", "something else than a certificate"),
    ] {
        let before = fs::read(place.path(target)).unwrap();
        let line = format!("cert issue client x -d pki -o {target} --key-out x-key.pem --force");
        let stderr = stderr_of(&place.output(&line), 1);
        assert!(stderr.contains(found), "{stderr}");
        assert_eq!(fs::read(place.path(target)).unwrap(), before);
        assert!(!place.path("x-key.pem").exists());
    }
    // A file of zero bytes, as after a crash, counts as missing
    fs::write(place.path("blank.pem"), [0; 100]).unwrap();
    place.ok("cert issue client x -d pki -o blank.pem --key-out x-key.pem --force");
}
