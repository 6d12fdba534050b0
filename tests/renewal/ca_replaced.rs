//! CAs that are replaced by a new one: their files are kept, and no command treats them as files in
//! use.
use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use etcd_pki_core::{CaKind, Certificate, CertificateAuthority, Layout, Store, verify};
use etcd_pki_tests::{Verdict, go, openssl, pki::mode};

use super::place::Place;

impl Place {
    /// The serial number as openssl prints it.
    fn serial(&self, name: &Path) -> String {
        let line = format!("x509 -noout -serial -in {}", self.file(name).display());
        let shown = openssl::call(self.path(), &line);
        let text = shown.stdout().trim().to_owned();
        text.strip_prefix("serial=").unwrap().to_owned()
    }
}

/// The path of a kept file of the old CA: `ca-replaced-SERIAL.pem`, `etcd/ca-replaced-SERIAL.key`.
fn kept(path: &Path, stem: &str, serial: &str) -> PathBuf {
    let name = path.file_name().unwrap().to_str().unwrap();
    let rest = name.strip_prefix(stem).unwrap();
    path.with_file_name(format!("{stem}-replaced-{serial}{rest}"))
}

#[test]
fn the_old_pair_is_kept_in_each_layout() {
    for layout in Layout::ALL {
        let place = Place::new("old-ca");
        let options = format!("-d p --layout {layout}");
        let _ = place.done(&format!("ca new {options}"));
        let _ = place.done(&format!("cert issue client backup {options}"));
        let ca = layout.ca(CaKind::Client);
        let stem = ca.certificate.file_stem().unwrap().to_str().unwrap();
        for (path, mode) in [(&ca.certificate, 0o640), (&ca.key, 0o400)] {
            fs::set_permissions(place.file(path), Permissions::from_mode(mode)).unwrap();
        }
        let mut bundle = fs::read(place.file(&ca.certificate)).unwrap();
        bundle.extend_from_slice(b"# a note\n");
        fs::write(place.file(&ca.certificate), &bundle).unwrap();
        let key = fs::read(place.file(&ca.key)).unwrap();
        let serial = place.serial(&ca.certificate);
        let replaced = place.done(&format!("ca new {options} --replace-ca"));
        for (path, contents, expected) in
            [(&ca.certificate, &bundle, 0o640), (&ca.key, &key, 0o400)]
        {
            let kept = kept(path, stem, &serial);
            assert_eq!(fs::read(place.file(&kept)).unwrap(), *contents, "{layout}");
            assert_eq!(mode(&place.file(&kept)), expected, "{layout}");
            assert_ne!(fs::read(place.file(path)).unwrap(), *contents, "{layout}");
            let name = kept.display().to_string();
            assert!(replaced.stderr().contains(&name), "{replaced:?}");
        }

        // No command treats them as a CA in use, as a leaf, or as files of others
        let checked = place.pki("check p --json");
        assert!(!checked.stdout().contains("replaced"), "{checked:?}");
        assert!(checked.stdout().contains("EP007"), "{checked:?}");
        if layout != Layout::Cfssl {
            let adopted = place.done(&format!("adopt p --layout {layout}"));
            assert!(!adopted.stdout().contains("replaced"), "{adopted:?}");
            fs::write(place.path().join("s.yaml"), adopted.stdout()).unwrap();
            let applied = place.done("apply -f s.yaml --prune");
            assert!(!applied.stderr().contains("replaced"), "{applied:?}");
            let again = place.done("plan --check -f s.yaml");
            assert!(!again.stderr().contains("replaced"), "{again:?}");
            let checked = place.done("check p --json");
            assert!(!checked.stdout().contains("EP007"), "{checked:?}");
        }
        assert!(place.file(kept(&ca.key, stem, &serial)).exists());
    }
}

