//! Pipes in place of files, named and unnamed, and a pipe without a reader.
use std::{fs, path::Path, process::Command};

use etcd_pki_tests::{command::etcd_pki, pki::Pki};

/// Creates a pipe without a writer.
fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_pipe_in_the_directory_is_nobodys_certificate() {
    let pki = Pki::create();
    make_pipe(&pki.file("pipe.pem"));
    assert!(pki.run("cert issue member etcd-1 -d pki").status.success());
    assert!(pki.run("env etcd --host etcd-1 -d pki").status.success());
}

/// A pipe in a directory is reported and refused, and does not block the command.
#[test]
fn a_pipe_in_the_place_of_a_file() {
    let pki = Pki::create();
    fs::write(
        pki.parent().join("cluster.yaml"),
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
        let kept = pki.parent().join("kept");
        fs::rename(pki.file(name), &kept).unwrap();
        make_pipe(&pki.file(name));
        for line in lines {
            let mut command = Command::new("timeout");
            command.arg("20").arg(etcd_pki());
            let command = command.current_dir(pki.parent());
            let output = command.args(line.split_whitespace()).output().unwrap();
            let text = [output.stdout, output.stderr].concat();
            let stderr = String::from_utf8_lossy(&text);
            let code = output.status.code().unwrap();
            assert!((1..=3).contains(&code), "{line}: {code}: {stderr}");
            assert!(stderr.contains(name), "{line}: {stderr}");
        }
        fs::rename(&kept, pki.file(name)).unwrap();
    }
    // The peer CA in a directory without a separate peer CA: the file of another tool
    make_pipe(&pki.file("peer-ca.pem"));
    let mut command = Command::new("timeout");
    command.arg("20").arg(etcd_pki()).current_dir(pki.parent());
    let output = command
        .args(["plan", "-f", "cluster.yaml"])
        .output()
        .unwrap();
    assert!(output.status.success());
}

/// The command waits for a pipe that the user names, as with `<(...)` in a shell.
#[test]
fn a_pipe_that_is_named() {
    let pki = Pki::create();
    make_pipe(&pki.file("pipe"));
    let script =
        "cat pki/ca-key.pem > pki/pipe & \"$1\" cert issue client x -d pki --ca-key pki/pipe";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(etcd_pki());
    let output = command.current_dir(pki.parent()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// A closed pipe on standard output does not turn a refusal into success.
#[test]
fn a_closed_pipe_is_no_yes() {
    let pki = Pki::create();
    assert!(pki.run("cert issue client c -d pki").status.success());
    let script =
        "\"$0\" cert verify pki/client-c.pem -d pki --role member | true; echo ${PIPESTATUS[0]}";
    let output = Command::new("bash")
        .current_dir(pki.parent())
        .args(["-c", script])
        .arg(etcd_pki())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n");
}
