//! What the command leaves on the disk, in good days and bad ones.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that cannot go on fails where it stands"
)]

use std::{
    collections::BTreeSet,
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use etcd_pki_core::{Bundle, Error, Layout, Store};
use etcd_pki_tests::{Scratch, command::etcd_pki};

/// A directory with an authority.
struct Pki(Scratch);

impl Pki {
    fn new() -> Self {
        let pki = Self(Scratch::new("files"));
        assert!(pki.run("ca new -d pki").status.success());
        pki
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("pki")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Runs the command, and the shell's `before` in front of it.
    fn run_after(&self, before: &str, arguments: &str) -> Output {
        let script = format!("{before} exec \"$0\" {arguments}");
        Command::new("sh")
            .current_dir(self.0.path())
            .arg("-c")
            .arg(script)
            .arg(etcd_pki())
            .output()
            .unwrap()
    }

    fn run(&self, arguments: &str) -> Output {
        self.run_after("", arguments)
    }

    fn list(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.path()).unwrap();
        let name = |entry: std::io::Result<fs::DirEntry>| {
            entry.unwrap().file_name().into_string().unwrap()
        };
        entries.map(name).collect()
    }

    fn contents(&self) -> Vec<(String, Vec<u8>)> {
        let read = |name: String| (name.clone(), fs::read(self.file(&name)).unwrap());
        self.list().into_iter().map(read).collect()
    }

    fn mode(&self, name: &str) -> u32 {
        mode(&self.file(name))
    }
}

fn mode(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().permissions().mode() & 0o7777
}

/// The command fails with exit code 1, says this, and changes nothing.
fn assert_refused(pki: &Pki, output: &Output, word: &str, before: &[(String, Vec<u8>)]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(word), "{said}");
    assert_eq!(pki.contents(), before, "{said}");
}

#[test]
fn modes_whatever_the_umask() {
    for umask in ["umask 000;", "umask 022;", "umask 077;"] {
        let pki = Pki(Scratch::new("umask"));
        assert!(pki.run_after(umask, "ca new -d pki").status.success());
        assert!(
            pki.run_after(umask, "cert issue member etcd-1 -d pki")
                .status
                .success()
        );
        assert_eq!(mode(&pki.path()), 0o700);
        for (name, expected) in [
            ("ca.pem", 0o644),
            ("ca-key.pem", 0o600),
            ("member-etcd-1.pem", 0o644),
            ("member-etcd-1-key.pem", 0o600),
        ] {
            assert_eq!(pki.mode(name), expected, "{umask} {name}");
        }
    }
}

#[test]
fn what_exists_stays() {
    let pki = Pki::new();
    assert!(pki.run("cert issue client app -d pki").status.success());
    let before = pki.contents();
    let issue = "cert issue client app -d pki";
    assert_refused(&pki, &pki.run(issue), "exists", &before);
    assert_refused(&pki, &pki.run("ca new -d pki"), "no new authority", &before);
    // A key alone, a certificate alone
    for name in ["client-app.pem", "client-app-key.pem"] {
        fs::remove_file(pki.file(name)).unwrap();
        let before = pki.contents();
        assert_refused(&pki, &pki.run(issue), "exists", &before);
        assert!(pki.run(&format!("{issue} --force")).status.success());
    }
    // Without the authority, what it signed keeps a new one out
    fs::remove_file(pki.file("ca.pem")).unwrap();
    fs::remove_file(pki.file("ca-key.pem")).unwrap();
    let before = pki.contents();
    assert_refused(&pki, &pki.run("ca new -d pki"), "client-app.pem", &before);
    assert!(pki.run("ca new -d pki --replace-ca").status.success());
}

#[test]
fn a_replaced_file_keeps_its_mode_and_a_key_is_closed() {
    let pki = Pki::new();
    let issue = "cert issue client app -d pki --force";
    assert!(pki.run(issue).status.success());
    for (before, after) in [(0o640, 0o640), (0o600, 0o600), (0o644, 0o600)] {
        fs::set_permissions(
            pki.file("client-app-key.pem"),
            Permissions::from_mode(before),
        )
        .unwrap();
        fs::set_permissions(pki.file("client-app.pem"), Permissions::from_mode(0o640)).unwrap();
        assert!(pki.run(issue).status.success());
        assert_eq!(pki.mode("client-app-key.pem"), after);
        assert_eq!(pki.mode("client-app.pem"), 0o640);
    }
}