/// `check` reports a replaced CA key that others can read, and nothing else about it.
#[test]
fn what_check_reports_of_a_replaced_ca() {
    let place = Place::new("old-ca");
    let _ = place.done("ca new -d p");
    let serial = place.serial(Path::new("ca.pem"));
    let _ = place.done("ca new -d p --replace-ca");
    let _ = place.done("check p");
    let key = place.file(format!("ca-replaced-{serial}-key.pem"));
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    let checked = place.pki("check p --json");
    assert!(checked.stdout().contains("EP006"), "{checked:?}");
    // As an argument it is checked like any other file
    for (path, is_judged) in [
        ("p".to_owned(), false),
        (format!("p/ca-replaced-{serial}.pem"), true),
    ] {
        fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
        let checked = place.pki(&format!("check {path} --warning 20y --json"));
        assert!(checked.stdout().contains("EP003"), "{checked:?}");
        assert_eq!(checked.stdout().contains("ca-replaced"), is_judged);
    }
}

#[test]
fn the_old_pair_is_kept_by_path() {
    let place = Place::new("old-ca");
    fs::create_dir(place.path().join("p")).unwrap();
    for (names, kept) in [
        ("-o p/a.pem", ["a-replaced-S.pem", "a-replaced-S-key.pem"]),
        (
            "-o p/b.crt --key-out p/k/b.key",
            ["b-replaced-S.crt", "k/b-replaced-S.key"],
        ),
    ] {
        fs::create_dir_all(place.file("k")).unwrap();
        let _ = place.done(&format!("ca new {names}"));
        let certificate = names.split(['/', ' ']).nth(2).unwrap();
        let serial = place.serial(Path::new(certificate));
        let old = fs::read(place.file(certificate)).unwrap();
        let replaced = place.done(&format!("ca new {names} --replace-ca"));
        let kept = kept.map(|name| place.file(name.replace('S', &serial)));
        assert_eq!(fs::read(&kept[0]).unwrap(), old);
        assert!(kept[1].exists(), "{replaced:?}");
        assert_eq!(mode(&kept[1]), 0o600);
        if kept[0].parent() == kept[1].parent() {
            let line = format!("key new --force -o {}", kept[1].display());
            let refused = place.pki(&line).expect_code(1);
            assert!(refused.stderr().contains("belongs to a CA"), "{refused:?}");
        }
    }
}

/// The files are kept each time, and an existing file with the same name is not overwritten.
#[test]
fn replaced_several_times() {
    let place = Place::new("old-ca");
    let store = Store::new(place.file(""), Layout::Kubespray);
    let files = store.lock().unwrap();
    let [first, second] = ["a", "b"].map(|name| CertificateAuthority::create(name).unwrap());
    files.write_ca(CaKind::Client, &first, None).unwrap();
    let serial = first.certificate().serial_number().to_string();
    let names = |suffix: &str| {
        [
            format!("ca-replaced-{serial}{suffix}.pem"),
            format!("ca-replaced-{serial}{suffix}-key.pem"),
        ]
    };
    let replace = |ca: &CertificateAuthority| {
        let kept = files.replace_ca(CaKind::Client, ca, None).unwrap().unwrap();
        [kept.certificate, kept.key]
    };
    // Another file has the first name
    fs::write(place.file(&names("")[0]), "notes").unwrap();
    assert_eq!(replace(&second), names("-2").map(|name| place.file(name)));
    assert_eq!(fs::read(place.file(&names("")[0])).unwrap(), b"notes");
    assert!(!place.file(&names("")[1]).exists());
    // The same files again, as after a run that was interrupted
    replace(&first);
    assert_eq!(replace(&second), names("-2").map(|name| place.file(name)));
    let kept = store
        .certificates()
        .unwrap()
        .into_iter()
        .filter(|(path, _)| path.display().to_string().contains(&serial));
    assert_eq!(kept.count(), 1);
}

