//! The files that the command leaves on the disk: their modes, and which files it replaces.
use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    process::Command,
};

use etcd_pki_tests::pki::{Pki, mode};

#[test]
fn modes_whatever_the_umask() {
    for umask in ["umask 000;", "umask 022;", "umask 077;"] {
        let pki = Pki::empty();
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
    let pki = Pki::create();
    assert!(pki.run("cert issue client app -d pki").status.success());
    let before = pki.contents();
    let issue = "cert issue client app -d pki";
    pki.assert_refused(&pki.run(issue), "exists", &before);
    pki.assert_refused(&pki.run("ca new -d pki"), "no new CA", &before);
    // A key alone, a certificate alone
    for name in ["client-app.pem", "client-app-key.pem"] {
        fs::remove_file(pki.file(name)).unwrap();
        let before = pki.contents();
        pki.assert_refused(&pki.run(issue), "exists", &before);
        assert!(pki.run(&format!("{issue} --force")).status.success());
    }
    // Without the CA, its certificates prevent that a new CA is created
    fs::remove_file(pki.file("ca.pem")).unwrap();
    fs::remove_file(pki.file("ca-key.pem")).unwrap();
    let before = pki.contents();
    pki.assert_refused(&pki.run("ca new -d pki"), "client-app.pem", &before);
    assert!(pki.run("ca new -d pki --replace-ca").status.success());
}

#[test]
fn a_replaced_file_keeps_its_mode_and_a_key_is_closed() {
    let pki = Pki::create();
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

/// --force is for leaves: it replaces neither a CA certificate nor a CA key, whatever their names
/// are.
#[test]
fn a_ca_is_not_replaced_by_force() {
    let pki = Pki::create();
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
        pki.assert_refused(&pki.run(line), "", &before);
    }
    assert!(
        pki.run("key convert pki/ca-key.pem -o pki/ca-key.pem --format sec1 --force")
            .status
            .success()
    );
    assert!(pki.run("ca show -d pki").status.success());
}

/// One directory, with two paths, is locked once.
#[test]
fn two_names_of_one_directory() {
    let pki = Pki::create();
    let here = pki.parent().display().to_string();
    assert!(
        pki.run(&format!(
            "cert issue client x -d pki -o ./d.pem --key-out {here}/dk.pem"
        ))
        .status
        .success()
    );
}

/// The contents of a certificate cannot add a line to a settings file.
#[test]
fn settings_hold_no_line_of_a_certificates() {
    let pki = Pki::create();
    assert!(pki.run("cert issue member etcd-1 -d pki").status.success());
    let script = "cd pki && openssl ecparam -name prime256v1 -genkey -noout -out k && \
        printf 'x\nETCD_EXEC=evil' > cn && \
        printf '[req]\nprompt=no\ndistinguished_name=dn\n[dn]\nCN=x\\\\nETCD_EXEC=evil\n' > conf && \
        openssl req -new -key k -config conf -out r && \
        printf 'extendedKeyUsage=serverAuth,clientAuth\n' > ext && \
        openssl x509 -req -in r -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 9 -extfile ext -out member-x.pem";
    let made = Command::new("sh")
        .current_dir(pki.parent())
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
    // The list would lack the other member
    assert!(!printed.contains("ALLOWED_CN"), "{printed}");
}

#[test]
fn never_through_a_symbolic_link() {
    let pki = Pki::create();
    let outside = pki.parent().join("outside");
    fs::write(&outside, "precious").unwrap();
    for name in ["client-app.pem", "client-app-key.pem"] {
        symlink(&outside, pki.file(name)).unwrap();
        let before = pki.contents();
        for force in ["", "--force"] {
            let output = pki.run(&format!("cert issue client app -d pki {force}"));
            pki.assert_refused(&output, "symbolic link", &before);
        }
        assert_eq!(fs::read(&outside).unwrap(), b"precious");
        fs::remove_file(pki.file(name)).unwrap();
    }
    symlink("nowhere", pki.parent().join("x.pem")).unwrap();
    let output = pki.run("cert issue client app --ca pki/ca.pem --ca-key pki/ca-key.pem -o x.pem");
    assert_eq!(output.status.code(), Some(1));
    assert!(!pki.parent().join("nowhere").exists() && !pki.parent().join("x-key.pem").exists());
}

/// Hard links to a pair, such as those of Calico to Kubespray's node pair, keep the replaced files.
#[test]
fn further_names_of_what_is_replaced_are_told() {
    let pki = Pki::create();
    assert!(pki.run("cert issue client app -d pki").status.success());
    assert!(pki.run("csr new --cn app -o app.csr").status.success());
    assert!(
        pki.run("cert sign app.csr --role client --cn app -d pki -o app.pem")
            .status
            .success()
    );
    let warning = "which keep the old content: copy it there again";
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
        let (path, copy) = (pki.parent().join(file), pki.parent().join("copy"));
        fs::hard_link(&path, &copy).unwrap();
        let old = fs::read(&copy).unwrap();
        let output = pki.run(line);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{line}: {stderr}");
        let told = format!("warning: {file} had further names (hard links), {warning}");
        assert_eq!(stderr.matches(&told).count(), 1, "{line}: {stderr}");
        assert_eq!(stderr.matches(warning).count(), 1, "{line}: {stderr}");
        assert_eq!(fs::read(&copy).unwrap(), old, "{line}");
        assert_ne!(fs::read(&path).unwrap(), old, "{line}");
        fs::remove_file(copy).unwrap();
    }
    // Files that were not replaced are not reported
    fs::hard_link(pki.parent().join("app.pem"), pki.parent().join("copy")).unwrap();
    let refused = pki.run("cert sign app.csr --role client --cn app -d pki -o app.pem");
    let stderr = String::from_utf8(refused.stderr).unwrap();
    assert!(
        !refused.status.success() && !stderr.contains(warning),
        "{stderr}"
    );
}