/// --force is for leaves: neither an authority's certificate nor its key goes by it, under whatever name.
#[test]
fn an_authority_is_not_replaced_by_force() {
    let pki = Pki::new();
    assert!(pki.run("cert issue client c -d pki").status.success());
    assert!(
        pki.run("ca new -o pki/etcd-ca.crt --key-out pki/other.key")
            .status
            .success()
    );
    let before = pki.contents();
    for line in [
        "key new -o pki/ca-key.pem --force",
        "key new -o pki/ca.pem --force",
        "key new -o pki/other.key --force",
        "key public pki/client-c.pem -o pki/ca-key.pem --force",
        "csr new --cn x -o pki/ca-key.pem --key-out x.pem --force",
        "cert issue client x -d pki -o x.pem --key-out pki/ca.pem --force",
    ] {
        assert_refused(&pki, &pki.run(line), "", &before);
    }
    assert!(
        pki.run("key convert pki/ca-key.pem -o pki/ca-key.pem --format sec1 --force")
            .status
            .success()
    );
    assert!(pki.run("ca show -d pki").status.success());
}

/// One directory, called by two names, is locked once.
#[test]
fn two_names_of_one_directory() {
    let pki = Pki::new();
    let here = pki.0.path().display().to_string();
    assert!(
        pki.run(&format!(
            "cert issue client x -d pki -o ./d.pem --key-out {here}/dk.pem"
        ))
        .status
        .success()
    );
}

/// Nobody writes into it.
fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_pipe_in_the_directory_is_nobodys_certificate() {
    let pki = Pki::new();
    make_pipe(&pki.file("pipe.pem"));
    assert!(pki.run("cert issue member etcd-1 -d pki").status.success());
    assert!(pki.run("env etcd --host etcd-1 -d pki").status.success());
}

/// What is to be read of a directory is named and refused, and not waited for.
#[test]
fn a_pipe_in_the_place_of_a_file() {
    let pki = Pki::new();
    fs::write(
        pki.0.path().join("cluster.yaml"),
        "directory: pki\nmembers: [a]\n",
    )
    .unwrap();
    for line in [
        "apply -f cluster.yaml",
        "cert issue client c --days 3 -d pki",
        "csr new --cn x -o x.csr --key-out x-key.pem",
    ] {
        assert!(pki.run(line).status.success(), "{line}");
    }
    for (name, lines) in [
        (
            "ca-key.pem",
            &[
                "cert issue client x -d pki",
                "cert issue client x -d pki -o x.pem",
                "cert sign x.csr --role client --cn x -d pki",
                "cert renew -d pki",
                "cert renew pki/client-c.pem -d pki",
                "ca renew -d pki",
                "plan -f cluster.yaml",
                "check pki",
            ][..],
        ),
        (
            "ca.pem",
            &[
                "cert issue client x -d pki",
                "cert issue client x -d pki --ca-key pki/ca-key.pem",
                "cert verify pki/client-c.pem -d pki",
                "cert renew -d pki",
                "ca show -d pki",
                "ca new -d pki",
                "ca renew -d pki",
                "export -f cluster.yaml --host a -o out",
                "env etcd --host a -d pki",
            ],
        ),
        (
            "client-c-key.pem",
            &[
                "cert renew pki/client-c.pem -d pki",
                "check pki/client-c.pem",
            ],
        ),
        (
            "member-a-key.pem",
            &[
                "apply -f cluster.yaml",
                "export -f cluster.yaml --host a -o out",
            ],
        ),
    ] {
        let kept = pki.0.path().join("kept");
        fs::rename(pki.file(name), &kept).unwrap();
        make_pipe(&pki.file(name));
        for line in lines {
            let mut command = Command::new("timeout");
            command.arg("20").arg(etcd_pki());
            let command = command.current_dir(pki.0.path());
            let output = command.args(line.split_whitespace()).output().unwrap();
            let text = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&text);
            let code = output.status.code().unwrap();
            assert!((1..=3).contains(&code), "{line}: {code}: {said}");
            assert!(said.contains(name), "{line}: {said}");
        }
        fs::rename(&kept, pki.file(name)).unwrap();
    }
    // The authority of peers where they have none apart: somebody else's file
    make_pipe(&pki.file("peer-ca.pem"));
    let mut command = Command::new("timeout");
    command.arg("20").arg(etcd_pki()).current_dir(pki.0.path());
    let output = command
        .args(["plan", "-f", "cluster.yaml"])
        .output()
        .unwrap();
    assert!(output.status.success());
}

