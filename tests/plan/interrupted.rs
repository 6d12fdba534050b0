//! Writing that fails or is interrupted, and several processes that write in parallel: nothing is
//! lost, and no file is truncated.
use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use etcd_pki_core::{Bundle, Error, Layout, Store};
use etcd_pki_tests::{Scratch, command::etcd_pki, pki::Pki};

#[test]
fn a_full_disk_loses_nothing() {
    let pki = Pki::create();
    let before = pki.contents();
    // No file may grow, as on a full disk
    let full = "trap '' XFSZ; ulimit -f 0;";
    let output = pki.run_after(full, "cert issue client app -d pki");
    pki.assert_refused(&output, "cannot write in", &before);
    assert!(pki.run("cert issue client app -d pki").status.success());
    let before = pki.contents();
    let output = pki.run_after(full, "cert issue client app -d pki --force");
    pki.assert_refused(&output, "cannot write in", &before);
}

#[test]
fn a_directory_that_may_not_be_written_to() {
    let pki = Pki::create();
    // /proc allows no new files, even for root
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
    let pki = Pki::create();
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
    let pki = Pki::create();
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
        // The CA is complete, and no file is truncated
        assert!(pki.run("ca show -d pki").status.success());
        for (name, contents) in pki.contents() {
            let cut = !name.starts_with('.') && !contents.ends_with(b"-----\n");
            assert!(!cut, "{name} after round {round}");
        }
    }
    // The next run removes temporary files
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

#[test]
fn the_wait_for_a_lock_is_told_once_and_can_be_ended() {
    let scratch = Scratch::new("lock");
    let store = Store::new(scratch.path().join("pki"), Layout::Kubespray);
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

    // If the lock is free, the callback is not called
    let free = store.lock_while(|| false);
    assert!(free.is_ok(), "{free:?}");
}