/// A key without a certificate, or a damaged certificate, is kept too; a link is refused, and
/// nothing is changed.
#[test]
fn what_is_no_whole_pair() {
    let place = Place::new("old-ca");
    let _ = place.done("ca new -d p");
    let key = fs::read(place.file("ca-key.pem")).unwrap();
    fs::write(place.file("ca.pem"), "damaged").unwrap();
    let kept = |part: &str| -> Vec<PathBuf> {
        let entries = fs::read_dir(place.file("")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let is_kept = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with("ca-replaced-") && name.ends_with(part)
        };
        paths.filter(is_kept).collect()
    };
    let _ = place.done("ca new -d p --replace-ca");
    assert_eq!(fs::read(&kept("-key.pem")[0]).unwrap(), key);
    assert_eq!(kept(".pem").len(), 2);

    let serial = place.serial(Path::new("ca.pem"));
    fs::rename(place.file("ca.pem"), place.path().join("elsewhere.pem")).unwrap();
    symlink("../elsewhere.pem", place.file("ca.pem")).unwrap();
    let refused = place.pki("ca new -d p --replace-ca").expect_code(1);
    assert!(refused.stderr().contains("link"), "{refused:?}");
    assert_eq!(kept(".pem").len(), 2, "{serial}");

    fs::remove_file(place.file("ca.pem")).unwrap();
    let key = fs::read(place.file("ca-key.pem")).unwrap();
    let _ = place.done("ca new -d p --replace-ca");
    let keys = kept("-key.pem");
    assert!(keys.iter().any(|path| fs::read(path).unwrap() == key));
    assert_eq!(kept(".pem").len(), 3);
}

/// Commands that report a missing CA name the layout of the existing files.
#[test]
fn hints_name_the_layout_of_the_files() {
    for there in Layout::ALL {
        let place = Place::new("old-ca");
        let _ = place.done(&format!("ca new -d p --layout {there}"));
        let issue = format!("cert issue member a --san 10.0.0.1 -d p --layout {there}");
        let _ = place.done(&issue);
        let _ = place.done("csr new --name b -o request");
        let leaf = there.pairs(etcd_pki_core::Role::Member, "a").unwrap();
        let leaf = leaf[0].certificate.display();
        for asked in [Layout::Kubespray, Layout::Kubeadm, Layout::K3s] {
            let ca = |layout: Layout| layout.ca(CaKind::Client).certificate;
            if ca(asked) == ca(there) {
                continue;
            }
            for line in [
                "cert issue client b".to_owned(),
                "cert renew".to_owned(),
                format!("cert renew p/{leaf}"),
                format!("cert verify p/{leaf}"),
                "cert sign --role client --name b request".to_owned(),
                "ca renew".to_owned(),
                "ca renew --csr x".to_owned(),
                "ca show".to_owned(),
                "ca new".to_owned(),
            ] {
                let refused = place.pki(&format!("{line} -d p --layout {asked}"));
                let refused = refused.expect_code(1);
                let told = refused.stderr();
                assert!(told.contains(&format!("--layout {there}")), "{refused:?}");
                assert!(!told.contains("ca new -d"), "{refused:?}");
                assert!(!told.contains("--replace-ca"), "{refused:?}");
            }
        }
    }
}

/// The common names in a trust bundle.
fn names(path: &Path) -> Vec<String> {
    let all = Certificate::all_from_bytes(&fs::read(path).unwrap()).unwrap();
    all.iter().filter_map(Certificate::common_name).collect()
}

