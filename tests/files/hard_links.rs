//! Files with further names (hard links): a change of owner or mode would change a file elsewhere.
use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::Path,
    process::Command,
};

use etcd_pki_tests::{LOCK_FILE, Scratch, command::etcd_pki, run};

const ETCD: u32 = 65_532;
const SPECIFICATION: &str =
    "members: [{name: m, addresses: [10.0.0.1]}]\nclients: [app]\nadmin: none\n";

/// Runs `apply` in a folder.
fn apply(folder: &Path, more: &str) -> etcd_pki_tests::Output {
    fs::write(
        folder.join("cluster.yaml"),
        format!("{SPECIFICATION}{more}"),
    )
    .unwrap();
    run(Command::new(etcd_pki()).current_dir(folder).args([
        "apply",
        "-f",
        "cluster.yaml",
        "-d",
        "pki",
    ]))
}

fn facts(path: &Path) -> (u32, u32, u32) {
    let metadata = path.metadata().unwrap();
    (metadata.uid(), metadata.gid(), metadata.mode() & 0o777)
}

#[test]
fn a_key_with_another_name_is_given_to_nobody() {
    let scratch = Scratch::new("hard-links");
    let folder = scratch.path();
    let _ = apply(folder, "").expect_success();
    let (vault, key) = (
        folder.join("vault.key"),
        folder.join("pki/member-m-key.pem"),
    );
    fs::rename(&key, &vault).unwrap();
    fs::hard_link(&vault, &key).unwrap();
    let owned = format!("files: {{owner: {ETCD}}}\n");
    for (more, mode) in [(&*owned, 0o600), ("files: {key_mode: '0640'}\n", 0o600)] {
        let output = apply(folder, more);
        assert_eq!(output.code(), Some(1), "{}", output.stderr());
        assert!(
            output.stderr().contains("pki/member-m-key.pem")
                && output.stderr().contains("hard link"),
            "{}",
            output.stderr()
        );
        assert_eq!(facts(&vault), (0, 0, mode), "{more}");
    }
    // The other pair is unaffected
    let _ = apply(folder, &owned);
    assert_eq!(facts(&folder.join("pki/client-app-key.pem")).0, ETCD);
    // A separate copy is changed
    fs::remove_file(&key).unwrap();
    fs::copy(&vault, &key).unwrap();
    let _ = apply(folder, &owned).expect_success();
    assert_eq!((facts(&vault).0, facts(&key).0), (0, ETCD));
}

#[test]
fn a_lock_file_with_another_name_is_refused() {
    let scratch = Scratch::new("hard-links");
    let folder = scratch.path();
    let (pki, precious) = (folder.join("pki"), folder.join("precious"));
    fs::create_dir(&pki).unwrap();
    chown(&pki, Some(ETCD), Some(ETCD)).unwrap();
    fs::write(&precious, "precious").unwrap();
    fs::set_permissions(&precious, fs::Permissions::from_mode(0o640)).unwrap();
    fs::hard_link(&precious, pki.join(LOCK_FILE)).unwrap();
    let before = facts(&precious);
    let output = apply(folder, "");
    assert_eq!(output.code(), Some(1), "{}", output.stderr());
    assert!(
        output.stderr().contains(LOCK_FILE) && output.stderr().contains("hard link"),
        "{}",
        output.stderr()
    );
    assert_eq!(facts(&precious), before);
    fs::remove_file(pki.join(LOCK_FILE)).unwrap();
    let _ = apply(folder, "").expect_success();
}