/// Who names a pipe has it waited for, as by `<(...)` in a shell.
#[test]
fn a_pipe_that_is_named() {
    let pki = Pki::new();
    make_pipe(&pki.file("pipe"));
    let script =
        "cat pki/ca-key.pem > pki/pipe & \"$1\" cert issue client x -d pki --ca-key pki/pipe";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(etcd_pki());
    let output = command.current_dir(pki.0.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// What a certificate says cannot become a line of a settings file.
#[test]
fn settings_hold_no_line_of_a_certificates() {
    let pki = Pki::new();
    assert!(pki.run("cert issue member etcd-1 -d pki").status.success());
    let script = "cd pki && openssl ecparam -name prime256v1 -genkey -noout -out k && \
        printf 'x\nETCD_EXEC=evil' > cn && \
        printf '[req]\nprompt=no\ndistinguished_name=dn\n[dn]\nCN=x\\\\nETCD_EXEC=evil\n' > conf && \
        openssl req -new -key k -config conf -out r && \
        printf 'extendedKeyUsage=serverAuth,clientAuth\n' > ext && \
        openssl x509 -req -in r -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 9 -extfile ext -out member-x.pem";
    let made = Command::new("sh")
        .current_dir(pki.0.path())
        .args(["-c", script])
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let printed = pki.run("env etcd --host etcd-1 -d pki").stdout;
    let printed = String::from_utf8(printed).unwrap();
    assert!(
        printed.lines().all(|line| !line.starts_with("ETCD_EXEC")),
        "{printed}"
    );
    assert!(
        printed.contains("ALLOWED_CN=etcd-member-etcd-1\n"),
        "{printed}"
    );
}

/// The answer stays when nobody reads what is printed.
#[test]
fn a_closed_pipe_is_no_yes() {
    let pki = Pki::new();
    assert!(pki.run("cert issue client c -d pki").status.success());
    let script =
        "\"$0\" cert verify pki/client-c.pem -d pki --role member | true; echo ${PIPESTATUS[0]}";
    let output = Command::new("bash")
        .current_dir(pki.0.path())
        .args(["-c", script])
        .arg(etcd_pki())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n");
}

#[test]
fn never_through_a_symbolic_link() {
    let pki = Pki::new();
    let outside = pki.0.path().join("outside");
    fs::write(&outside, "precious").unwrap();
    for name in ["client-app.pem", "client-app-key.pem"] {
        symlink(&outside, pki.file(name)).unwrap();
        let before = pki.contents();
        for force in ["", "--force"] {
            let output = pki.run(&format!("cert issue client app -d pki {force}"));
            assert_refused(&pki, &output, "symbolic link", &before);
        }
        assert_eq!(fs::read(&outside).unwrap(), b"precious");
        fs::remove_file(pki.file(name)).unwrap();
    }
    symlink("nowhere", pki.0.path().join("x.pem")).unwrap();
    let output = pki.run("cert issue client app --ca pki/ca.pem --ca-key pki/ca-key.pem -o x.pem");
    assert_eq!(output.status.code(), Some(1));
    assert!(!pki.0.path().join("nowhere").exists() && !pki.0.path().join("x-key.pem").exists());
}

#[test]
fn a_full_disk_loses_nothing() {
    let pki = Pki::new();
    let before = pki.contents();
    // No file may grow beyond nothing, as on a disk without room
    let full = "trap '' XFSZ; ulimit -f 0;";
    let output = pki.run_after(full, "cert issue client app -d pki");
    assert_refused(&pki, &output, "cannot write in", &before);
    assert!(pki.run("cert issue client app -d pki").status.success());
    let before = pki.contents();
    let output = pki.run_after(full, "cert issue client app -d pki --force");
    assert_refused(&pki, &output, "cannot write in", &before);
}

#[test]
fn a_directory_that_may_not_be_written_to() {
    let pki = Pki::new();
    // /proc takes no files, from root either
    let output =
        pki.run("cert issue client app --ca pki/ca.pem --ca-key pki/ca-key.pem -o /proc/app.pem");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("cannot write in /proc"), "{said}");
    let output =
        pki.run("cert issue client app --ca pki/ca.pem --ca-key pki/ca-key.pem -o missing/app.pem");
    assert_eq!(output.status.code(), Some(1));
    let output = pki.run("ca new -d pki/ca.pem");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn many_at_once() {
    let pki = Pki::new();
    let run_all = |names: [&str; 8]| -> usize {
        let children: Vec<_> = names
            .iter()
            .map(|name| {
                Command::new(etcd_pki())
                    .args(["cert", "issue", "client", name, "-d"])
                    .arg(pki.path())
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap()
            })
            .collect();
        let won = |mut child: std::process::Child| child.wait().unwrap().success();
        children.into_iter().map(won).filter(|won| *won).count()
    };
    assert_eq!(run_all(["a", "b", "c", "d", "e", "f", "g", "h"]), 8);
    assert_eq!(run_all(["same"; 8]), 1);
    assert_eq!(pki.list().len(), 2 + 2 * 9);
    for name in ["a", "same"] {
        pair(&pki, name);
    }
}

#[test]
fn killed_at_any_instant() {
    let pki = Pki::new();
    for round in 0..60 {
        let mut child = Command::new(etcd_pki())
            .args(["cert", "issue", "client", "app", "--force", "-d"])
            .arg(pki.path())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_micros(200 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        // The authority is whole, and no file is cut short
        assert!(pki.run("ca show -d pki").status.success());
        for (name, contents) in pki.contents() {
            let cut = !name.starts_with('.') && !contents.ends_with(b"-----\n");
            assert!(!cut, "{name} after round {round}");
        }
    }
    // The next run clears up
    assert!(
        pki.run("cert issue client app --force -d pki")
            .status
            .success()
    );
    let expected = [
        "ca-key.pem",
        "ca.pem",
        "client-app-key.pem",
        "client-app.pem",
    ];
    assert_eq!(pki.list().into_iter().collect::<Vec<_>>(), expected);
    pair(&pki, "app");
}

fn pair(pki: &Pki, name: &str) -> Bundle {
    let read = |file: String| fs::read(pki.file(&file)).unwrap();
    Bundle::from_pem(
        read(format!("client-{name}.pem")),
        read(format!("client-{name}-key.pem")),
    )
    .unwrap()
}

/// Copies of a pair that share its file, as Calico's of Kubespray's node pair, keep what is replaced.
#[test]
fn further_names_of_what_is_replaced_are_told() {
    let pki = Pki::new();
    assert!(pki.run("cert issue client app -d pki").status.success());
    assert!(pki.run("csr new --cn app -o app.csr").status.success());
    assert!(
        pki.run("cert sign app.csr --role client --cn app -d pki -o app.pem")
            .status
            .success()
    );
    let warning = "which keep the old content: copy it there anew";
    for (line, file) in [
        ("cert issue client app -d pki --force", "pki/client-app.pem"),
        (
            "cert issue client app -d pki --force",
            "pki/client-app-key.pem",
        ),
        (
            "cert issue client app -d pki -o app.pem --key-out k.pem --force",
            "app.pem",
        ),
        (
            "cert sign app.csr --role client --cn app -d pki -o app.pem --force",
            "app.pem",
        ),
        ("cert renew pki/client-app.pem -d pki", "pki/client-app.pem"),
        (
            "cert renew pki/client-app.pem -d pki --rekey",
            "pki/client-app-key.pem",
        ),
        (
            "csr new --cn app -o app.csr --key-out other.pem --force",
            "app.csr",
        ),
        ("key new -o k.pem --force", "k.pem"),
        ("ca renew -d pki", "pki/ca.pem"),
        ("ca new -d pki --replace-ca", "pki/ca-key.pem"),
    ] {
        let (path, copy) = (pki.0.path().join(file), pki.0.path().join("copy"));
        fs::hard_link(&path, &copy).unwrap();
        let old = fs::read(&copy).unwrap();
        let output = pki.run(line);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{line}: {said}");
        let told = format!("warning: {file} had further names (hard links), {warning}");
        assert_eq!(said.matches(&told).count(), 1, "{line}: {said}");
        assert_eq!(said.matches(warning).count(), 1, "{line}: {said}");
        assert_eq!(fs::read(&copy).unwrap(), old, "{line}");
        assert_ne!(fs::read(&path).unwrap(), old, "{line}");
        fs::remove_file(copy).unwrap();
    }
    // What was not replaced is not told of
    fs::hard_link(pki.0.path().join("app.pem"), pki.0.path().join("copy")).unwrap();
    let refused = pki.run("cert sign app.csr --role client --cn app -d pki -o app.pem");
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        !refused.status.success() && !said.contains(warning),
        "{said}"
    );
}

#[test]
fn the_wait_for_a_lock_is_told_once_and_can_be_ended() {
    let scratch = Scratch::new("lock");
    let store = Store::open(scratch.path().join("pki"), Layout::Kubespray);
    let held = store.lock().unwrap();
    let mut asked = 0;
    let ended = store.lock_while(|| {
        asked += 1;
        asked < 3
    });
    assert!(matches!(ended, Err(Error::Interrupted)), "{ended:?}");
    assert_eq!(asked, 3);

    let mut told = 0;
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(200));
            drop(held);
        });
        store.lock_with(|| told += 1).map(drop).unwrap();
    });
    assert_eq!(told, 1);

    // Who need not wait is asked nothing
    let free = store.lock_while(|| false);
    assert!(free.is_ok(), "{free:?}");
}