/// The other CAs of a trust bundle stay, in any order. The replaced CA is removed with its earlier
/// certificates.
#[test]
fn the_other_cas_of_a_bundle_stay() {
    let replace = [
        "ca new -d p --replace-ca",
        "ca new -o p/ca.pem --key-out p/ca-key.pem --replace-ca",
        "ca new -d p --key new-key.pem --replace-ca --cn etcd-ca",
        "ca new -d p --key p/ca-key.pem --replace-ca",
    ];
    for line in replace {
        for order in [
            "own other third",
            "other own third",
            "other third earlier own",
        ] {
            let place = Place::new("old-ca");
            let _ = place.done("ca new -d p");
            let _ = place.done("key new -o new-key.pem");
            for name in ["other", "third"] {
                let _ = place.done(&format!("ca new --cn {name} -o {name}.pem"));
            }
            let read = |name: &str| fs::read_to_string(name).unwrap();
            let own = read(place.file("ca.pem").to_str().unwrap());
            let _ = place.done("ca renew -d p");
            let renewed = read(place.file("ca.pem").to_str().unwrap());
            let bundle = order.split(' ').map(|name| match name {
                "own" => renewed.clone(),
                "earlier" => own.clone(),
                name => read(place.path().join(format!("{name}.pem")).to_str().unwrap()),
            });
            fs::write(place.file("ca.pem"), bundle.collect::<String>()).unwrap();
            let before = fs::read(place.file("ca.pem")).unwrap();
            let replaced = place.done(line);
            assert_eq!(
                names(&place.file("ca.pem")),
                ["etcd-ca", "other", "third"],
                "{line}"
            );
            assert!(verify::trusted_ca(&fs::read(place.file("ca.pem")).unwrap()).is_ok());
            let new = fs::read_to_string(place.file("ca.pem")).unwrap();
            assert!(
                !new.contains(own.trim()) && !new.contains(renewed.trim()),
                "{line}"
            );
            let _ = place.done("cert issue client x -d p");
            let _ = place.done("check p");
            let kept = fs::read_dir(place.file(""))
                .unwrap()
                .map(|entry| entry.unwrap().path());
            let mut kept = kept.filter(|path| path.display().to_string().contains("-replaced-"));
            assert!(kept.any(|path| fs::read(path).unwrap() == before), "{line}");
            // A new certificate with the same key and name keeps the CA's leaves valid
            let is_cut_off = !line.contains("--key p/ca-key.pem");
            let told = replaced.stderr().contains("not accepted any more");
            assert_eq!(told, is_cut_off, "{line}: {replaced:?}");
        }
    }
}

/// Without a readable key, the name shows which CA is replaced; otherwise the command refuses.
#[test]
fn a_bundle_without_a_key_that_can_be_read() {
    for (cn, is_known) in [("etcd-ca", true), ("new-ca", false)] {
        let place = Place::new("old-ca");
        let _ = place.done("ca new -d p");
        let _ = place.done("ca new --cn other -o other.pem");
        let own = fs::read_to_string(place.file("ca.pem")).unwrap();
        let other = fs::read_to_string(place.path().join("other.pem")).unwrap();
        fs::write(place.file("ca.pem"), format!("{other}{own}")).unwrap();
        fs::remove_file(place.file("ca-key.pem")).unwrap();
        let replaced = place.pki(&format!("ca new -d p --replace-ca --cn {cn}"));
        assert_eq!(replaced.success(), is_known, "{replaced:?}");
        if is_known {
            assert_eq!(names(&place.file("ca.pem")), ["etcd-ca", "other"]);
        } else {
            assert!(
                replaced.stderr().contains("which of them is replaced"),
                "{replaced:?}"
            );
            assert_eq!(names(&place.file("ca.pem")), ["other", "etcd-ca"]);
        }
    }
}

/// Writes a bundle with the CA in use and two others, in the order of these names.
fn bundle_of(place: &Place, order: &[&str]) {
    let _ = place.done("ca new -d p --cn own");
    for name in ["other", "third"] {
        let _ = place.done(&format!("ca new --cn {name} -o {name}.pem"));
    }
    fs::copy(place.file("ca.pem"), place.path().join("own.pem")).unwrap();
    let read = |name: &&str| fs::read_to_string(place.path().join(format!("{name}.pem"))).unwrap();
    let bundle: String = order.iter().map(read).collect();
    fs::write(place.file("ca.pem"), bundle).unwrap();
}

/// openssl trusts the new CA and the other CAs, and not the old one. The old file is kept.
#[track_caller]
fn check_replaced(place: &Place, expected: &[&str], before: &[u8]) {
    assert_eq!(names(&place.file("ca.pem")), expected);
    let _ = place.done("cert issue client new -d p");
    for name in ["other", "third", "own"] {
        let [ca, key] = ["", "-key"].map(|part| place.path().join(format!("{name}{part}.pem")));
        if !ca.exists() || !key.exists() {
            continue;
        }
        let [ca, key] = [ca.display(), key.display()];
        let line = format!("cert issue client {name} --ca {ca} --ca-key {key} -o {name}-leaf.pem");
        let _ = place.done(&line);
        let line = format!("verify -CAfile p/ca.pem {name}-leaf.pem");
        let verified = openssl::accepts(place.path(), &line);
        assert_eq!(verified, expected.contains(&name), "{name}");
    }
    let line = "verify -x509_strict -CAfile p/ca.pem p/client-new.pem";
    assert!(openssl::accepts(place.path(), line));
    let mut files = fs::read_dir(place.file("")).unwrap();
    let is_kept = files.any(|file| {
        let path = file.unwrap().path();
        path.to_string_lossy().contains("-replaced-") && fs::read(path).unwrap() == before
    });
    assert!(is_kept);
}