/// A public file does not replace a private key, whichever command writes it: the key may be the
/// only copy.
#[test]
fn a_public_file_replaces_no_private_key() {
    let pki = Pki::create();
    assert!(pki.run("cert issue client c -d pki").status.success());
    assert!(
        pki.run("key new -o pki/sec1.pem --format sec1")
            .status
            .success()
    );
    let both = |first: &str, second: &str| {
        let text = fs::read(pki.file(first)).unwrap();
        [text, fs::read(pki.file(second)).unwrap()].concat()
    };
    fs::write(
        pki.file("both.pem"),
        both("client-c.pem", "client-c-key.pem"),
    )
    .unwrap();
    fs::write(pki.file("damaged.pem"), "-----BEGIN PRIVATE KEY-----\nMII").unwrap();
    let der = "cd pki && openssl pkey -in sec1.pem -outform DER -out key.der && \
        openssl pkey -in sec1.pem -aes256 -passout pass:x -out encrypted.pem && \
        openssl req -new -key sec1.pem -subj /CN=x -outform DER -out request.der && \
        openssl pkey -in sec1.pem -pubout -outform DER -out public.der";
    let made = Command::new("sh")
        .current_dir(pki.parent())
        .args(["-c", der])
        .status();
    assert!(made.unwrap().success());
    for key in [
        "client-c-key.pem",
        "sec1.pem",
        "both.pem",
        "damaged.pem",
        "key.der",
        "encrypted.pem",
        "ca-key.pem",
    ] {
        let before = pki.contents();
        for line in [
            format!("csr new --cn x -o pki/{key} --key-out x.pem --force"),
            format!("ca renew -d pki --csr pki/{key} --force"),
            format!("adopt pki -o pki/{key} --force"),
            format!("key public pki/client-c.pem -o pki/{key} --force"),
        ] {
            pki.assert_refused(&pki.run(&line), "", &before);
        }
    }
    for public in ["request.der", "public.der"] {
        let line = format!("csr new --cn x -o pki/{public} --key-out x.pem --force");
        assert!(pki.run(&line).status.success(), "{public}");
    }
}

/// A file with several keys belongs to a CA if one of the keys does.
#[test]
fn a_ca_key_after_another() {
    let pki = Pki::create();
    assert!(pki.run("key new -o pki/leaf.pem").status.success());
    assert!(pki.run("cert issue client c -d pki").status.success());
    let read = |name: &str| fs::read(pki.file(name)).unwrap();
    let (leaf, ca) = (read("leaf.pem"), read("ca-key.pem"));
    for several in [[&leaf[..], &ca], [&ca, &leaf], [b"# a note\n", &ca]] {
        for name in ["both.pem", "client-c-key.pem"] {
            fs::write(pki.file(name), several.concat()).unwrap();
        }
        let before = pki.contents();
        for line in [
            "key new -o pki/both.pem --force",
            "key convert pki/leaf.pem -o pki/both.pem --force",
            "csr new --cn x -o x.csr --key-out pki/both.pem --force",
            "cert issue client x -d pki -o x.pem --key-out pki/both.pem --force",
            "cert issue client c -d pki --force",
        ] {
            pki.assert_refused(&pki.run(line), "belongs to a CA", &before);
        }
    }
    // Keys that belong to no CA are replaced
    fs::write(pki.file("both.pem"), [&leaf[..], &leaf].concat()).unwrap();
    assert!(pki.run("key new -o pki/both.pem --force").status.success());
}