/// Without its key, the replaced CA is the one that signed the existing certificates.
#[test]
fn the_ca_that_has_signed_is_replaced() {
    for line in ["ca new -d p", "ca new -o p/ca.pem --key-out p/ca-key.pem"] {
        for order in [["own", "other", "third"], ["third", "other", "own"]] {
            let place = Place::new("old-ca");
            bundle_of(&place, &order);
            let _ = place.done("cert issue client c -d p");
            fs::rename(place.file("ca-key.pem"), place.path().join("own-key.pem")).unwrap();
            let before = fs::read(place.file("ca.pem")).unwrap();
            let _ = place.done(&format!("{line} --replace-ca"));
            let others = order.into_iter().filter(|name| *name != "own");
            let expected: Vec<_> = std::iter::once("etcd-ca").chain(others).collect();
            check_replaced(&place, &expected, &before);
        }
    }
}

/// The passphrase of the new CA may be that of the old one.
#[test]
fn an_encrypted_key_shows_which_ca_is_replaced() {
    let place = Place::new("old-ca");
    fs::write(place.path().join("secret"), "correct\n").unwrap();
    bundle_of(&place, &["other", "own", "third"]);
    let _ =
        place.done("key convert p/ca-key.pem --new-passphrase-file secret -o p/ca-key.pem --force");
    let before = fs::read(place.file("ca.pem")).unwrap();
    let refused = place.pki("ca new -d p --replace-ca").expect_code(1);
    assert!(refused.stderr().contains("CN=own; CN=third"), "{refused:?}");
    assert!(refused.stderr().contains("--cn"), "{refused:?}");
    let _ = place.done("ca new -d p --replace-ca --passphrase-file secret");
    assert_eq!(names(&place.file("ca.pem")), ["etcd-ca", "other", "third"]);
    let kept = fs::read_dir(place.file("")).unwrap();
    let mut kept = kept.map(|entry| fs::read(entry.unwrap().path()).unwrap());
    assert!(kept.any(|file| file == before));
}

/// An intermediate CA is replaced, and its root stays trusted.
#[test]
fn the_root_of_an_intermediate_stays() {
    let place = Place::new("old-ca");
    fs::create_dir(place.file("")).unwrap();
    let _ = place.done("ca new --cn root -o root.pem");
    let _ = place.done("key new -o p/ca-key.pem");
    let folder = place.path();
    let request = "req -new -key p/ca-key.pem -subj /CN=etcd-ca -out request -addext basicConstraints=critical,CA:TRUE \
                   -addext keyUsage=critical,keyCertSign";
    let _ = openssl::call(folder, request);
    let sign = "x509 -req -in request -CA root.pem -CAkey root-key.pem -copy_extensions copyall -days 99 -out between.pem";
    let _ = openssl::call(folder, sign);
    for order in [["between", "root"], ["root", "between"]] {
        let read = |name: &str| fs::read_to_string(folder.join(format!("{name}.pem"))).unwrap();
        fs::write(place.file("ca.pem"), order.map(read).concat()).unwrap();
        let key = fs::read(place.file("ca-key.pem")).unwrap();
        let before = fs::read(place.file("ca.pem")).unwrap();
        let _ = place.done("ca new -d p --replace-ca");
        assert_eq!(names(&place.file("ca.pem")), ["etcd-ca", "root"]);
        let new = Certificate::all_from_bytes(&fs::read(place.file("ca.pem")).unwrap()).unwrap();
        assert_eq!(new[0].issuer(), "CN=etcd-ca");
        let kept = fs::read_dir(place.file("")).unwrap();
        let mut kept = kept.map(|entry| fs::read(entry.unwrap().path()).unwrap());
        assert!(kept.any(|file| file == before));
        fs::write(place.file("ca-key.pem"), key).unwrap();
    }
}

/// Other blocks in the files of the CA do not matter: the old files are kept unchanged.
#[test]
fn unrelated_blocks() {
    const DAMAGED: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    for line in ["ca new -d p", "ca new -o p/ca.pem --key-out p/ca-key.pem"] {
        for (where_, block) in [
            ("ca.pem", "a-key"),
            ("ca.pem", "ca-key"),
            ("ca.pem", "parameters"),
            ("ca.pem", "request"),
            ("ca.pem", "public"),
            ("ca.pem", "leaf"),
            ("ca.pem", "leaf first"),
            ("ca.pem", "text"),
            ("ca.pem", "damaged"),
            ("ca.pem", "damaged first"),
            ("ca-key.pem", "certificate"),
            ("ca-key.pem", "parameters first"),
        ] {
            let place = Place::new("old-ca");
            bundle_of(&place, &["other", "own"]);
            let _ = place.done("cert issue client c -d p");
            let _ = place.done("csr new --name x -o x.csr --key-out x.key");
            let read = |name: &str| fs::read_to_string(place.path().join(name)).unwrap();
            let part = match block.split(' ').next().unwrap() {
                "a-key" => read("x.key"),
                "ca-key" => read("p/ca-key.pem"),
                "parameters" => {
                    "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
                        .to_owned()
                }
                "request" => read("x.csr"),
                "public" => place.done("key public x.key").stdout().to_owned(),
                "leaf" => read("p/client-c.pem"),
                "text" => "notes of an operator\n".to_owned(),
                "damaged" => DAMAGED.to_owned(),
                "certificate" => read("own.pem"),
                block => panic!("{block}"),
            };
            let old = fs::read_to_string(place.file(where_)).unwrap();
            let new = match block.ends_with("first") {
                true => format!("{part}{old}"),
                false => format!("{old}{part}"),
            };
            fs::write(place.file(where_), new).unwrap();
            let before = fs::read(place.file("ca.pem")).unwrap();
            let replaced = place.done(&format!("{line} --replace-ca"));
            assert!(replaced.stderr().contains("ca-replaced-"), "{replaced:?}");
            fs::remove_file(place.path().join("own.pem")).unwrap();
            check_replaced(&place, &["etcd-ca", "other"], &before);
        }
    }
}

/// The command does not replace files that belong to no CA.
#[test]
fn the_files_of_a_leaf_stay() {
    let place = Place::new("old-ca");
    let _ = place.done("ca new -d p");
    let _ = place.done("cert issue client c -d p");
    let before = fs::read(place.file("client-c.pem")).unwrap();
    let line = "ca new -o p/client-c.pem --key-out p/new-key.pem --replace-ca";
    let refused = place.pki(line).expect_code(1);
    assert!(
        refused.stderr().contains("a leaf certificate"),
        "{refused:?}"
    );
    assert_eq!(fs::read(place.file("client-c.pem")).unwrap(), before);
    assert!(!place.file("new-key.pem").exists());
    let entries = fs::read_dir(place.file("")).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    assert!(!paths.any(|path| path.to_string_lossy().contains("replaced")));
}

/// `--replace-ca` creates no second CA next to that of another layout.
#[test]
fn another_layout_has_the_ca() {
    for (there, asked) in [
        (Layout::Kubeadm, Layout::Kubespray),
        (Layout::Kubespray, Layout::Kubeadm),
    ] {
        let place = Place::new("old-ca");
        let _ = place.done(&format!("ca new -d p --layout {there}"));
        let issue = format!("cert issue member a --san 10.0.0.1 -d p --layout {there}");
        let _ = place.done(&issue);
        let line = format!("ca new -d p --replace-ca --layout {asked}");
        let refused = place.pki(&line).expect_code(1);
        assert!(
            refused.stderr().contains(&format!("--layout {there}")),
            "{refused:?}"
        );
        assert!(!place.file(asked.ca(CaKind::Client).certificate).exists());
        let _ = place.done(&format!("ca new -d p --replace-ca --layout {there}"));
    }
}

/// Each way to replace a CA prints a warning that its certificates are no longer accepted.
#[test]
fn the_warning_of_a_replaced_ca() {
    for line in ["ca new -d p", "ca new -o p/ca.pem --key-out p/ca-key.pem"] {
        let place = Place::new("old-ca");
        let made = place.done("ca new -d p");
        assert!(!made.stderr().contains("not accepted any more"), "{made:?}");
        let replaced = place.done(&format!("{line} --replace-ca"));
        assert!(
            replaced.stderr().contains("not accepted any more"),
            "{replaced:?}"
        );
    }
}

/// The warning about an intermediate CA depends on what stays trusted. Go decides.
#[test]
fn the_warning_of_a_replaced_intermediate_ca() {
    for (keeps_root, line) in [
        (true, "ca new -d p --replace-ca"),
        (
            true,
            "ca new -o p/ca.pem --key-out p/ca-key.pem --replace-ca",
        ),
        (false, "ca new -d p --replace-ca"),
    ] {
        let place = Place::new("old-ca");
        let call = |line: &str| drop(openssl::call(&place.file(""), line));
        let _ = place.done("ca new -d p --cn lower");
        let _ = place.done("ca new --cn upper -o p/root.pem --key-out p/root-key.pem");
        fs::write(
            place.file("v3"),
            "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n",
        )
        .unwrap();
        call(
            "x509 -in ca.pem -CA root.pem -CAkey root-key.pem -days 99 -extfile v3 -clrext -out lower.pem",
        );
        let read = |name: &str| fs::read_to_string(place.file(name)).unwrap();
        let root = if keeps_root {
            read("root.pem")
        } else {
            String::new()
        };
        fs::write(place.file("ca.pem"), read("lower.pem") + &root).unwrap();
        let _ = place.done("cert issue client x -d p");
        let leaf = Certificate::from_pem(
            read("client-x.pem")
                .split_inclusive("-----END CERTIFICATE-----")
                .next()
                .unwrap(),
        );
        let leaf = leaf.unwrap().to_pem();
        let replaced = place.done(line);
        let is_accepted = |text: String| {
            fs::write(place.file("leaf"), text).unwrap();
            let [ca, leaf] = ["ca.pem", "leaf"].map(|name| place.file(name));
            go::verify(&ca, &leaf).client() == Verdict::Accepted
        };
        assert!(!is_accepted(leaf.clone()));
        assert_eq!(is_accepted(leaf + &read("lower.pem")), keeps_root);
        let warning = if keeps_root {
            "accepted only if the CA's own certificate follows them in their files, because upper stays trusted"
        } else {
            "certificates of the old CA are not accepted any more"
        };
        assert!(replaced.stderr().contains(warning), "{replaced:?}");
    }
}

/// A file without a CA, and a new certificate of the same CA, cut nothing off.
#[test]
fn no_warning_without_a_replaced_ca() {
    let place = Place::new("old-ca");
    fs::create_dir(place.file("")).unwrap();
    fs::write(place.file("ca.pem"), "").unwrap();
    let made = place.done("ca new -d p --replace-ca");
    assert!(!made.stderr().contains("old CA are"), "{made:?}");
    // The same key, in a file with another name
    fs::copy(place.file("ca-key.pem"), place.path().join("copy.pem")).unwrap();
    let _ = place.done("cert issue client x -d p");
    for (cn, is_cut_off) in [("etcd-ca", false), ("other", true)] {
        let line = format!("ca new -d p --key copy.pem --replace-ca --cn {cn}");
        let replaced = place.done(&line);
        let [ca, leaf] = ["ca.pem", "client-x.pem"].map(|name| place.file(name));
        let is_accepted = go::verify(&ca, &leaf).client() == Verdict::Accepted;
        assert_eq!(is_accepted, !is_cut_off);
        let told = replaced.stderr().contains("not accepted any more");
        assert_eq!(told, is_cut_off, "{replaced:?}");
    }
}
